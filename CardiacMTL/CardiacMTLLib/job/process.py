"""Starting and ending the worker's process: what a process runner does, and the one that needs only the standard library."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from CardiacMTLLib import child_process

_PAUSE_S = 0.02


class ProcessRunner(Protocol):
    """Runs one process, with its standard input and output as pipes; calls back on the caller's own thread."""

    def start(
        self, command: Sequence[str], on_stdout: Callable[[bytes], None], on_finished: Callable[[int | None], None]
    ) -> None:
        """Start `command` (a program and its arguments, no shell).

        `on_stdout` gets what it writes, in pieces as they come, all of them before `on_finished` gets the exit status: None
        where it could not be started, and not 0 where it was ended. That comes once.
        """

    def write(self, data: bytes) -> None:
        """Write some bytes, less than a pipe holds, into its standard input; nothing where that is closed or it has ended."""

    def close_stdin(self) -> None:
        """Close its standard input; nothing where it has ended."""

    def kill(self) -> None:
        """End the started process at once; nothing where it has ended."""


class SubprocessRunner:
    """A `ProcessRunner` for consoles and tests; whoever waits calls `poll` again and again, and no thread is needed.

    Standard error is dropped: an application may have none, and what libraries say there may name files.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._on_stdout: Callable[[bytes], None] = lambda _: None
        self._on_finished: Callable[[int | None], None] = lambda _: None

    def start(
        self, command: Sequence[str], on_stdout: Callable[[bytes], None], on_finished: Callable[[int | None], None]
    ) -> None:
        """As `ProcessRunner.start`; the calls back are made within `poll`."""
        self._on_stdout, self._on_finished = on_stdout, on_finished
        try:
            self._process = child_process.started(command, bufsize=0)
        except OSError:
            on_finished(None)
            return
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        os.set_blocking(self._process.stdout.fileno(), False)

    def write(self, data: bytes) -> None:
        """As `ProcessRunner.write`."""
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.closed:
            with suppress(OSError):
                self._process.stdin.write(data)

    def close_stdin(self) -> None:
        """As `ProcessRunner.close_stdin`."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def kill(self) -> None:
        """As `ProcessRunner.kill`."""
        if self._process is not None:
            self._process.kill()

    def poll(self) -> bool:
        """Hand over what came since the last call; False once the process has ended and all was handed over."""
        process = self._process
        if process is None:
            return False
        status = process.poll()
        while piece := self._read(process):
            self._on_stdout(piece)
        if status is None:
            return True
        self._process = None
        self.close_pipes(process)
        self._on_finished(status)
        return False

    def run(self, tick: Callable[[], None]) -> None:
        """Wait until the process has ended, calling `tick` in between."""
        while self.poll():
            tick()
            time.sleep(_PAUSE_S)

    @staticmethod
    def close_pipes(process: subprocess.Popen[bytes]) -> None:
        """Close what is left open of a process that has ended."""
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    @staticmethod
    def _read(process: subprocess.Popen[bytes]) -> bytes:
        """The bytes that wait in its standard output; empty where none do."""
        assert process.stdout is not None  # noqa: S101 - it was asked for
        try:
            return os.read(process.stdout.fileno(), 65536)
        except BlockingIOError:
            return b""


WORKER_SCRIPT = "worker.py"


def worker_command(python: Path | str, job_folder: Path, result_folder: Path, script_name: str = WORKER_SCRIPT) -> list[str]:
    """The command that runs a worker by `python`; `CardiacMTLLib` need not be installed there, nor be on its path."""
    return [*warm_command(python, script_name), str(job_folder), str(result_folder)]


def warm_command(python: Path | str, script_name: str = WORKER_SCRIPT) -> list[str]:
    """The command that runs a worker which waits for its job."""
    return [str(python), str(Path(__file__).resolve().parents[1] / script_name)]


def lead_own_group() -> None:
    """Make this process the leader of a group of its own, so that `end_tree` finds its children (nothing on Windows)."""
    if sys.platform != "win32":
        with suppress(OSError):
            os.setpgid(0, 0)


def end_tree(pid: int) -> None:
    """End the process `pid`, which called `lead_own_group`, and its children at once; nothing where it has ended."""
    if sys.platform == "win32":  # pragma: no cover - the tests run on other systems
        taskkill = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "taskkill.exe"
        child_process.finished([str(taskkill), "/PID", str(pid), "/T", "/F"])
        return
    with suppress(ProcessLookupError, PermissionError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
