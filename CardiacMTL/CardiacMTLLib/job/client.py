"""The client of a worker: hands a job over, follows its events, cancels it, and brings the result back.

It knows no Qt and starts no thread: the process runner is given to it, and whoever waits calls `tick` a few times a second.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import CardiacMTLError, JobError, OutputError
from CardiacMTLLib.job.events import PROTOCOL_VERSION, Done, Event, EventReader, Failed, Note, Progress, Started
from CardiacMTLLib.job.folder import Job, write_job
from CardiacMTLLib.job.process import ProcessRunner, SubprocessRunner, end_tree, worker_command
from CardiacMTLLib.job.result import read_result

GRACE_S = 1.0
"""A cancelled worker may end by itself for so long; then its process tree is ended."""

GIVE_UP_S = 1.8
"""After so long a cancelled job counts as ended, whatever the process does."""


class JobEnd(StrEnum):
    """How a job ended."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, eq=False)
class JobOutcome:
    """The end of a job: DONE has an analysis, FAILED one line of text that says why there is none."""

    end: JobEnd
    analysis: Analysis | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class JobListener:
    """Who is told, on the caller's thread: progress (a sentence, and the fraction behind it), notes, and once the outcome."""

    progress: Callable[[str, float], None] = lambda _text, _fraction: None
    note: Callable[[str], None] = lambda _text: None
    finished: Callable[[JobOutcome], None] = lambda _outcome: None


class JobClient:
    """One job of one worker process. Its folders lie in a temporary folder that is gone when the job has ended, however."""

    def __init__(
        self,
        job: Job,
        runner: ProcessRunner,
        listener: JobListener,
        python: Path | str = sys.executable,
        *,
        clock: Callable[[], float] = time.monotonic,
        end_process_tree: Callable[[int], None] = end_tree,
    ) -> None:
        self._job, self._runner, self._listener, self._python = job, runner, listener, python
        self._clock, self._end_tree = clock, end_process_tree
        self._reader = EventReader()
        self._folder: Path | None = None
        self._pid: int | None = None
        self._last: Done | Failed | None = None
        self._cancelled_at: float | None = None
        self._ended = False
        self._killed = False

    @property
    def running(self) -> bool:
        """Whether the job was started and has not ended."""
        return self._folder is not None and not self._ended

    def start(self) -> None:
        """Write the job and start the worker; raises `OutputError` where there is no room for the job."""
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="cardiacmtl-job-"))
        except OSError as error:
            raise OutputError(
                f"no temporary folder can be made ({error.strerror}); expected room in {tempfile.gettempdir()}; make room there"
            ) from error
        try:
            write_job(self._job, self._folder / "job")
        except OutputError:
            self._clear()
            raise
        command = worker_command(self._python, self._folder / "job", self._result_folder)
        self._runner.start(command, self._on_stdout, self._on_finished)

    def cancel(self) -> None:
        """Ask the worker to end; `tick` sees to it that it does. The outcome is CANCELLED even where a result is there."""
        if self.running and self._cancelled_at is None:
            self._cancelled_at = self._clock()
            self._runner.close_stdin()

    def tick(self) -> None:
        """To be called a few times a second while the job runs: ends a cancelled worker that does not end by itself."""
        if not self.running or self._cancelled_at is None:
            return
        since = self._clock() - self._cancelled_at
        if since >= GRACE_S and not self._killed:
            self._kill()
        if since >= GIVE_UP_S and self.running:
            self._finish(JobOutcome(JobEnd.CANCELLED))

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
            self._finish(JobOutcome(JobEnd.CANCELLED))
        else:
            self._finish(self._outcome(status))

    def _outcome(self, status: int | None) -> JobOutcome:
        if isinstance(self._last, Failed):
            return JobOutcome(JobEnd.FAILED, text=self._last.text)
        if self._last is None:
            return JobOutcome(JobEnd.FAILED, text=_without_a_word(status, started=self._pid is not None))
        try:
            return JobOutcome(JobEnd.DONE, read_result(self._result_folder, self._job.study))
        except CardiacMTLError as error:
            return JobOutcome(JobEnd.FAILED, text=str(error))

    def _finish(self, outcome: JobOutcome) -> None:
        self._ended = True
        self._clear()
        self._listener.finished(outcome)

    def _clear(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def run_job(job: Job, python: Path | str = sys.executable, listener: JobListener | None = None) -> Analysis:
    """Do `job` in a process of its own and wait for it; the interrupt key ends it.

    `listener` is told of progress and notes. Raises `JobError` with the worker's line where there is no result, and
    `OutputError` where the job cannot be written.
    """
    outcomes: list[JobOutcome] = []
    told = listener or JobListener()
    runner = SubprocessRunner()
    client = JobClient(job, runner, JobListener(told.progress, told.note, outcomes.append), python)
    client.start()
    try:
        runner.run(client.tick)
    except BaseException:
        client.cancel()
        runner.run(client.tick)
        raise
    (outcome,) = outcomes
    told.finished(outcome)
    if outcome.analysis is None:
        raise JobError(outcome.text)
    return outcome.analysis


def _without_a_word(status: int | None, *, started: bool) -> str:
    """One line on a worker that ended without saying why."""
    if status is None and not started:
        return "the worker process could not be started; expected a Python that can be run; check the installation"
    how = "without exit status" if status is None else f"with exit status {status}"
    what = "ended unexpectedly" if started else "ended before it began to work"
    return f"the worker process {what} ({how}); expected a result; run it again, on the CPU if it was on a GPU"
