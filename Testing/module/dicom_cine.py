"""A cine as Slicer has it after loading it from its DICOM database, with a finished result on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pydicom
import slicer

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.geometry import AxisOrder
from CardiacMTLLib.volume import CineStudy, StoredGrid
from CardiacMTLScene.cine import CineNodes, add_cine
from Testing.dicom_fixtures import write_classic
from Testing.unit.dicom_out import analysis_from


@dataclass
class Database:
    """The names of ctkDICOMDatabase that the module uses (CTK: Libs/DICOM/Core/ctkDICOMDatabase.h), and what was imported."""

    files: dict[str, Path]
    isOpen: bool = True  # noqa: N815 - so it is called there
    imported: list[str] = field(default_factory=list)

    def fileForInstance(self, uid: str) -> str:  # noqa: N802
        return str(self.files.get(uid, ""))

    def instanceValue(self, uid: str, tag: str) -> str:  # noqa: N802
        return ""

    def module(self) -> ModuleType:
        """`DICOMLib` (Slicer: Modules/Scripted/DICOMLib/DICOMUtils.py), whose import only notes the folder."""
        made = ModuleType("DICOMLib")

        def importDicom(dicomDataDir: str, dicomDatabase: Any = None, copyFiles: bool = False) -> bool:  # noqa: N802, N803
            assert isinstance(dicomDataDir, str)
            assert copyFiles
            self.imported.append(dicomDataDir)
            return True

        made.DICOMUtils = SimpleNamespace(importDicom=importDicom)  # type: ignore[attr-defined]
        return made


@cache
def dicom_analysis(folder: Path) -> Analysis:
    """An analysis of a DICOM fixture, without its source, as a worker or a scene gives it."""
    analysis = analysis_from(write_classic(folder, "Siemens"))
    return replace(analysis, study=replace(analysis.study, source=None))


def database_of(folder: Path) -> Database:
    """A database that knows all files in `folder`."""
    return Database({str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID): path for path in folder.iterdir()})


def loaded_cine(folder: Path, name_frames: Callable[[CineNodes, list[list[str]]], None]) -> CineNodes:
    """The study in the axes of its files, as a sequence; `name_frames` writes the UIDs of each frame where a reader would."""
    study = dicom_analysis(folder).study
    grid = study.stored.geometry
    frames = np.ascontiguousarray(study.stored.order.undo(study.frames))
    stored = CineStudy(frames, grid, StoredGrid(grid, AxisOrder()), frame_times_ms=study.frame_times_ms)
    cine = add_cine(slicer.mrmlScene, "DICOM cine", stored, 0)
    name_frames(cine, _uids_by_frame(folder, len(frames)))
    return cine


def each_frame(cine: CineNodes, uids: list[list[str]]) -> None:
    """Every frame names its own images."""
    for number, frame in enumerate(uids):
        cine.sequence.GetNthDataNode(number).SetAttribute("DICOM.instanceUIDs", " ".join(frame))


def whole_cine(cine: CineNodes, uids: list[list[str]]) -> None:
    """The sequence names all images at once."""
    cine.sequence.SetAttribute("DICOM.instanceUIDs", " ".join(uid for frame in uids for uid in frame))


def nothing(cine: CineNodes, uids: list[list[str]]) -> None:
    """The cine was loaded from other files."""


def _uids_by_frame(folder: Path, n_frames: int) -> list[list[str]]:
    """The instances of each frame; a frame's slices are in no order."""
    found: list[list[str]] = [[] for _ in range(n_frames)]
    for path in sorted(folder.iterdir()):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        found[(int(header.InstanceNumber) - 1) % n_frames].append(str(header.SOPInstanceUID))
    return found
