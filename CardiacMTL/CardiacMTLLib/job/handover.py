"""The temporary folder that a client shares with its worker: it holds voxels, so that it goes however the two end.

Its name tells the machine and the process of the client, and nothing of a patient. The client removes it at the end of its job;
where the client is gone, the worker does; and what a dead client and a dead worker left, the next client of the machine.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

from CardiacMTLLib.errors import OutputError

_PREFIX = "cardiacmtl-job-"


def new_handover_folder() -> Path:
    """An empty folder of this process; raises `OutputError` where there is no room for it."""
    try:
        return Path(tempfile.mkdtemp(prefix=f"{_prefix()}{os.getpid()}-"))
    except OSError as error:
        raise OutputError(
            f"no temporary folder can be made ({error.strerror}); expected room in {tempfile.gettempdir()}; make room there"
        ) from error


def remove_abandoned() -> None:
    """Remove the folders of clients of this machine that do not run any more; nothing where that fails."""
    _remove_abandoned(is_running)


def _remove_abandoned(runs: Callable[[int], bool]) -> None:
    start = _prefix()
    for path in Path(tempfile.gettempdir()).glob(f"{start}*"):
        pid = path.name.removeprefix(start).partition("-")[0]
        if pid.isdecimal() and not runs(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def remove_orphaned(job_folder: Path) -> None:
    """Remove the folder in which a client keeps `job_folder`, as its worker does when the client is gone.

    A job that somebody wrote elsewhere by hand stays.
    """
    if job_folder.parent.name.startswith(_PREFIX):
        shutil.rmtree(job_folder.parent, ignore_errors=True)


def _prefix() -> str:
    """The machine counts, for several may share a folder of temporary files; its name stays hidden."""
    return f"{_PREFIX}{zlib.crc32(platform.node().encode()):08x}-"


if sys.platform == "win32":  # pragma: no cover - the tests run on other systems

    def is_running(pid: int) -> bool:
        """Whether a process of this number runs."""
        import ctypes  # noqa: PLC0415

        query_limited_information, still_active = 0x1000, 259
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(query_limited_information, False, pid)
        if not handle:
            return bool(kernel.GetLastError() == 5)  # it runs, and is another user's
        code = ctypes.c_ulong(0)
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return code.value == still_active

else:

    def is_running(pid: int) -> bool:
        """Whether a process of this number runs."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except (PermissionError, OverflowError):
            return True
        return True
