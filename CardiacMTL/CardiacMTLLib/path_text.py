"""What a path may be: given on the command line, and handed to ITK and VTK."""

from __future__ import annotations

import argparse
from pathlib import Path

from CardiacMTLLib.errors import CardiacMTLError


def path_argument(text: str) -> Path:
    """A path of the command line; an empty text, as of a variable not set, is refused: it would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("got an empty name; expected a file or a folder; name it")
    return Path(text)


def check_is_text(path: Path, error_type: type[CardiacMTLError]) -> None:
    """Raise `error_type` for a path of bytes that are no UTF-8, at which ITK and VTK end the process."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        shown = str(path).encode("utf-8", errors="backslashreplace").decode("utf-8")
        raise error_type(f"the name {shown} holds bytes that are no text; expected a name in UTF-8; rename it") from error
