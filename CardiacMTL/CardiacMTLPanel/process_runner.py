"""`QProcessRunner`: runs the worker as a QProcess, so that the application stays live; a `ProcessRunner` of the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt

LAST_WAIT_MS = 1500
"""So long the panel waits for a process when it goes itself."""


class QProcessRunner:
    """One process; all calls back come on Qt's main thread. `parent` is a QObject that keeps the process."""

    def __init__(self, parent: Any) -> None:
        self._process = qt.QProcess(parent)
        self._process.connect("readyReadStandardOutput()", self._read)
        self._process.connect("readyReadStandardError()", self._drop_stderr)
        self._process.connect("finished(int,QProcess::ExitStatus)", self._finished)
        self._process.connect("errorOccurred(QProcess::ProcessError)", self._error)
        self._on_stdout: Callable[[bytes], None] = lambda _: None
        self._on_finished: Callable[[int | None], None] | None = None

    def start(
        self, command: Sequence[str], on_stdout: Callable[[bytes], None], on_finished: Callable[[int | None], None]
    ) -> None:
        """As `ProcessRunner.start`."""
        self._on_stdout, self._on_finished = on_stdout, on_finished
        self._process.start(command[0], list(command[1:]))

    def write(self, data: bytes) -> None:
        """As `ProcessRunner.write`."""
        if self._running():
            self._process.write(data)

    def close_stdin(self) -> None:
        """As `ProcessRunner.close_stdin`."""
        if self._running():
            self._process.closeWriteChannel()

    def kill(self) -> None:
        """As `ProcessRunner.kill`."""
        if self._running():
            self._process.kill()

    def wait(self, timeout_ms: int) -> None:
        """Wait for the end, at most so long; for the moment when the panel itself goes."""
        if self._running():
            self._process.waitForFinished(timeout_ms)

    def _running(self) -> bool:
        return bool(self._process) and self._process.state() != qt.QProcess.NotRunning

    def _read(self) -> None:
        self._on_stdout(bytes(self._process.readAllStandardOutput().data()))

    def _drop_stderr(self) -> None:
        """What the worker's libraries say: it may name files, so that it goes into no log."""
        self._process.readAllStandardError()

    def _finished(self, code: int, status: Any) -> None:
        self._read()
        crashed = status != qt.QProcess.NormalExit
        self._end(-1 if crashed and code == 0 else code)

    def _error(self, error: Any) -> None:
        if error == qt.QProcess.FailedToStart:
            self._end(None)

    def _end(self, status: int | None) -> None:
        on_finished, self._on_finished = self._on_finished, None
        if on_finished is not None:
            on_finished(status)
        if self._process:
            self._process.deleteLater()
