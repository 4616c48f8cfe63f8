"""`write_outputs`, and `writing_outputs` in steps: all result files of one study, complete or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import CardiacMTLError, OutputError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.report.bullseye import draw_bullseye
from CardiacMTLLib.report.contact_sheet import draw_contact_sheet
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.report.curve_plot import draw_curves
from CardiacMTLLib.report.html import write_report
from CardiacMTLLib.report.measurements_csv import measurements_csv
from CardiacMTLLib.report.picture import NOT_ASKED, Picture
from CardiacMTLLib.report.publish import published
from CardiacMTLLib.report.record import record_text, result_record
from CardiacMTLLib.report.segmentation_file import write_mask
from CardiacMTLLib.steps import Steps, finished

AnalysisWriter = Callable[[Analysis, Path], None]
"""Writes one file from an analysis; `MissingPackageError` and the like say why it cannot."""

PHASE_FILES = {Phase.ED: "segmentation_ed.nii.gz", Phase.ES: "segmentation_es.nii.gz"}
CINE_FILE = "segmentation_cine.nii.gz"
RECORD_FILE = "result.json"
MEASUREMENTS_FILE = "measurements.csv"
SHEET_FILE = "overlay.png"
VIEW_FILE = "overlay_3d.png"
BULLSEYE_FILE = "bullseye.png"
CURVES_FILE = "curves.png"
REPORT_FILE = "report.html"
SCENE_FILE = "scene.mrb"

RESULT_FILES = (
    *PHASE_FILES.values(),
    CINE_FILE,
    RECORD_FILE,
    MEASUREMENTS_FILE,
    SHEET_FILE,
    VIEW_FILE,
    BULLSEYE_FILE,
    CURVES_FILE,
    REPORT_FILE,
    SCENE_FILE,
)
"""Every name that a run may write, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class OutputFiles:
    """What was written: the folder, the names in it, and a sentence for each file that was left out."""

    folder: Path
    names: tuple[str, ...]
    notes: tuple[str, ...]


def write_outputs(
    analysis: Analysis,
    out: Path,
    *,
    scene_writer: AnalysisWriter | None = None,
    view_renderer: AnalysisWriter | None = None,
    extras: Mapping[str, Callable[[Path], None]] | None = None,
    context: ReportContext | None = None,
    at_once: bool = False,
) -> OutputFiles:
    """Write the results of `analysis` into the folder `out`, which is made where it does not exist.

    `scene_writer` makes the scene and `view_renderer` the 3D picture (None: not wanted); `extras` are further files, name to
    writer. `at_once` says that the former two may work in another thread while the other files are written. `context` gives
    record, table and report the analysis before a correction, and the report the patient. A file whose optional package is
    missing is left out with a note. All files appear at once, when they are complete; foreign files in `out` stay. Raises
    `OutputError` where something cannot be written; then `out` is as it was.
    """
    return finished(
        writing_outputs(
            analysis,
            out,
            scene_writer=scene_writer,
            view_renderer=view_renderer,
            extras=extras,
            context=context,
            at_once=at_once,
        )
    )


def writing_outputs(
    analysis: Analysis,
    out: Path,
    *,
    scene_writer: AnalysisWriter | None = None,
    view_renderer: AnalysisWriter | None = None,
    extras: Mapping[str, Callable[[Path], None]] | None = None,
    context: ReportContext | None = None,
    at_once: bool = False,
) -> Steps[OutputFiles]:
    """As `write_outputs`, a file or two a step. Dropped before its end it leaves `out` as it was."""
    extras, context = extras or {}, context or ReportContext()
    with published(out, [*RESULT_FILES, *extras]) as folder, ThreadPoolExecutor(1) as beside:
        writing = _Writing(analysis, folder)
        if at_once:
            view_renderer = _begun(beside, view_renderer, analysis, folder / VIEW_FILE)
            scene_writer = _begun(beside, scene_writer, analysis, folder / SCENE_FILE)
        writing.masks()
        yield
        record = result_record(analysis, context.original)
        (folder / RECORD_FILE).write_text(record_text(record), encoding="utf-8")
        (folder / MEASUREMENTS_FILE).write_text(measurements_csv(record), encoding="utf-8", newline="")
        yield
        sheet = writing.picture(SHEET_FILE, draw_contact_sheet)
        yield
        plots = writing.picture(BULLSEYE_FILE, draw_bullseye)
        yield
        curves = NOT_ASKED if analysis.cine_masks is None else writing.picture(CURVES_FILE, draw_curves)
        yield
        view = writing.picture(VIEW_FILE, view_renderer)
        writing.optional(
            REPORT_FILE,
            lambda study, path: write_report(
                study, path, sheet=sheet, view=view, bullseye=plots, curves=curves, context=context
            ),
        )
        yield
        if scene_writer is not None:
            writing.optional(SCENE_FILE, scene_writer)
        for name, write in extras.items():
            write(folder / name)
        names = tuple(name for name in (*RESULT_FILES, *extras) if (folder / name).exists())
    return OutputFiles(out, names, tuple(writing.notes))


def _begun(pool: Executor, write: AnalysisWriter | None, analysis: Analysis, path: Path) -> AnalysisWriter | None:
    """`write` at work already: what is returned waits for it and raises what it raises."""
    if write is None:
        return None
    job = pool.submit(write, analysis, path)
    return lambda _analysis, _path: job.result()


@dataclass(frozen=True, slots=True)
class _Writing:
    """One round of writing into a folder that collects notes."""

    analysis: Analysis
    folder: Path
    notes: list[str] = field(default_factory=list)

    def masks(self) -> None:
        """Write the mask of each phase, and those of the whole cycle where it was segmented."""
        study = self.analysis.study
        for phase, name in PHASE_FILES.items():
            if phase in self.analysis.masks:
                write_mask(self.analysis.masks[phase], study, self.folder / name)
            else:
                self.notes.append(f"{name} is left out: {phase} was not segmented")
        if self.analysis.cine_masks is not None:
            write_mask(self.analysis.cine_masks, study, self.folder / CINE_FILE)

    def picture(self, name: str, draw: AnalysisWriter | None) -> Picture:
        """Draw a picture and hand it, or the reason why there is none, to the report."""
        if draw is None:
            return NOT_ASKED
        reason = self.optional(name, draw)
        return Picture(None, reason) if reason else Picture(self.folder / name)

    def optional(self, name: str, write: AnalysisWriter) -> str | None:
        """Write a file that may be left out; None, or the reason, which is also noted.

        A failure to write is no reason to leave a file out: `OutputError` goes on.
        """
        try:
            write(self.analysis, self.folder / name)
        except OutputError:
            raise
        except CardiacMTLError as error:
            (self.folder / name).unlink(missing_ok=True)
            self.notes.append(f"{name} is left out: {error}")
            return str(error)
        return None
