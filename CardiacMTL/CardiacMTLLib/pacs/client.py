"""The client of a sending worker: hands the files and the node over, follows the send, and brings the result back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.job.process import worker_command
from CardiacMTLLib.job.worker_client import JobEnd, WorkerClient, WorkerListener
from CardiacMTLLib.pacs.outcome import SendResult
from CardiacMTLLib.pacs.send_job import SendJob, read_send_result, write_send_job

SEND_SCRIPT = "send_worker.py"


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """The end of a send: DONE has a result, which may name files that the node has not; FAILED has one line of text."""

    end: JobEnd
    result: SendResult | None = None
    text: str = ""


class SendListener(WorkerListener[SendOutcome]):
    """Who is told of a send."""

    __slots__ = ()


class SendClient(WorkerClient[SendJob, SendResult, SendOutcome]):
    """One send in a process of its own; `WorkerClient` says how it is driven. A cancelled send can be repeated."""

    what_next = "send again: what the node has already is not doubled"

    def _job_pieces(self, folder: Path) -> Iterator[None]:
        write_send_job(self._job, folder)
        yield

    def _command(self, job_folder: Path, result_folder: Path) -> list[str]:
        return worker_command(self._python, job_folder, result_folder, SEND_SCRIPT)

    def _read_result(self, folder: Path) -> SendResult:
        return read_send_result(folder)

    def _outcome_of(self, end: JobEnd, result: SendResult | None, text: str) -> SendOutcome:
        return SendOutcome(end, result, text)
