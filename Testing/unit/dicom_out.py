"""Analyses of DICOM fixtures, for the tests of what is written as DICOM."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom import sr

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.curve import cycle_curves, measure_rates
from CardiacMTLLib.measure.wall_table import wall_measurements
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.volume import CineStudy, Mask, Patient, Sex
from Testing.dicom_fixtures import Change, write_classic, write_enhanced
from Testing.unit.analyses import analysis_of

LABELS = (Label.RV, Label.MYOCARDIUM, Label.LV)


def masks_of(study: CineStudy) -> dict[Phase, Mask]:
    """Blocks without any symmetry, so that exchanged and reversed axes show; the apex and the base have none."""
    masks = {}
    for phase, shift in ((Phase.ED, 0), (Phase.ES, 1)):
        mask = np.zeros(study.geometry.shape_zyx, np.uint8)
        for z in range(1, len(mask) - 1):
            mask[z, 8:28, 10 + z : 34] = Label.MYOCARDIUM
            mask[z, 12 + shift : 24, 16 + z : 30] = Label.LV
            mask[z, 12 : 22 - z, 2 + shift : 10 + z] = Label.RV
        masks[phase] = mask
    return masks


def analysis_from(source: Path, **changes: object) -> Analysis:
    """An analysis of a DICOM source with all measurements, with frame 1 as ED and frame 4 as ES."""
    study = read_study(source, ed_frame=0, es_frame=3, patient=Patient(174.0, 78.0, Sex.MALE, 70.0))
    masks = masks_of(study)
    analysis = analysis_of(study, masks=masks)
    assert analysis.segments is not None
    cine = np.stack([masks[Phase.ES if 2 <= t <= 4 else Phase.ED] for t in range(len(study.frames))])
    curves = cycle_curves(cine, study)
    rates = measure_rates(curves, analysis.frames)
    measurements = {**analysis.measurements, **rates, **wall_measurements(analysis.segments)}
    predicted = {f"{label.name}_{phase}": 0.9 for label in LABELS for phase in Phase}
    return replace(
        analysis,
        cine_masks=cine,
        curves=curves,
        measurements=measurements,
        predicted_dice=predicted,
        scope_score=0.75,
        **changes,
    )


def source_of(folder: Path, kind: str, change: Change | None = None) -> Path:
    """The fixture of a vendor's convention, or the enhanced object."""
    return write_enhanced(folder / "enhanced.dcm") if kind == "enhanced" else write_classic(folder, kind, change=change)


def mask_in(path: Path, grid: Geometry) -> Mask:
    """The mask in a segmentation file on all voxels (z, y, x) of `grid`; frames must lie on it within 0.2 % of a voxel."""
    volume = highdicom.seg.segread(path).get_volume(combine_segments=True, skip_overlap_checks=False)
    matrix = grid.index_to_lps[:, [2, 1, 0, 3]]
    whole = highdicom.VolumeGeometry(
        matrix, grid.shape_zyx, coordinate_system="PATIENT", frame_of_reference_uid=volume.frame_of_reference_uid
    )
    return volume.match_geometry(whole, tol=0.002).array


def content_of(path: Path) -> sr.Comprehensive3DSR:
    """A structured report as highdicom reads it."""
    return sr.srread(path)


def all_items(item: pydicom.Dataset) -> list[pydicom.Dataset]:
    """An item of a report and all below it."""
    return [item, *(below for child in item.get("ContentSequence", ()) for below in all_items(child))]


def numbers_of(path: Path) -> dict[tuple[str, str], list[tuple[float, str]]]:
    """Values with units of all numeric items by the scheme and value of their names."""
    found: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for item in all_items(pydicom.dcmread(path)):
        if item.get("ValueType") == "NUM":
            name, value = item.ConceptNameCodeSequence[0], item.MeasuredValueSequence[0]
            unit = value.MeasurementUnitsCodeSequence[0].CodeValue
            key = (name.CodingSchemeDesignator, name.CodeValue)
            found.setdefault(key, []).append((float(value.NumericValue), unit))
    return found


def texts_of(path: Path) -> list[str]:
    """All sentences of a report, each behind the code of its name."""
    return [
        f"{item.ConceptNameCodeSequence[0].CodeValue}: {item.TextValue}"
        for item in all_items(pydicom.dcmread(path))
        if item.get("ValueType") == "TEXT"
    ]


@cache
def _program(name: str) -> str | None:
    return shutil.which(name)


def judged(program: str, *arguments: str | Path) -> list[str]:
    """The lines that a validator says; the test is skipped where it is not installed."""
    path = _program(program)
    if path is None:
        pytest.skip(f"{program} is not installed (Debian packages dicom3tools and dcmtk)")
    done = subprocess.run([path, *map(str, arguments)], capture_output=True, check=False, timeout=60)
    return [line for line in (done.stdout + done.stderr).decode("utf-8", "replace").splitlines() if line.strip()]
