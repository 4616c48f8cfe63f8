"""What the worker's process does from its first event to its last."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from CardiacMTLLib.errors import CardiacMTLError, UsageError
from CardiacMTLLib.job.channel import internal_error, missing_package, one_line, protocol_on_stdout, require_torch
from CardiacMTLLib.job.events import Done, Event, Failed, Note, Progress, Started, event_line
from CardiacMTLLib.job.handover import remove_orphaned
from CardiacMTLLib.job.lifeline import hold_lifeline
from CardiacMTLLib.job.order import AwaitedOrder
from CardiacMTLLib.job.partial import remove_partial
from CardiacMTLLib.job.process import lead_own_group

if TYPE_CHECKING:
    from CardiacMTLLib.analysis import Analysis
    from CardiacMTLLib.job.folder import Job

STATUS_DONE, STATUS_INTERNAL, STATUS_REFUSED = 0, 1, 2

STATUS_IDLE = 4
"""Exit status of a warm worker that was given no job."""

IDLE_LIMIT_S = 300.0
"""So long a warm worker waits for its job."""

Report = Callable[[Event], None]

Work = Callable[[Path, Path, Report], None]
"""Does the job of one folder and writes its result into another, which does not exist yet."""


def main(arguments: Sequence[str]) -> int:
    """Analyse the job of the folder `arguments[0]`, write the folder `arguments[1]`, and return the exit status.

    Without arguments the libraries are loaded first, and the two folders come as a line on standard input (`order_line`).
    """
    return run_worker(arguments, _analyse_job) if arguments else run_warm_worker(_import_all, _analyse_job, IDLE_LIMIT_S)


def run_worker(arguments: Sequence[str], work: Work) -> int:
    """Do `work` on the folders `arguments[0]` and `arguments[1]` under the worker's protocol, and return the exit status."""
    folders = (Path(arguments[0]), Path(arguments[1])) if len(arguments) == 2 else None

    def given() -> tuple[Path, Path]:
        if folders is None:
            raise UsageError(f"got {len(arguments)} arguments; expected JOB and RESULT, two folders; see docs/worker.md")
        return folders

    report = _reporter()
    hold_lifeline(sys.stdin.fileno(), lambda: _clear_away(folders))
    report(Started(os.getpid()))
    return _told(given, work, report)


def run_warm_worker(warm_up: Callable[[], None], work: Work, idle_limit_s: float) -> int:
    """`warm_up`, wait for the order, and do `work` on its folders; return the exit status.

    What `warm_up` raises is no error yet: the job meets it again, and says it. Nor is an order that does not come.
    """
    order = AwaitedOrder()
    report = _reporter()
    hold_lifeline(sys.stdin.fileno(), lambda: _clear_away(order.folders), order.feed)
    report(Started(os.getpid()))
    with suppress(Exception):
        warm_up()
    return _told(order.taken, work, report) if order.wait(idle_limit_s) else STATUS_IDLE


def _reporter() -> Report:
    """Take over standard output, and make this process one that can be ended with all its children."""
    send = protocol_on_stdout()
    lead_own_group()
    return lambda event: send(event_line(event))


def _told(folders: Callable[[], tuple[Path, Path]], work: Work, report: Report) -> int:
    """Do the work and report how it ended; the exit status."""
    try:
        work(*folders(), report)
    except ModuleNotFoundError as error:
        report(Failed(missing_package(error)))
        return STATUS_REFUSED
    except CardiacMTLError as error:
        report(Failed(one_line(error)))
        return STATUS_REFUSED
    except Exception as error:  # noqa: BLE001 - the edge of the process: whoever waits learns what happened
        traceback.print_exc()
        report(Failed(internal_error(error), internal=True))
        return STATUS_INTERNAL
    report(Done())
    return STATUS_DONE


def _clear_away(folders: tuple[Path, Path] | None) -> None:
    """Nobody waits any more: leave neither a result that is half written nor the voxels that a client handed over."""
    if folders is not None:
        job_folder, result_folder = folders
        remove_partial(result_folder)
        remove_orphaned(job_folder)


def _import_all() -> None:
    """Import what a job needs."""
    require_torch()
    import CardiacMTLLib.job.folder  # noqa: PLC0415
    import CardiacMTLLib.job.result  # noqa: PLC0415
    import CardiacMTLLib.network.weights  # noqa: PLC0415
    import CardiacMTLLib.pipeline  # noqa: F401, PLC0415


def _analyse_job(job_folder: Path, result_folder: Path, report: Report) -> None:
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
    require_torch()
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
