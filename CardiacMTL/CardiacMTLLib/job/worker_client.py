"""`WorkerClient`: hands a job to a worker process, follows its events, cancels it, and brings the result back.

It knows no Qt and starts no thread: the process runner is given to it, and whoever waits calls `tick` a few times a second.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLLib.job.events import PROTOCOL_VERSION, Done, Event, EventReader, Failed, Note, Progress, Started
from CardiacMTLLib.job.handover import new_handover_folder, remove_abandoned
from CardiacMTLLib.job.process import ProcessRunner, SubprocessRunner, end_tree

GRACE_S = 1.0
"""A cancelled worker may end by itself for so long; then its process tree is ended."""

GIVE_UP_S = 1.8
"""After so long a cancelled job counts as ended, whatever the process does."""


class JobEnd(StrEnum):
    """How a job ended."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


Work = TypeVar("Work")
Result = TypeVar("Result")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class WorkerListener(Generic[Outcome]):
    """Who is told, on the caller's thread: progress (a sentence, and the fraction behind it), notes, and once the outcome."""

    progress: Callable[[str, float], None] = lambda _text, _fraction: None
    note: Callable[[str], None] = lambda _text: None
    finished: Callable[[Outcome], None] = lambda _outcome: None


class WorkerClient(ABC, Generic[Work, Result, Outcome]):
    """One job of one worker process. Its folders lie in a temporary folder that is gone when the job has ended, however."""

    what_next = "run it again, on the CPU if it was on a GPU"
    """What to do where the process ended without a word."""

    def __init__(
        self,
        job: Work,
        runner: ProcessRunner,
        listener: WorkerListener[Outcome],
        python: Path | str = sys.executable,
        *,
        clock: Callable[[], float] = time.monotonic,
        end_process_tree: Callable[[int], None] = end_tree,
    ) -> None:
        self._job, self._runner, self._listener, self._python = job, runner, listener, python
        self._clock, self._end_tree = clock, end_process_tree
        self._reader = EventReader()
        self._folder: Path | None = None
        self._pieces: Iterator[None] | None = None
        self._pid: int | None = None
        self._last: Done | Failed | None = None
        self._cancelled_at: float | None = None
        self._ended = False
        self._killed = False

    @abstractmethod
    def _job_pieces(self, folder: Path) -> Iterator[None]:
        """Write the job into `folder`, which does not exist, in steps of a few milliseconds; `OutputError` where that fails."""

    @abstractmethod
    def _command(self, job_folder: Path, result_folder: Path) -> list[str]:
        """The command that does the job."""

    @abstractmethod
    def _read_result(self, folder: Path) -> Result:
        """The result in `folder`; raises `CardiacMTLError` where it is missing or damaged."""

    @abstractmethod
    def _outcome_of(self, end: JobEnd, result: Result | None, text: str) -> Outcome:
        """The end as the listener is told it: DONE has a result, FAILED one line of text that says why there is none."""

    @property
    def running(self) -> bool:
        """Whether the job was started and has not ended."""
        return self._folder is not None and not self._ended

    def start(self) -> None:
        """Write the job and start the worker; raises `OutputError` where there is no room for the job."""
        self.begin()
        try:
            while self.preparing:
                self._write_piece()
        except BaseException:
            self._clear()
            raise

    def begin(self) -> None:
        """As `start`, but it returns at once: every `tick` writes a piece of the job, and the last one starts the worker.

        Raises `OutputError` where there is no room for a folder; what fails later is told as the end of the job.
        """
        remove_abandoned()
        self._folder = new_handover_folder()
        self._pieces = self._job_pieces(self._folder / "job")

    @property
    def preparing(self) -> bool:
        """Whether the job is still being written: then `tick` may be called at any pace."""
        return self._pieces is not None

    def cancel(self) -> None:
        """Ask the worker to end; `tick` sees to it that it does. The outcome is CANCELLED even where a result is there."""
        if not self.running or self._cancelled_at is not None:
            return
        self._cancelled_at = self._clock()
        if self._pieces is not None:
            self._pieces = None
            self._finish(JobEnd.CANCELLED)
        else:
            self._runner.close_stdin()

    def tick(self) -> None:
        """To be called a few times a second while the job runs: ends a cancelled worker that does not end by itself."""
        if self.preparing:
            try:
                self._write_piece()
            except CardiacMTLError as error:
                self._finish(JobEnd.FAILED, text=str(error))
            return
        if not self.running or self._cancelled_at is None:
            return
        since = self._clock() - self._cancelled_at
        if since >= GRACE_S and not self._killed:
            self._kill()
        if since >= GIVE_UP_S and self.running:
            self._finish(JobEnd.CANCELLED)

    def run_with(self, runner: SubprocessRunner) -> None:
        """Start, and wait until the job has ended; `runner` is the one that was given. An interrupt cancels the job."""
        self.start()
        try:
            runner.run(self.tick)
        except BaseException:
            self.cancel()
            runner.run(self.tick)
            raise

    def _write_piece(self) -> None:
        assert self._folder is not None  # noqa: S101 - only called after `begin`
        pieces, self._pieces = self._pieces, None
        for _ in pieces or ():
            self._pieces = pieces
            return
        command = self._command(self._folder / "job", self._result_folder)
        self._runner.start(command, self._on_stdout, self._on_finished)

    @property
    def _result_folder(self) -> Path:
        assert self._folder is not None  # noqa: S101 - only asked for after the start
        return self._folder / "result"

    def _kill(self) -> None:
        self._killed = True
        if self._pid is not None:
            self._end_tree(self._pid)
        self._runner.kill()

    def _on_stdout(self, piece: bytes) -> None:
        for event in self._reader.feed(piece):
            if not self._ended and self._cancelled_at is None:
                self._on_event(event)
            elif isinstance(event, Started):
                self._on_started(event)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Started):
            self._on_started(event)
        elif isinstance(event, Progress):
            self._listener.progress(event.text, min(max(event.fraction, 0.0), 1.0))
        elif isinstance(event, Note):
            self._listener.note(event.text)
        elif self._last is None:
            self._last = event

    def _on_started(self, event: Started) -> None:
        if self._pid is None and event.pid > 1 and event.pid != os.getpid():
            self._pid = event.pid
        if event.protocol != PROTOCOL_VERSION and self._last is None:
            self._last = Failed(
                f"the worker speaks protocol {event.protocol}; expected {PROTOCOL_VERSION}; install one software version"
            )
            self._runner.close_stdin()

    def _on_finished(self, status: int | None) -> None:
        if self._ended:
            self._clear()
        elif self._cancelled_at is not None:
            self._finish(JobEnd.CANCELLED)
        else:
            self._finish(*self._outcome(status))

    def _outcome(self, status: int | None) -> tuple[JobEnd, Result | None, str]:
        if isinstance(self._last, Failed):
            return JobEnd.FAILED, None, self._last.text
        if self._last is None:
            return JobEnd.FAILED, None, self._without_a_word(status)
        try:
            return JobEnd.DONE, self._read_result(self._result_folder), ""
        except CardiacMTLError as error:
            return JobEnd.FAILED, None, str(error)

    def _without_a_word(self, status: int | None) -> str:
        """One line on a worker that ended without saying why."""
        if status is None and self._pid is None:
            return "the worker process could not be started; expected a Python that can be run; check the installation"
        how = "without exit status" if status is None else f"with exit status {status}"
        what = "ended before it began to work" if self._pid is None else "ended unexpectedly"
        return f"the worker process {what} ({how}); expected a result; {self.what_next}"

    def _finish(self, end: JobEnd, result: Result | None = None, text: str = "") -> None:
        self._ended = True
        self._clear()
        self._listener.finished(self._outcome_of(end, result, text))

    def _clear(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
