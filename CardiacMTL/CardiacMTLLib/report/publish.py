"""`published`: a folder of results appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from CardiacMTLLib.errors import OutputError


def check_output_folder(out: Path) -> None:
    """Raise `OutputError` where it is clear beforehand that no result can be written to `out`."""
    for folder in (out, *out.absolute().parents):
        if folder.is_dir():
            if not os.access(folder, os.W_OK | os.X_OK):
                raise OutputError(f"{folder} cannot be written; expected a writable output folder; choose another one")
            return
        if os.path.lexists(folder):
            raise OutputError(f"{folder} is a file; expected an output folder; choose another one")


@contextmanager
def published(out: Path, own_names: Collection[str]) -> Iterator[Path]:
    """A private folder to write into; when the block ends well, its files are in `out`, else `out` is as it was.

    Of an existing `out` only `own_names` are replaced, or removed where the block did not write them: results of two runs
    never mix, and foreign files stay. Files are written beside `out` (within it where it exists), so that moving them is only
    renaming. Raises `OutputError` for every failure of the file system.
    """
    check_output_folder(out)
    existed = out.is_dir()
    made = [folder for folder in out.absolute().parents if not folder.exists()]
    staging: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".cardiacmtl-", dir=out if existed else out.parent))
        results = staging / "results"
        results.mkdir()
        yield results
        if existed:
            _move_into(out, results, staging, own_names)
        else:
            results.rename(out)
        made = []
    except OutputError as error:
        raise OutputError(str(error).replace(f"{staging}{os.sep}results", str(out))) from error
    except OSError as error:
        raise OutputError(
            f"results cannot be written to {out} ({error.strerror or error}); expected a writable folder with free space; "
            "choose another one or make room"
        ) from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
        with suppress(OSError):
            for folder in made:
                folder.rmdir()


def _move_into(out: Path, results: Path, staging: Path, own_names: Collection[str]) -> None:
    """Replace the own files of `out` by those of `results`; whatever interrupts this, what was moved is moved back."""
    replaced = staging / "replaced"
    replaced.mkdir()
    moves = [(out / name, replaced / name) for name in own_names if os.path.lexists(out / name)]
    moves += [(file, out / file.name) for file in sorted(results.iterdir())]
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            target.rename(source)
        raise
