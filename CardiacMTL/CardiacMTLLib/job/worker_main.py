"""What the worker's process does from its first event to its last."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from CardiacMTLLib.errors import CardiacMTLError, MissingPackageError, UsageError
from CardiacMTLLib.job.events import Done, Event, Failed, Note, Progress, Started, event_line
from CardiacMTLLib.job.lifeline import hold_lifeline
from CardiacMTLLib.job.partial import remove_partial
from CardiacMTLLib.job.process import lead_own_group

if TYPE_CHECKING:
    from CardiacMTLLib.analysis import Analysis
    from CardiacMTLLib.job.folder import Job

STATUS_DONE, STATUS_INTERNAL, STATUS_REFUSED = 0, 1, 2

Report = Callable[[Event], None]


def main(arguments: Sequence[str]) -> int:
    """Do the job of the folder `arguments[0]`, write the folder `arguments[1]`, and return the exit status."""
    report = _protocol_on_stdout()
    lead_own_group()
    result = Path(arguments[-1]) if len(arguments) == 2 else None
    hold_lifeline(sys.stdin.fileno(), lambda: None if result is None else remove_partial(result))
    report(Started(os.getpid()))
    try:
        _work(arguments, report)
    except ModuleNotFoundError as error:
        report(Failed(f"the package {error.name} is not installed for this Python; install {error.name} and try again"))
        return STATUS_REFUSED
    except CardiacMTLError as error:
        report(Failed(_one_line(error)))
        return STATUS_REFUSED
    except Exception as error:  # noqa: BLE001 - the edge of the process: whoever waits learns what happened
        traceback.print_exc()
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"internal error: {type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})"
        report(Failed(_one_line(text), internal=True))
        return STATUS_INTERNAL
    report(Done())
    return STATUS_DONE


def _work(arguments: Sequence[str], report: Report) -> None:
    if len(arguments) != 2:
        raise UsageError(f"got {len(arguments)} arguments; expected JOB and RESULT, two folders; see docs/worker.md")
    job_folder, result_folder = (Path(argument) for argument in arguments)
    report(Progress("reading the study", 0.0))
    from CardiacMTLLib.job.folder import read_job  # noqa: PLC0415 - errors of an import are events, too

    job = read_job(job_folder)
    report(Progress("starting the network", 0.01))
    analysis = _analyse(job, report)
    report(Progress("writing the result", 0.98))
    from CardiacMTLLib.job.result import write_result  # noqa: PLC0415

    write_result(analysis, result_folder)


def _analyse(job: Job, report: Report) -> Analysis:
    from CardiacMTLLib.network.store import find_model  # noqa: PLC0415

    entry = find_model(job.model)
    _require_torch()
    from CardiacMTLLib.network.weights import load_entry  # noqa: PLC0415 - torch is slow to import
    from CardiacMTLLib.pipeline import analyse  # noqa: PLC0415

    return analyse(
        job.study,
        load_entry(entry),
        device=job.device,
        whole_cycle=job.whole_cycle,
        left_out=job.left_out,
        progress=lambda text, fraction: report(Progress(text, fraction)),
        note=lambda text: report(Note(text)),
    )


def _require_torch() -> None:
    try:
        import torch  # noqa: F401, PLC0415
    except ModuleNotFoundError:
        raise
    except (ImportError, OSError) as error:
        raise MissingPackageError(
            f"PyTorch is installed but cannot be loaded ({error}); expected one that fits this Python; install it again"
        ) from error


def _protocol_on_stdout() -> Report:
    """Reports events to what standard output was; what libraries print there goes to standard error from now on."""
    channel = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def report(event: Event) -> None:
        line = event_line(event)
        while line:
            line = line[os.write(channel, line) :]

    return report


def _one_line(message: object) -> str:
    return " ".join(str(message).split())
