"""The results of a run, kept in the scene through save and load: `add_results`, `results_in`, `update_results`.

They stand as JSON in a vtkMRMLTextNode. It has a file of its own in a scene bundle, which the several 100 kB of a cycle's masks
need, where attributes of a table would swell the scene's XML; it can be read in the application; and its node references find
the nodes that show the study. Images are not in it: they are nodes of the scene already, and computing anew does not need them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.job.codec import decode, encode
from CardiacMTLLib.report.record import result_record
from CardiacMTLLib.volume import CineStudy
from CardiacMTLScene.nodes import nodes_of_class
from CardiacMTLScene.ownership import study_of
from CardiacMTLScene.packing import packed, unpacked
from CardiacMTLScene.scene_nodes import SceneNodes, refer_to, referred_nodes
from CardiacMTLScene.tables import correct_diagnosis_table, correct_measurement_table

RESULTS_VERSION = 2

_MARK = "CardiacMTL.Results"
"""Attribute of the text nodes that hold results."""


@dataclass(frozen=True, slots=True)
class StoredResults:
    """What a run found, and what a correction made of it.

    `analysis` is that of the run, with its masks, frames, model and auxiliary logits; the voxels of its study are zeros without
    memory behind them, all else is there, so that `CardiacMTLLib.recompute` works from it. `corrected` is the last correction,
    or None; it stands on the same study. `record` and `corrected_record` are the result records of both. `nodes` are those that
    show the study and are still there.
    """

    study_name: str
    analysis: Analysis
    record: Mapping[str, Any]
    corrected: Analysis | None
    corrected_record: Mapping[str, Any] | None
    nodes: SceneNodes

    @property
    def latest(self) -> Analysis:
        """What counts now: the correction where there is one."""
        return self.corrected or self.analysis


def add_results(scene: Any, name: str, text: str, nodes: SceneNodes) -> Any:
    """Add a vtkMRMLTextNode with the `text` of an analysis (`results_text`), which refers to `nodes`."""
    node = slicer.vtkMRMLTextNode()
    node.SetName(name)
    node.SetAttribute(_MARK, str(RESULTS_VERSION))
    node.SetText(text)
    scene.AddNode(node)
    refer_to(node, nodes)
    return node


def results_text(analysis: Analysis) -> str:
    """All that rebuilds `analysis` but its voxels."""
    return _text(_content(analysis))


def results_of_run(study_name: str, analysis: Analysis, nodes: SceneNodes) -> StoredResults:
    """What `results_in` would find of a run whose `nodes` were just added, without reading it from the scene again."""
    study = replace(analysis.study, frames=_no_voxels(analysis.study.frames.shape), source=None)
    return StoredResults(study_name, replace(analysis, study=study), result_record(analysis), None, None, nodes)


def nodes_of_results(scene: Any, study_name: str) -> SceneNodes | None:
    """The nodes that the latest results under this name refer to; None where there are none. Their text is not read."""
    holders = [node for node in _holders(scene) if study_of(node) == study_name]
    return referred_nodes(holders[-1]) if holders else None


def studies_in(scene: Any) -> tuple[str, ...]:
    """The names of all studies that have results in `scene`, the oldest first."""
    return tuple(dict.fromkeys(study for node in _holders(scene) if (study := study_of(node)) is not None))


def results_in(scene: Any, study_name: str) -> StoredResults | None:
    """The latest results under this study name, or None where there are none.

    Raises `InputError` where they are damaged, or written by another version.
    """
    holders = [node for node in _holders(scene) if study_of(node) == study_name]
    if not holders:
        return None
    content = _parsed(holders[-1], study_name)
    where = "its text"
    try:
        arrays, count = unpacked(content["arrays"]), int(content["frame_count"])
        x, y, z = (int(size) for size in content["study"]["geometry"]["size_xyz"])
        study = decode(content["study"], CineStudy, arrays, where, frames=_no_voxels((count, z, y, x)), source=None)
        analysis = decode(content["analysis"], Analysis, arrays, where, study=study)
        corrected = None
        if content["corrected"] is not None:
            corrected = decode(content["corrected"], Analysis, arrays, where, study=study, cine_masks=analysis.cine_masks)
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise _damaged(study_name, error) from error
    records = content["record"], content["corrected_record"]
    return StoredResults(study_name, analysis, records[0], corrected, records[1], referred_nodes(holders[-1]))


def update_results(results: StoredResults, corrected: Analysis) -> StoredResults:
    """Write `corrected` beside the original: into the tables, with a column for the original, and into the stored results.

    `corrected` is what `CardiacMTLLib.recompute` made of `results.analysis` (its cycle's masks are those of the run). Tables
    that the user removed stay away. Correcting again replaces the correction, never the original. Raises `InputError` where the
    stored results are gone.
    """
    nodes = results.nodes
    if nodes.results.GetScene() is None:
        raise InputError(
            f"the stored result of {results.study_name} is not in the scene any more; expected it for a correction; "
            "run the study again"
        )
    content = _content(results.analysis, corrected)
    nodes.results.SetText(_text(content))
    if nodes.measurements is not None:
        correct_measurement_table(nodes.measurements, corrected.measurements, results.analysis.measurements)
    if nodes.diagnosis is not None:
        correct_diagnosis_table(nodes.diagnosis, corrected.diagnosis, results.analysis.diagnosis)
    return StoredResults(
        results.study_name, results.analysis, results.record, corrected, content["corrected_record"], results.nodes
    )


def _no_voxels(shape: tuple[int, ...]) -> NDArray[np.int16]:
    """Frames of zeros without memory behind them."""
    return np.broadcast_to(np.zeros((), np.int16), shape)


def _content(analysis: Analysis, corrected: Analysis | None = None) -> dict[str, Any]:
    arrays: dict[str, NDArray[Any]] = {}
    study = analysis.study
    content = {
        "version": RESULTS_VERSION,
        "record": result_record(analysis),
        "corrected_record": None if corrected is None else result_record(corrected, analysis),
        "frame_count": len(study.frames),
        "study": encode(study, arrays, "study", ("frames", "source")),
        "analysis": encode(analysis, arrays, "analysis", ("study",)),
        "corrected": None if corrected is None else encode(corrected, arrays, "corrected", ("study", "cine_masks")),
    }
    return content | {"arrays": packed(arrays)}


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=True, allow_nan=False)


def _holders(scene: Any) -> list[Any]:
    return [node for node in nodes_of_class(scene, "vtkMRMLTextNode") if node.GetAttribute(_MARK) is not None]


def _parsed(node: Any, study_name: str) -> dict[str, Any]:
    try:
        content = json.loads(node.GetText() or "")
    except (ValueError, RecursionError) as error:
        raise _damaged(study_name, error) from error
    version = content.get("version") if isinstance(content, dict) else None
    if version != RESULTS_VERSION or not isinstance(content, dict):
        raise InputError(
            f"the stored result of {study_name} has version {version!r:.40}; expected {RESULTS_VERSION}; run the study again"
        )
    return content


def _damaged(study_name: str, error: Exception) -> InputError:
    return InputError(
        f"the stored result of {study_name} cannot be read ({' '.join(str(error).split()):.200}); expected what this software "
        "version writes; run the study again"
    )
