"""The worker's lifeline: when its standard input closes, whoever started it has gone or wants no more, and it ends."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from collections.abc import Callable

STATUS_CANCELLED = 3
"""Exit status of a worker whose standard input closed."""

_POLL_S = 0.1


def hold_lifeline(stdin: int, on_cut: Callable[[], None]) -> None:
    """Watch the file descriptor `stdin`; once it is closed at the other end, call `on_cut` and end the process at once.

    Nothing that is running is waited for. What is written into `stdin` is passed over. The thread never sits in a read: on
    Windows that would hold up libraries that look at their standard handles while they load.
    """

    def watch() -> None:
        try:
            while not _is_cut(stdin):
                pass
            on_cut()
        finally:
            os._exit(STATUS_CANCELLED)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


if sys.platform == "win32":  # pragma: no cover - the tests run on other systems

    def _is_cut(stdin: int) -> bool:
        import ctypes  # noqa: PLC0415
        import msvcrt  # noqa: PLC0415

        time.sleep(_POLL_S)
        waiting = ctypes.c_ulong(0)
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(stdin))
        if not ctypes.windll.kernel32.PeekNamedPipe(handle, None, 0, None, ctypes.byref(waiting), None):
            return True
        return waiting.value > 0 and not os.read(stdin, waiting.value)

else:

    def _is_cut(stdin: int) -> bool:
        ready, _, _ = select.select([stdin], [], [], _POLL_S)
        return bool(ready) and not os.read(stdin, 4096)
