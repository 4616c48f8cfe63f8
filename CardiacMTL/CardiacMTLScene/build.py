"""`build_scene`: one analysed study as nodes of a MRML scene, in the application's scene or in one of our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.steps import Steps
from CardiacMTLScene.cine_input import CineInput
from CardiacMTLScene.cine_masks import add_cine_masks, add_mask_sequence, mask_sequence
from CardiacMTLScene.curves import add_curves
from CardiacMTLScene.hierarchy import parent_item, place, study_item
from CardiacMTLScene.images import StudyImages, given_cine, given_volumes, own_images, played
from CardiacMTLScene.ownership import replacing, undone_on_error
from CardiacMTLScene.results import add_results, results_text
from CardiacMTLScene.scene_nodes import SceneNodes
from CardiacMTLScene.segmentations import ColorSet, SegmentStyle, add_segmentation, segment_style
from CardiacMTLScene.tables import add_diagnosis_table, add_measurement_table

_CINE_MASKS = "Cine segmentation"


@dataclass(frozen=True, slots=True)
class SceneOptions:
    """How a study is shown: its name in the tree (a later run under the same name replaces it), and the segments' colours."""

    study_name: str = "Cardiac MR"
    colors: ColorSet = ColorSet.STANDARD


@dataclass(frozen=True, slots=True)
class Prepared:
    """The parts of a study's nodes that take long and touch no scene: the results as text, and the masks of the cycle."""

    results: str
    masks: Any = None


def preparing(analysis: Analysis, terminologies: Any, options: SceneOptions, cine: CineInput | None = None) -> Steps[Prepared]:
    """What `build_scene` needs for results on `cine`, or on given volumes, in steps of some milliseconds; raises as it does."""
    text = results_text(analysis)
    yield
    masks = None
    if cine is not None and analysis.cine_masks is not None:
        study, style = analysis.study, segment_style(terminologies, options.colors)
        drawn = study.in_file_axes(analysis.cine_masks)
        masks = yield from mask_sequence(_CINE_MASKS, drawn, study.stored.geometry, cine.sequence, style)
    return Prepared(text, masks)


def build_scene(
    analysis: Analysis,
    scene: Any,
    terminologies: Any,
    options: SceneOptions | None = None,
    volumes: Mapping[Phase, Any] | None = None,
    cine: CineInput | None = None,
    prepared: Prepared | None = None,
) -> SceneNodes:
    """Add `analysis` to a vtkMRMLScene: images, a segmentation for each phase, the masks of the cycle, tables, curves, results.

    `terminologies` is the scene's vtkSlicerTerminologiesModuleLogic (in the application
    `slicer.modules.terminologies.logic()`). `volumes` are nodes that hold the phases already, `cine` a sequence that holds all
    frames (`cine_input`), on the grid of the study's file: they are used in place of new ones, and the results stand beside
    them, under their transform. For a sequence the volumes of ED and ES share the voxels of its frames; one that nothing plays
    gets a browser, which stays. What was `prepared` for them is used once.

    Segmentations of ED and ES can be edited; those of the cycle play with the cine's browser. Nodes of an earlier run under the
    same study name are replaced; those that others made stay. Raises `GeometryError` for given images on another grid,
    `UsageError` for volumes and a cine at once, `OutputError` and `CardiacMTLError` where Slicer does not take a mask or a
    code; the scene is then as it was.
    """
    if volumes is not None and cine is not None:
        raise UsageError("got volumes and a cine; expected one of them; give the images that were analysed")
    options = options or SceneOptions()
    with undone_on_error(scene):
        if cine is not None:
            cine = played(scene, cine, analysis.frames.get(Phase.ED, 0))
        style = segment_style(terminologies, options.colors)
        with replacing(scene, options.study_name):
            if cine is not None:
                images = given_cine(scene, analysis, cine)
            elif volumes is not None:
                images = given_volumes(analysis, volumes)
            else:
                images = own_images(scene, analysis)
            nodes = _add_results(analysis, scene, images, style, None if prepared is None else prepared.masks)
            text = results_text(analysis) if prepared is None else prepared.results
            nodes = replace(nodes, results=add_results(scene, "Results", text, nodes))
            _arrange(scene, nodes, options.study_name, images)
    return nodes


def _add_results(analysis: Analysis, scene: Any, images: StudyImages, style: SegmentStyle, sequence: Any) -> SceneNodes:
    """All nodes but those of the results; `sequence` are the masks of the cycle where they are prepared."""
    segmentations = {
        phase: add_segmentation(
            scene,
            f"{phase.value} segmentation",
            images.drawn(analysis, analysis.masks[phase]),
            images.geometry,
            volume,
            style,
        )
        for phase, volume in images.volumes.items()
    }
    cine_masks = None
    if images.cine is not None and sequence is not None:
        cine_masks = add_mask_sequence(scene, sequence, images.cine)
    elif images.cine is not None and analysis.cine_masks is not None:
        drawn = images.drawn(analysis, analysis.cine_masks)
        cine_masks = add_cine_masks(scene, _CINE_MASKS, drawn, images.geometry, images.cine, style)
    curves = analysis.curves
    return SceneNodes(
        images.volumes,
        segmentations,
        images.cine,
        add_measurement_table(scene, "Measurements", analysis.measurements),
        add_diagnosis_table(scene, "Diagnosis", analysis.diagnosis),
        cine_masks,
        None if curves is None else add_curves(scene, "Volume-time curve", curves, analysis.frames),
    )


def _arrange(scene: Any, nodes: SceneNodes, study_name: str, images: StudyImages) -> None:
    """Put every segmentation beside its volume; all else under the study's item, or beside given images."""
    home = study_item(scene, study_name) if images.anchor is None else parent_item(scene, images.anchor)
    for phase, segmentation in nodes.segmentations.items():
        volume = nodes.volumes[phase]
        if volume in images.ours:
            place(scene, home, (volume, segmentation))
        else:
            place(scene, parent_item(scene, volume), (segmentation,))
    for cine in (nodes.cine, nodes.cine_masks):
        added = () if cine is None else (cine.shown, cine.sequence, cine.browser)
        place(scene, home, [node for node in added if node is not None and (cine is nodes.cine_masks or images.anchor is None)])
    place(scene, home, (nodes.measurements, nodes.diagnosis))
    if nodes.curves is not None:
        place(scene, home, (nodes.curves.table, nodes.curves.lv, nodes.curves.rv, nodes.curves.chart))
    place(scene, home, (nodes.results,))
