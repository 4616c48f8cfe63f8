"""`locked`: one batch at a time for an output folder, by a lock that ends with the process that holds it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from CardiacMTLLib.errors import OutputError

if sys.platform == "win32":  # pragma: no cover - the tests run on other systems
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    _TAKEN: tuple[type[OSError], ...] = (PermissionError,)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    _TAKEN = (BlockingIOError,)


@contextmanager
def locked(path: Path, out: Path) -> Iterator[None]:
    """Hold the lock file `path` of the output folder `out`. The system lets go of it when this process ends, however it ends.

    The file itself stays. Raises `OutputError` at once where another process holds it, on whatever machine where the file
    system is shared, and where the file system has no locks.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise OutputError(
            f"{out} cannot be written ({error.strerror}); expected a writable folder; choose another one"
        ) from error
    try:
        try:
            _take(descriptor)
        except _TAKEN as error:
            raise OutputError(
                f"another batch is writing to {out}; expected one at a time; wait until it has ended, or choose another folder"
            ) from error
        except OSError as error:
            raise OutputError(
                f"{out} is on a file system that cannot lock files ({error.strerror}); expected one that can, so that no two "
                "batches write there at once; choose another folder"
            ) from error
        yield
    finally:
        os.close(descriptor)
