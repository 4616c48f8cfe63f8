"""When a case is done, and how its folder comes to be: whole, in one step."""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.batch.dicom_out import flush, write_case_dicom
from CardiacMTLLib.errors import OutputError
from CardiacMTLLib.outputs import RECORD_FILE, AnalysisWriter, write_outputs
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.report.record import Record


def finished_record(folder: Path) -> Record | None:
    """The result record of a case's folder; None where the case is not done: no folder, or none with a whole record."""
    try:
        record = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and "measurements" in record else None


def publish_case(
    analysis: Analysis,
    target: Path,
    work: Path,
    *,
    scene_writer: AnalysisWriter | None = None,
    view_renderer: AnalysisWriter | None = None,
    context: ReportContext | None = None,
    dicom: Path | None = None,
) -> None:
    """Write the results of a case into a new folder below `work`, and give it the name `target` when all is on the disk.

    Its DICOM files are in the folder `dicom` before that, so that a case that is done has them; where it must be done again
    they are replaced. `context` as in `write_outputs`. `work` and `target` lie on one file system. Where somebody else finished
    the case meanwhile, theirs stays: an interrupted batch that goes on may meet a worker of before. Raises `OutputError`; then
    no results of this attempt are left.
    """
    made = work / uuid.uuid4().hex
    try:
        try:
            write_outputs(analysis, made, scene_writer=scene_writer, view_renderer=view_renderer, context=context)
        except OutputError as error:
            raise OutputError(str(error).replace(str(made), str(target))) from error
        if dicom is not None:
            write_case_dicom(analysis, dicom)
        _put(made, target)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _put(made: Path, target: Path) -> None:
    try:
        for path in sorted(made.iterdir()):
            flush(path)
        made.rename(target)
    except OSError as error:
        if finished_record(target) is None:
            raise OutputError(
                f"results cannot be written to {target} ({error.strerror or error}); expected a writable folder with free "
                "space; make room"
            ) from error
