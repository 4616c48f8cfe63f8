"""`with_dicom_source`: a result that was taken from the scene, with the DICOM images behind it, as a database knows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.report.dicom.found_source import source_of_files
from CardiacMTLScene.scene_nodes import SceneNodes

FileFinder = Callable[[str], str]
"""Told a SOP instance UID, gives the path of its file or an empty text; `slicer.dicomDatabase.fileForInstance`."""

_INSTANCES = "DICOM.instanceUIDs"


def with_dicom_source(analysis: Analysis, nodes: SceneNodes, file_of: FileFinder | None) -> Analysis:
    """`analysis` whose study names the DICOM images of its ED and ES, found through the UIDs that the images' nodes carry.

    Stored results hold no source (`StoredResults`): files move, and the database knows where they are. Raises `InputError`, in
    one line, where the images were not loaded from DICOM, the database (None: there is none) does not know them, or they do not
    fit the study.
    """
    files = {frame: _files(_instances(nodes, phase, frame), file_of) for phase, frame in analysis.frames.items()}
    return replace(analysis, study=replace(analysis.study, source=source_of_files(analysis.study, files)))


def _instances(nodes: SceneNodes, phase: Any, frame: int) -> list[str]:
    """The UIDs that the volume of a phase carries, else those of its frame in the cine, else those of the whole cine."""
    cine = nodes.cine
    sequence: Any = None if cine is None else cine.sequence
    candidates = (
        nodes.volumes.get(phase),
        None if sequence is None or frame >= sequence.GetNumberOfDataNodes() else sequence.GetNthDataNode(frame),
        None if cine is None else cine.shown,
        sequence,
    )
    for node in candidates:
        uids = ((node.GetAttribute(_INSTANCES) if node is not None else None) or "").split()
        if uids:
            return uids
    raise InputError(
        "the images were not loaded from DICOM, so that no DICOM can refer to them, and nothing names the patient; expected "
        "a cine from Slicer's DICOM database; load the study from there and run it again"
    )


def _files(uids: list[str], file_of: FileFinder | None) -> list[Path]:
    found = [] if file_of is None else [Path(path) for uid in uids if (path := file_of(uid))]
    if len(found) < len(uids):
        raise InputError(
            f"Slicer's DICOM database knows {len(found)} of the {len(uids)} images that were loaded from DICOM; expected all; "
            "import the study into it again"
        )
    return found
