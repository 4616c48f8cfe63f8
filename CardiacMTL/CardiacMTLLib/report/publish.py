"""`published`: a folder of results appears whole or not at all; `reserved`: nobody else writes there meanwhile."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from CardiacMTLLib.errors import OutputError
from CardiacMTLLib.lock import NoLocksError, locked
from CardiacMTLLib.path_text import check_is_text

_RESERVED: set[Path] = set()
"""Folders that this process holds."""


def check_output_folder(out: Path) -> None:
    """Raise `OutputError` where it is clear beforehand that no result can be written to `out`."""
    check_is_text(out, OutputError)
    for folder in (out, *out.absolute().parents):
        if folder.is_dir():
            if not os.access(folder, os.W_OK | os.X_OK):
                raise OutputError(f"{folder} cannot be written; expected a writable output folder; choose another one")
            return
        if os.path.lexists(folder):
            raise OutputError(f"{folder} is a file; expected an output folder; choose another one")


@contextmanager
def reserved(out: Path) -> Iterator[None]:
    """Hold `out`, which need not exist, against other processes that publish there; within this process it may be nested.

    Where the file system has no locks nobody is kept out. Raises `OutputError` at once where another process holds `out`, and
    where it cannot be written.
    """
    check_output_folder(out)
    whole = out.resolve()
    if whole in _RESERVED:
        yield
        return
    made = [folder for folder in whole.parents if not folder.exists()]
    try:
        with _os_errors(out):
            whole.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            with suppress(NoLocksError):
                stack.enter_context(locked(_lock_file(whole), out))
            _RESERVED.add(whole)
            stack.callback(_RESERVED.discard, whole)
            yield
    finally:
        with suppress(OSError):
            for folder in made:
                folder.rmdir()


def _lock_file(out: Path) -> Path:
    """Beside `out`, for `out` appears in one step; within it where nothing can be written beside it."""
    if os.access(out.parent, os.W_OK | os.X_OK):
        mark = hashlib.sha256(os.fsencode(os.path.normcase(out.name))).hexdigest()[:16]
        return out.parent / f".cardiacmtl-{mark}.lock"
    return out / ".cardiacmtl.lock"


@contextmanager
def published(out: Path, own_names: Collection[str]) -> Iterator[Path]:
    """A private folder to write into; when the block ends well, its files are in `out`, else `out` is as it was.

    Of an existing `out` only `own_names` are replaced, or removed where the block did not write them: results of two runs
    never mix, and foreign files stay. Files are written beside `out` (within it where it exists), so that moving them is only
    renaming. Raises `OutputError` for every failure of the file system, and where another process holds `out` (`reserved`).
    """
    with reserved(out), _os_errors(out):
        existed = out.is_dir()
        staging = Path(tempfile.mkdtemp(prefix=".cardiacmtl-", dir=out if existed else out.parent))
        try:
            results = staging / "results"
            results.mkdir()
            yield results
            if existed:
                _move_into(out, results, staging, own_names)
            else:
                results.rename(out)
        except OutputError as error:
            raise OutputError(str(error).replace(f"{staging}{os.sep}results", str(out))) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _os_errors(out: Path) -> Iterator[None]:
    """Failures of the file system, within the block, as an `OutputError` about `out`."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"results cannot be written to {out} ({error.strerror or error}); expected a writable folder with free space; "
            "choose another one or make room"
        ) from error


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
