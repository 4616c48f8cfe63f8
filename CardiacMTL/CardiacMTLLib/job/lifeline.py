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


def hold_lifeline(stdin: int, on_cut: Callable[[], None], on_bytes: Callable[[bytes], None] = lambda _: None) -> None:
    """Watch the file descriptor `stdin`; once it is closed at the other end, call `on_cut` and end the process at once.

    Nothing that is running is waited for. `on_bytes` gets what is written into `stdin`, in pieces, on the watching thread. That
    thread never sits in a read: on Windows it would hold up libraries that look at their standard handles while they load.
    """

    def watch() -> None:
        try:
            while (piece := _waiting(stdin)) != b"":
                if piece:
                    on_bytes(piece)
            on_cut()
        finally:
            os._exit(STATUS_CANCELLED)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


if sys.platform == "win32":  # pragma: no cover - the tests run on other systems

    def _waiting(stdin: int) -> bytes | None:
        """What waits in `stdin`; None where nothing does, empty where it is closed."""
        import ctypes  # noqa: PLC0415
        import msvcrt  # noqa: PLC0415

        time.sleep(_POLL_S)
        waiting = ctypes.c_ulong(0)
        handle = ctypes.c_void_p(msvcrt.get_osfhandle(stdin))
        if not ctypes.windll.kernel32.PeekNamedPipe(handle, None, 0, None, ctypes.byref(waiting), None):
            return b""
        return os.read(stdin, waiting.value) if waiting.value > 0 else None

else:

    def _waiting(stdin: int) -> bytes | None:
        """What waits in `stdin`; None where nothing does, empty where it is closed."""
        ready, _, _ = select.select([stdin], [], [], _POLL_S)
        return os.read(stdin, 65536) if ready else None
