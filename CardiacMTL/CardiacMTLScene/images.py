"""The images under a study's masks: volumes and a cine of our own, or those that the user has got already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import slicer
import vtk

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import GeometryError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.volume import Mask
from CardiacMTLScene.cine import CineNodes, add_browser, add_cine
from CardiacMTLScene.cine_input import CineInput
from CardiacMTLScene.volumes import add_volume, require_geometry


@dataclass(frozen=True, slots=True)
class StudyImages:
    """What masks are drawn on: a volume for each phase, a cine or None, and the grid of all of them.

    `anchor` is a given node beside which results stand, or None where the images are ours. `ours` are those that were added.
    """

    volumes: Mapping[Phase, Any]
    cine: CineNodes | None
    geometry: Geometry
    anchor: Any
    ours: tuple[Any, ...]

    def drawn(self, analysis: Analysis, masks: Mask) -> Mask:
        """`masks` (..., z, y, x) of the study on the axes of these images."""
        return masks if self.anchor is None else analysis.study.in_file_axes(masks)


def own_images(scene: Any, analysis: Analysis) -> StudyImages:
    """New volumes of the phases, and a new cine where every frame was segmented, in standard axes."""
    study = analysis.study
    volumes = {
        phase: add_volume(scene, phase.value, study.frames[analysis.frames[phase]], study.geometry)
        for phase in _phases(analysis)
    }
    cine = None
    if analysis.cine_masks is not None and len(study.frames) > 1:
        cine = add_cine(scene, "Cine", study, analysis.frames.get(Phase.ED, 0))
    return StudyImages(volumes, cine, study.geometry, None, tuple(volumes.values()))


def given_volumes(analysis: Analysis, volumes: Mapping[Phase, Any]) -> StudyImages:
    """The user's volumes of the phases; raises `GeometryError` where they are not on the grid of the study's file."""
    geometry = analysis.study.stored.geometry
    chosen = {phase: volumes[phase] for phase in _phases(analysis)}
    for volume in chosen.values():
        require_geometry(volume, geometry)
    return StudyImages(chosen, None, geometry, next(iter(chosen.values()), next(iter(volumes.values()), None)), ())


def given_cine(scene: Any, analysis: Analysis, cine: CineInput) -> StudyImages:
    """The user's sequence, and a volume for each phase that shares the voxels of its frame, so that both can be shown at once.

    `cine` has a browser (`played`). Raises `GeometryError` where the frames are not those of the study.
    """
    geometry, count = analysis.study.stored.geometry, cine.sequence.GetNumberOfDataNodes()
    if count != len(analysis.study.frames):
        raise GeometryError(
            f"the cine has {count} frames; expected the {len(analysis.study.frames)} that were analysed; run the analysis again"
        )
    for number in range(count):
        require_geometry(cine.sequence.GetNthDataNode(number), geometry)
    nodes = CineNodes(cine.sequence, cine.browser, cine.shown)
    volumes = {phase: _frame_volume(scene, phase, nodes, analysis.frames[phase]) for phase in _phases(analysis)}
    return StudyImages(volumes, nodes, geometry, nodes.shown or nodes.sequence, tuple(volumes.values()))


def played(scene: Any, cine: CineInput, shown_frame: int) -> CineInput:
    """`cine` as it is, or with a new browser where nothing plays it; that is the user's from then on, as the sequence is."""
    if cine.browser is not None:
        return cine
    made = add_browser(scene, cine.sequence, shown_frame)
    return CineInput(made.sequence, made.browser, made.shown)


def _phases(analysis: Analysis) -> list[Phase]:
    return [phase for phase in Phase if phase in analysis.masks]


def _frame_volume(scene: Any, phase: Phase, cine: CineNodes, number: int) -> Any:
    """A volume node of one frame of a sequence, its voxels shared with it, under the transform of the shown volume."""
    frame = cine.sequence.GetNthDataNode(number)
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetName(phase.value)
    matrix = vtk.vtkMatrix4x4()
    frame.GetIJKToRASMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveImageData(frame.GetImageData())
    for name in frame.GetAttributeNames():
        if name.startswith("DICOM."):
            node.SetAttribute(name, frame.GetAttribute(name))
    scene.AddNode(node)
    node.CreateDefaultDisplayNodes()
    if cine.shown is not None:
        node.SetAndObserveTransformNodeID(cine.shown.GetTransformNodeID())
    return node
