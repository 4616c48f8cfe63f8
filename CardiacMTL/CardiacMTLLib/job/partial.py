"""Where a folder is written before it is whole, and how that is cleared away."""

from __future__ import annotations

import shutil
from pathlib import Path

_TRIES = 20


def partial_of(folder: Path) -> Path:
    """The place beside `folder` in which it is written, so that the last step is only a change of name."""
    return folder.with_name(f"{folder.name}.partial")


def remove_partial(folder: Path) -> None:
    """Remove what is half written of `folder`; where somebody is writing still, once more, a number of times."""
    partial = partial_of(folder)
    for _ in range(_TRIES):
        shutil.rmtree(partial, ignore_errors=True)
        if not partial.exists():
            return
