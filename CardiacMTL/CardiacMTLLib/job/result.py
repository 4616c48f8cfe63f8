"""The result folder of a job: the result record for everybody, and all that rebuilds the `Analysis` without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.job.codec import decode, encode
from CardiacMTLLib.job.folder import read_folder, write_folder
from CardiacMTLLib.report.record import result_record
from CardiacMTLLib.volume import CineStudy

RESULT_VERSION = 1
RESULT_FILE = "analysis.json"
RECORD_FILE = "result.json"


def write_result(analysis: Analysis, folder: Path) -> None:
    """Write `analysis`, all but its study, into `folder`, which must not exist; raises `OutputError`, and leaves nothing then.

    `result.json` is the record that `cardiacmtl run` writes; `analysis.json` and the arrays rebuild the analysis.
    """
    arrays: dict[str, NDArray[Any]] = {}
    record = {"version": RESULT_VERSION} | encode(analysis, arrays, leave_out=("study",))
    write_folder(folder, {RESULT_FILE: record, RECORD_FILE: result_record(analysis)}, arrays)


def read_result(folder: Path, study: CineStudy) -> Analysis:
    """The analysis in `folder`, of `study`, which the job was written for; needs no torch.

    Raises `InputError` for a folder that is missing, damaged, of another version, or of a study on another grid.
    """
    record, arrays = read_folder(folder, RESULT_FILE, RESULT_VERSION)
    analysis: Analysis = decode(record, Analysis, arrays, "the result", study=study)
    shape = study.geometry.shape_zyx
    masks = {mask.shape for mask in analysis.masks.values()}
    cine = set() if analysis.cine_masks is None else {analysis.cine_masks.shape}
    if not masks <= {shape} or not cine <= {(len(study.frames), *shape)}:
        raise InputError(
            f"the result has masks of shape {sorted(masks | cine)}; expected the grid {shape}; run the study again"
        )
    return analysis
