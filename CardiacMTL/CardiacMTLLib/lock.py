"""`locked`: one run or batch at a time for an output folder, by a lock that ends with the process that holds it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from CardiacMTLLib.errors import OutputError

if sys.platform == "win32":  # pragma: no cover - the tests run on other systems
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _let_go(descriptor: int, path: Path) -> None:
        """An open file cannot be removed; one that another process has opened since stays, and is that one's to remove."""
        os.close(descriptor)
        with suppress(OSError):
            path.unlink()

    def _has_its_name(descriptor: int, path: Path) -> bool:  # noqa: ARG001 - an open file keeps its name
        return True

    _TAKEN: tuple[type[OSError], ...] = (PermissionError,)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _let_go(descriptor: int, path: Path) -> None:
        """The file goes while it is held: whoever has opened it since sees that it is not there any more."""
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)

    def _has_its_name(descriptor: int, path: Path) -> bool:
        """Whether the file that is held is the one at `path`: another process may have removed it before it was held."""
        try:
            return os.path.samestat(path.stat(), os.fstat(descriptor))
        except FileNotFoundError:
            return False

    _TAKEN = (BlockingIOError,)


class NoLocksError(OutputError):
    """The file system of an output folder has no locks."""


@contextmanager
def locked(path: Path, out: Path, work: str = "run") -> Iterator[None]:
    """Hold the lock file `path` of the output folder `out` for `work`, a word for messages.

    The system lets go of it when this process ends, however it ends; a file that is left then blocks nobody. Else the file is
    removed at the end. Raises `OutputError` at once where another process holds it, on whatever machine where the file system
    is shared, and `NoLocksError` where that has no locks.
    """
    descriptor = _held(path, out, work)
    try:
        yield
    finally:
        _let_go(descriptor, path)


def _held(path: Path, out: Path, work: str) -> int:
    """A descriptor of the file at `path`, which is locked."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise OutputError(
                f"{out} cannot be written ({error.strerror}); expected a writable folder; choose another one"
            ) from error
        try:
            _take(descriptor)
            if _has_its_name(descriptor, path):
                return descriptor
        except _TAKEN as error:
            os.close(descriptor)
            raise OutputError(
                f"another {work} is writing to {out}; expected one at a time; wait until it has ended, or choose another folder"
            ) from error
        except OSError as error:
            os.close(descriptor)
            raise NoLocksError(
                f"{out} is on a file system that cannot lock files ({error.strerror}); expected one that can, so that no two "
                f"{work}s write there at once; choose another folder"
            ) from error
        os.close(descriptor)
