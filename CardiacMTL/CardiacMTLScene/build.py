"""`build_scene`: one analysed study as nodes of a MRML scene, in the application's scene or in one of our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.labels import Phase
from CardiacMTLScene.cine import CineNodes, add_cine
from CardiacMTLScene.hierarchy import parent_item, place, study_item
from CardiacMTLScene.ownership import replacing
from CardiacMTLScene.segmentations import ColorSet, add_segmentation, segment_style
from CardiacMTLScene.tables import add_diagnosis_table, add_measurement_table
from CardiacMTLScene.volumes import add_volume, require_geometry


@dataclass(frozen=True, slots=True)
class SceneOptions:
    """How a study is shown: its name in the tree (a later run under the same name replaces it), and the segments' colours."""

    study_name: str = "Cardiac MR"
    colors: ColorSet = ColorSet.STANDARD


@dataclass(frozen=True, slots=True)
class SceneNodes:
    """The nodes that show one study; `cine` is None where only single phases were segmented."""

    volumes: Mapping[Phase, Any]
    segmentations: Mapping[Phase, Any]
    cine: CineNodes | None
    measurements: Any
    diagnosis: Any


def build_scene(
    analysis: Analysis,
    scene: Any,
    terminologies: Any,
    options: SceneOptions | None = None,
    volumes: Mapping[Phase, Any] | None = None,
) -> SceneNodes:
    """Add `analysis` to a vtkMRMLScene: volumes, a segmentation for each phase, the cine, tables, and their places in the tree.

    `terminologies` is the scene's vtkSlicerTerminologiesModuleLogic (in the application
    `slicer.modules.terminologies.logic()`). `volumes` are nodes that hold the phases already, on the grid of the study's
    file: they are used in place of new ones, no cine is added, and the results stand beside them.

    Nodes of an earlier run under the same study name are replaced; those that others made stay. Raises `GeometryError` for
    given volumes on another grid, `OutputError` and `CardiacMTLError` where Slicer does not take a mask or a code; the scene
    is then as it was.
    """
    options = options or SceneOptions()
    with replacing(scene, options.study_name):
        return _add_study(analysis, scene, terminologies, options, volumes)


def _add_study(
    analysis: Analysis, scene: Any, terminologies: Any, options: SceneOptions, given: Mapping[Phase, Any] | None
) -> SceneNodes:
    study, phases = analysis.study, [phase for phase in Phase if phase in analysis.masks]
    geometry = study.geometry if given is None else study.stored.geometry
    if given is None:
        volumes = {phase: add_volume(scene, phase.value, study.frames[analysis.frames[phase]], geometry) for phase in phases}
    else:
        volumes = {phase: given[phase] for phase in phases}
        for volume in volumes.values():
            require_geometry(volume, geometry)
    style = segment_style(terminologies, options.colors)
    segmentations = {
        phase: add_segmentation(
            scene,
            f"{phase.value} segmentation",
            analysis.masks[phase] if given is None else study.in_file_axes(analysis.masks[phase]),
            geometry,
            volumes[phase],
            style,
        )
        for phase in phases
    }
    with_cine = given is None and analysis.cine_masks is not None and len(study.frames) > 1
    nodes = SceneNodes(
        volumes,
        segmentations,
        add_cine(scene, "Cine", study, analysis.frames.get(Phase.ED, 0)) if with_cine else None,
        add_measurement_table(scene, "Measurements", analysis.measurements),
        add_diagnosis_table(scene, "Diagnosis", analysis.diagnosis),
    )
    _arrange(scene, nodes, options.study_name, given)
    return nodes


def _arrange(scene: Any, nodes: SceneNodes, study_name: str, given: Mapping[Phase, Any] | None) -> None:
    """Put every segmentation beside its volume; new volumes and the tables stand under the study's item."""
    if given is None or not nodes.volumes:
        home = study_item(scene, study_name)
    else:
        home = parent_item(scene, next(iter(nodes.volumes.values())))
    for phase, segmentation in nodes.segmentations.items():
        if given is None:
            place(scene, home, (nodes.volumes[phase], segmentation))
        else:
            place(scene, parent_item(scene, nodes.volumes[phase]), (segmentation,))
    if nodes.cine is not None:
        place(scene, home, (nodes.cine.shown, nodes.cine.sequence, nodes.cine.browser))
    place(scene, home, (nodes.measurements, nodes.diagnosis))
