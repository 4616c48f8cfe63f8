"""The client of a sending worker: hands the files and the node over, follows the send, and brings the result back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.job.process import ProcessRunner, end_tree, worker_command
from CardiacMTLLib.job.worker_client import JobEnd, WorkerClient
from CardiacMTLLib.pacs.outcome import SendResult
from CardiacMTLLib.pacs.send_job import SendJob, read_send_result, write_send_job

SEND_SCRIPT = "send_worker.py"


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """The end of a send: DONE has a result, which may name files that the node has not; FAILED has one line of text."""

    end: JobEnd
    result: SendResult | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class SendListener:
    """Who is told, on the caller's thread: progress (a sentence, and the fraction behind it), notes, and once the outcome."""

    progress: Callable[[str, float], None] = lambda _text, _fraction: None
    note: Callable[[str], None] = lambda _text: None
    finished: Callable[[SendOutcome], None] = lambda _outcome: None


class SendClient(WorkerClient[SendResult]):
    """One send in a process of its own; `WorkerClient` says how it is driven. A cancelled send can be repeated."""

    what_next = "send again: what the node has already is not doubled"

    def __init__(
        self,
        job: SendJob,
        runner: ProcessRunner,
        listener: SendListener,
        python: Path | str = sys.executable,
        *,
        clock: Callable[[], float] = time.monotonic,
        end_process_tree: Callable[[int], None] = end_tree,
    ) -> None:
        super().__init__(runner, listener.progress, listener.note, clock=clock, end_process_tree=end_process_tree)
        self._job, self._python, self._finished = job, python, listener.finished

    def _job_pieces(self, folder: Path) -> Iterator[None]:
        write_send_job(self._job, folder)
        yield

    def _command(self, job_folder: Path, result_folder: Path) -> list[str]:
        return worker_command(self._python, job_folder, result_folder, SEND_SCRIPT)

    def _read_result(self, folder: Path) -> SendResult:
        return read_send_result(folder)

    def _tell(self, end: JobEnd, result: SendResult | None, text: str) -> None:
        self._finished(SendOutcome(end, result, text))
