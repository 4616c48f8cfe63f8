"""The client of the analysing worker: hands a study over, follows the work, and brings the analysis back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import JobError
from CardiacMTLLib.job.folder import Job, job_pieces
from CardiacMTLLib.job.process import SubprocessRunner, worker_command
from CardiacMTLLib.job.result import read_result
from CardiacMTLLib.job.worker_client import JobEnd, WorkerClient, WorkerListener


@dataclass(frozen=True, slots=True, eq=False)
class JobOutcome:
    """The end of a job: DONE has an analysis, FAILED one line of text that says why there is none."""

    end: JobEnd
    analysis: Analysis | None = None
    text: str = ""


class JobListener(WorkerListener[JobOutcome]):
    """Who is told of a job."""

    __slots__ = ()


class JobClient(WorkerClient[Job, Analysis, JobOutcome]):
    """One job of one worker process; `WorkerClient` says how it is driven."""

    def _job_pieces(self, folder: Path) -> Iterator[None]:
        return job_pieces(self._job, folder)

    def _command(self, job_folder: Path, result_folder: Path) -> list[str]:
        return worker_command(self._python, job_folder, result_folder)

    def _read_result(self, folder: Path) -> Analysis:
        return read_result(folder, self._job.study)

    def _outcome_of(self, end: JobEnd, result: Analysis | None, text: str) -> JobOutcome:
        return JobOutcome(end, result, text)


def run_job(job: Job, python: Path | str = sys.executable, listener: JobListener | None = None) -> Analysis:
    """Do `job` in a process of its own and wait for it; the interrupt key ends it.

    `listener` is told of progress and notes. Raises `JobError` with the worker's line where there is no result, and
    `OutputError` where the job cannot be written.
    """
    outcomes: list[JobOutcome] = []
    told = listener or JobListener()
    runner = SubprocessRunner()
    client = JobClient(job, runner, JobListener(told.progress, told.note, outcomes.append), python)
    client.run_with(runner)
    (outcome,) = outcomes
    told.finished(outcome)
    if outcome.analysis is None:
        raise JobError(outcome.text)
    return outcome.analysis
