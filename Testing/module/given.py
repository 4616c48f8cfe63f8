"""What is in the scene before a person starts: a short cine of a phantom, its phases as volumes, or a finished result."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import slicer

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.conclude import MaskEvidence, conclude_masks
from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.diagnosis.head import diagnose
from CardiacMTLLib.geometry import AxisOrder
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.measure.features import feature_values
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.network.heads import load_heads
from CardiacMTLLib.phantom import make_phantom
from CardiacMTLLib.phantom.grid import PhantomGrid
from CardiacMTLLib.phantom.groups import anatomy_of
from CardiacMTLLib.volume import CineStudy, Patient, Sex, StoredGrid
from CardiacMTLScene.cine import CineNodes, add_cine
from CardiacMTLScene.volumes import add_volume
from Testing.scene.studies import Case, make_analysis

SMALL = PhantomGrid(size_xyz=(72, 72, 7), spacing_xyz_mm=(4.0, 4.0, 16.0))
PATIENT = Patient(174.0, 78.0, Sex.MALE, 62.0)


@cache
def short_study() -> CineStudy:
    """Four coarse frames of a dilated heart."""
    return make_phantom(anatomy_of(Group.DCM), n_frames=4, grid=SMALL).study


@cache
def large_study() -> CineStudy:
    """Thirty frames of 14 x 216 x 216 voxels, 39 MB: the same, with each voxel and each frame several times over."""
    study = short_study()
    voxels = study.frames[[0, 1, 2, 3, 3, 2, 1] * 5][:30]
    frames = voxels.repeat(2, axis=1).repeat(3, axis=2).repeat(3, axis=3)
    x, y, z = study.geometry.spacing_xyz_mm
    grid = replace(study.geometry, size_xyz=frames.shape[:0:-1], spacing_xyz_mm=(x / 3, y / 3, z / 2))
    return replace(study, frames=frames, geometry=grid, stored=StoredGrid(grid, AxisOrder()), frame_times_ms=None)


def given_cine(name: str = "Short axis", study: CineStudy | None = None) -> CineNodes:
    """The study as a sequence with its browser."""
    cine = add_cine(slicer.mrmlScene, name, study or short_study(), 0)
    cine.shown.CreateDefaultDisplayNodes()
    return cine


def given_volumes() -> list[Any]:
    """ED and ES as volumes."""
    study = short_study()
    frames = {"ED frame": 0, "ES frame": 2}
    return [add_volume(slicer.mrmlScene, name, study.frames[frame], study.geometry) for name, frame in frames.items()]


@cache
def finished_analysis() -> Analysis:
    """What the library concludes from the masks of an analytic heart, with the shipped model's heads and no network."""
    made = make_analysis()
    study = replace(made.study, patient=PATIENT)
    evidence = MaskEvidence(
        made.frames, made.masks, made.cine_masks, np.array([0.0, 0.0, 40.0, 0.0, 0.0]), None, 0.9, SliceSelection()
    )
    return conclude_masks(study, evidence, load_heads())


@cache
def analysis_of_ed() -> Analysis:
    """The same heart, had there been one frame of one phase only."""
    made = make_analysis(Case(with_cine=False, phases=(Phase.ED,)))
    study = replace(made.study, frames=made.study.frames[1:2], ed_frame=0, frame_times_ms=None, patient=PATIENT)
    evidence = MaskEvidence({Phase.ED: 0}, made.masks, None, None, None, 0.9, SliceSelection())
    return conclude_masks(study, evidence, load_heads())


def labelled(analysis: Analysis) -> Analysis:
    """The same with a label, and with what the head says for and against it."""
    features = feature_values(analysis.measurements, analysis.masks, analysis.study.geometry, 1.94)
    assert not isinstance(features, str)
    model = load_heads()
    logits = np.array([0.0, 0.0, 40.0, 0.0, 0.0])
    known = model.manifest.distributions
    return replace(
        analysis, diagnosis=diagnose(features, logits, model.head(indexed=True), 0.0, indexed=True, distributions=known)
    )


def withheld(analysis: Analysis) -> Analysis:
    """The same, had the head not been sure enough."""
    known = analysis.diagnosis
    shares = dict(zip(Group, (0.3, 0.25, 0.2, 0.15, 0.1), strict=True))
    reason = "confidence 0.30 is below the threshold 0.60"
    return replace(analysis, diagnosis=Diagnosis(shares, None, reason, known.auxiliary_logits, (), known.explanation))


def shown_result(panel: Any, analysis: Analysis | None = None) -> Any:
    """A cine in the scene, and the panel as it is when a run on it has just ended; returns the results in the scene."""
    from CardiacMTLPanel.chosen_input import ChosenInput
    from CardiacMTLPanel.scene_results import show_analysis

    analysis = analysis or finished_analysis()
    cine = given_cine(study=analysis.study)
    panel.choose("cineSelector", cine.sequence)
    results = show_analysis(analysis, ChosenInput(cine=cine.sequence))
    for _ in panel.module_widget.onResults(results):
        pass
    return results


def erase_slice(segmentation: Any, volume: Any, segment: str) -> None:
    """What an eraser in the Segment Editor does to the middle slice that holds the segment."""
    array = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, segment, volume)
    hits = np.flatnonzero(array.any(axis=(1, 2)))
    array[hits[len(hits) // 2]] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, segmentation, segment, volume)
