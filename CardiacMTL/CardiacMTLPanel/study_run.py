"""`StudyRun`: one analysis in its worker, as the panel follows it: progress, elapsed time, cancel, end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import qt

from CardiacMTLLib.job.client import JobClient, JobListener, JobOutcome
from CardiacMTLLib.job.folder import Job
from CardiacMTLLib.job.warm_runner import WarmRunner
from CardiacMTLPanel.process_runner import LAST_WAIT_MS, QProcessRunner

_TICK_MS, _PIECE_MS = 100, 5
"""Between looks at a run, and between pieces of a job that is being written."""


@dataclass(frozen=True, slots=True)
class RunListener:
    """Who is told, on the main thread: progress (a sentence, the fraction behind it), notes, seconds so far, the end."""

    progress: Callable[[str, float], None]
    note: Callable[[str], None]
    elapsed: Callable[[float], None]
    finished: Callable[[JobOutcome], None]


class StudyRun:
    """A run that has been started, by `workers`. `parent` is a QObject that keeps the timer."""

    def __init__(self, job: Job, python: str, parent: Any, workers: WarmRunner[QProcessRunner], listener: RunListener) -> None:
        self._listener, self._started_s = listener, time.monotonic()
        self._workers = workers
        self._client = JobClient(job, workers, JobListener(listener.progress, listener.note, self._finished), python)
        self._timer = qt.QTimer(parent)
        self._timer.setInterval(_PIECE_MS)
        self._timer.connect("timeout()", self._tick)
        self._timer.start()
        try:
            self._client.begin()
        except BaseException:
            self._timer.stop()
            raise

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._client.running

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._started_s

    def cancel(self) -> None:
        """End it within two seconds; the outcome says that it was cancelled."""
        self._client.cancel()

    def end_now(self) -> None:
        """Cancel and wait, because the panel goes; nobody is told any more."""
        if self._client.running:
            self._client.cancel()
            if self._client.running and (worker := self._workers.working) is not None:
                worker.wait(LAST_WAIT_MS)
                worker.kill()
                worker.wait(LAST_WAIT_MS)
        self._timer.stop()

    def _tick(self) -> None:
        self._client.tick()
        if not self._client.preparing and self._timer.interval != _TICK_MS:
            self._timer.setInterval(_TICK_MS)
        if self._client.running:
            self._listener.elapsed(self.seconds)

    def _finished(self, outcome: JobOutcome) -> None:
        self._timer.stop()
        self._timer.deleteLater()
        self._listener.finished(outcome)
