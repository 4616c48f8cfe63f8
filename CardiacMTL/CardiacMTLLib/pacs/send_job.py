"""`SendJob`: what a sending worker is asked for and answers, as folders, and what its process does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.job.codec import decode, encode
from CardiacMTLLib.job.events import Note, Progress
from CardiacMTLLib.job.folder import read_folder, write_folder
from CardiacMTLLib.job.worker_main import Report, run_worker
from CardiacMTLLib.pacs.instances import find_instances
from CardiacMTLLib.pacs.node import Node
from CardiacMTLLib.pacs.outcome import SendResult

SEND_VERSION = 1
JOB_FILE, RESULT_FILE = "send.json", "sent.json"


@dataclass(frozen=True, slots=True)
class SendJob:
    """Files and folders to be sent, and whereto; without paths the node is only asked whether it answers (C-ECHO)."""

    paths: tuple[str, ...]
    node: Node


def write_send_job(job: SendJob, folder: Path) -> None:
    """Write `job` into `folder`, which must not exist; raises `OutputError` where that fails, and leaves nothing then."""
    write_folder(folder, {JOB_FILE: {"version": SEND_VERSION} | encode(job, {})}, {})


def read_send_job(folder: Path) -> SendJob:
    """The job in `folder`; raises `InputError` where it is missing, damaged, or of another version."""
    record, _ = read_folder(folder, JOB_FILE, SEND_VERSION)
    job: SendJob = decode(record, SendJob, {}, "the job")
    return job


def read_send_result(folder: Path) -> SendResult:
    """The result in `folder`; raises `InputError` where it is missing, damaged, or of another version."""
    record, _ = read_folder(folder, RESULT_FILE, SEND_VERSION)
    result: SendResult = decode(record, SendResult, {}, "the result")
    return result


def main(arguments: Sequence[str]) -> int:
    """Do the job of the folder `arguments[0]`, write the folder `arguments[1]`, and return the exit status."""
    return run_worker(arguments, _send)


def _send(job_folder: Path, result_folder: Path, report: Report) -> None:
    """Imports of the network part wait until the protocol runs: their errors are events, too."""
    from CardiacMTLLib.pacs.send import echo, send_files  # noqa: PLC0415

    job = read_send_job(job_folder)
    if job.paths:
        found = find_instances(Path(path) for path in job.paths)
        result = send_files(found.instances, job.node, progress=lambda done, total: report(sent_progress(done, total)))
        for file in (*result.remaining, *result.warnings):
            report(Note(f"{Path(file.path).name}: {file.reason}"))
    else:
        report(Progress("asking the node", 0.0))
        echo(job.node)
        result = SendResult(())
    write_folder(result_folder, {RESULT_FILE: {"version": SEND_VERSION} | encode(result, {})}, {})


def sent_progress(done: int, total: int) -> Progress:
    """The event that tells how many files are behind."""
    return Progress(f"sent {done} of {total} files", done / total)
