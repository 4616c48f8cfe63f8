"""The order: the one line on its standard input by which a warm worker learns which job is its own."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from CardiacMTLLib.errors import UsageError

_MOST_BYTES = 65536
"""A longer line names no two folders."""


def order_line(job_folder: Path | str, result_folder: Path | str) -> bytes:
    """The line, with its end; ASCII, whatever language the paths are in."""
    return json.dumps([str(job_folder), str(result_folder)]).encode() + b"\n"


class AwaitedOrder:
    """The order of one worker: bytes come in on one thread, another waits for the whole line."""

    def __init__(self) -> None:
        self._bytes = b""
        self._whole = threading.Event()

    def feed(self, piece: bytes) -> None:
        """Take the next bytes; what follows the line does not count."""
        if not self._whole.is_set():
            self._bytes += piece
            if b"\n" in self._bytes or len(self._bytes) > _MOST_BYTES:
                self._whole.set()

    def wait(self, seconds: float) -> bool:
        """Whether the line is there after at most so long."""
        return self._whole.wait(seconds)

    @property
    def folders(self) -> tuple[Path, Path] | None:
        """The folders of job and result; None where the line is not there, or names no two folders."""
        line, end, _ = self._bytes.partition(b"\n")
        try:
            named = json.loads(line) if end else None
        except (ValueError, RecursionError):
            return None
        if isinstance(named, list) and len(named) == 2 and all(isinstance(name, str) and name for name in named):
            return Path(named[0]), Path(named[1])
        return None

    def taken(self) -> tuple[Path, Path]:
        """The folders of job and result; raises `UsageError` where the line names no two folders."""
        folders = self.folders
        if folders is None:
            raise UsageError(
                f"got a line of {len(self._bytes)} bytes on standard input that names no two folders; "
                'expected a JSON array ["JOB", "RESULT"]; see docs/worker.md'
            )
        return folders
