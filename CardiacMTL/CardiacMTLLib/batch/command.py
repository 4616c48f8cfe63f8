"""The command `batch` of `cardiacmtl`: its options become settings, and what happens becomes lines."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from CardiacMTLLib.batch.run import BatchSummary, Watcher, run_batch
from CardiacMTLLib.batch.settings import BatchSettings, Workforce
from CardiacMTLLib.batch.tables import FAILURES_FILE, RESULTS_FILE
from CardiacMTLLib.diagnosis.diagnosis import RESEARCH_USE
from CardiacMTLLib.report.terminal import Terminal

LINE_EVERY_S = 60.0
"""Where nobody watches, as in a log file, a line of progress comes so often."""


def batch(arguments: argparse.Namespace, terminal: Terminal) -> tuple[str, int]:
    """Run the batch that the options of `batch` describe; what is printed, and 1 where some case failed, else 0."""
    settings = BatchSettings(
        arguments.model,
        arguments.device,
        arguments.whole_cycle,
        arguments.slice_spacing_mm,
        not arguments.no_scene,
        arguments.report_patient_data,
        None if arguments.dicom_out is None else str(arguments.dicom_out),
    )
    workforce = Workforce(arguments.workers, arguments.time_limit_s, arguments.scheduler)
    progress = terminal.progress if terminal.is_live else lines_now_and_then(terminal.line)
    summary = run_batch(
        arguments.root,
        arguments.out,
        settings,
        workforce,
        resume=arguments.resume,
        retry_failed=arguments.retry_failed,
        watcher=Watcher(progress, terminal.line),
    )
    return summary_text(summary, arguments), int(bool(summary.failed))


def lines_now_and_then(
    line: Callable[[str], None], clock: Callable[[], float] = time.monotonic
) -> Callable[[str, float], None]:
    """Progress as lines, one every `LINE_EVERY_S`."""
    last = clock()

    def progress(text: str, fraction: float) -> None:
        nonlocal last
        if clock() - last >= LINE_EVERY_S:
            last = clock()
            line(f"{100 * fraction:3.0f} %  {text}")

    return progress


def summary_text(summary: BatchSummary, arguments: argparse.Namespace) -> str:
    """How many cases are done, how many failed, and where to look."""
    lines = [f"{_cases(len(summary.done))} done, {_cases(len(summary.failed))} failed", f"Results in {arguments.out}:"]
    lines += [f"  {RESULTS_FILE}", f"  {FAILURES_FILE}", "  a folder for each case that is done"]
    lines += (
        [] if arguments.dicom_out is None else [f"DICOM in {arguments.dicom_out}:", "  a folder for each case that is done"]
    )
    lines += [f"Note: {note}" for note in summary.notes]
    return "\n".join([*lines, RESEARCH_USE])


def _cases(count: int) -> str:
    return f"{count} case{'' if count == 1 else 's'}"
