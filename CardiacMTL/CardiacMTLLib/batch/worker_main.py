"""What the worker process of a batch does: loads the network once, and then answers each task by how it ended."""

from __future__ import annotations

import os
import queue
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from CardiacMTLLib.batch.finished import publish_case
from CardiacMTLLib.batch.protocol import READY, REFUSED, STARTED, Answer, Lines, Orders, line_of, orders_of, task_of
from CardiacMTLLib.batch.task import End, Task
from CardiacMTLLib.errors import CardiacMTLError, ModelError, OutputError
from CardiacMTLLib.job.channel import internal_error, missing_package, one_line, protocol_on_stdout, require_torch
from CardiacMTLLib.job.lifeline import hold_lifeline
from CardiacMTLLib.job.process import lead_own_group
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.reading.dicom import read_dicom
from CardiacMTLLib.reading.options import ReadOptions
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.report.identity import read_identity

if TYPE_CHECKING:
    from CardiacMTLLib.analysis import Analysis
    from CardiacMTLLib.batch.settings import BatchSettings
    from CardiacMTLLib.outputs import AnalysisWriter
    from CardiacMTLLib.volume import CineStudy

IDLE_S = 300.0
"""A worker that gets no task for so long ends, and gives its memory back; where one comes after all, another is started."""


@dataclass(frozen=True, slots=True)
class Means:
    """What stays the same from case to case: how a study is analysed, and who writes scene and 3D picture."""

    analyse: Callable[[CineStudy], Analysis]
    scene_writer: AnalysisWriter | None = None
    view_renderer: AnalysisWriter | None = None


def main() -> int:
    """Answer every line of standard input until that closes, which ends the process at once (`job.lifeline`)."""
    send = protocol_on_stdout()

    def answer(found: Answer) -> None:
        send(line_of(found))

    lead_own_group()
    _first_to_go()
    lines, waiting = Lines(), queue.SimpleQueue[bytes]()

    def on_bytes(piece: bytes) -> None:
        for line in lines.feed(piece):
            waiting.put(line)

    hold_lifeline(sys.stdin.fileno(), lambda: None, on_bytes)
    answer(Answer(STARTED, pid=os.getpid()))
    orders = orders_of(waiting.get())
    try:
        means = prepare(orders)
    except Exception as error:  # noqa: BLE001 - the edge of the process: whoever waits learns what happened
        answer(_failure(error, REFUSED))
        return 2
    answer(Answer(READY))
    while True:
        try:
            task = task_of(waiting.get(timeout=IDLE_S))
        except queue.Empty:
            return 0
        answer(do(task, orders, means))


def prepare(orders: Orders) -> Means:
    """Load the model and see that the device is there; raises `CardiacMTLError` where the orders cannot be followed."""
    from CardiacMTLLib.network.store import find_model  # noqa: PLC0415

    entry = find_model(orders.settings.model)
    require_torch()
    if orders.settings.dicom_out is not None:
        from CardiacMTLLib.report.dicom.write import require_highdicom  # noqa: PLC0415 - only where it is asked for

        require_highdicom()
    from CardiacMTLLib.inference.device import choose_device  # noqa: PLC0415 - torch is slow to import
    from CardiacMTLLib.network.weights import load_entry  # noqa: PLC0415
    from CardiacMTLLib.pipeline import analyse  # noqa: PLC0415

    model = load_entry(entry)
    if model.identity.sha256 != orders.model_sha256:
        raise ModelError(
            f"{entry.name} is another model here (SHA-256 {model.identity.sha256[:12]}...); expected "
            f"{orders.model_sha256[:12]}...; install the same model on every machine"
        )
    device, whole = str(choose_device(orders.settings.device)), orders.settings.whole_cycle

    def analyse_study(study: CineStudy) -> Analysis:
        return analyse(study, model, device=device, whole_cycle=whole or len(study.frames) > 2)

    if not orders.settings.scene:
        return Means(analyse_study)
    from CardiacMTLLib.cli import render_view, save_scene  # noqa: PLC0415 - the one place that knows the scene

    return Means(analyse_study, save_scene, render_view)


def do(task: Task, orders: Orders, means: Means) -> Answer:
    """One case from its files to its folder, and how it ended."""
    try:
        study, settings = _study(task, orders.settings), orders.settings
        identity = read_identity(study.source) if settings.report_patient_data else None
        publish_case(
            means.analyse(study),
            Path(task.target),
            Path(task.work),
            scene_writer=means.scene_writer,
            view_renderer=means.view_renderer,
            context=ReportContext(identity=identity),
            dicom=None if settings.dicom_out is None else Path(settings.dicom_out) / task.name,
        )
    except OutputError as error:
        return _failure(error, End.UNWRITABLE)
    except Exception as error:  # noqa: BLE001 - a case that fails costs no other one
        return _failure(error, End.FAILED)
    return Answer(End.DONE)


def _study(task: Task, settings: BatchSettings) -> CineStudy:
    path = Path(task.path)
    if task.files:
        options = ReadOptions(slice_spacing_mm=settings.slice_spacing_mm)
        return read_dicom(path, options, [path / name for name in task.files])
    return read_study(path, slice_spacing_mm=settings.slice_spacing_mm, whole_cycle=settings.whole_cycle)


def _failure(error: Exception, word: str) -> Answer:
    if isinstance(error, ModuleNotFoundError):
        return Answer(word, missing_package(error))
    if isinstance(error, CardiacMTLError):
        return Answer(word, one_line(error))
    if isinstance(error, MemoryError):
        text = "the study needs more memory than there is; expected room for it; run it alone, or with fewer workers"
        return Answer(word, text, internal=True)
    return Answer(word, internal_error(error), internal=True)


def _first_to_go() -> None:
    """Where memory is short, let the system end this process before the one that waits for it (Linux only)."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
