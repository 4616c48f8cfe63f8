"""What a reader made of the segments comes back as masks, and a change is told, whatever else was done to them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import STRUCTURES, Label, Phase
from Testing.scene.studies import Case, make_analysis

pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer
import vtk

from CardiacMTLScene.build import SceneNodes, build_scene
from CardiacMTLScene.cine_input import cine_input
from CardiacMTLScene.corrections import corrected_masks
from CardiacMTLScene.edit_watch import edit_watch
from CardiacMTLScene.volumes import empty_image
from Testing.scene.given import QUARTER_TURN, file_sequence, file_volumes, stored_in, under, warp

LABELMAP, SURFACE = "Binary labelmap", "Closed surface"


def built(host: Any, given: str = "nothing", left_handed: bool = False) -> tuple[Analysis, SceneNodes]:
    analysis = stored_in(make_analysis(Case(left_handed)))
    if left_handed:
        analysis = make_analysis(Case(left_handed=True))
    images: dict[str, Any] = {}
    if given == "volumes":
        images = {"volumes": file_volumes(host, analysis)}
    elif given == "cine":
        images = {"cine": cine_input(file_sequence(host, analysis)[0])}
    return analysis, build_scene(analysis, host.scene, host.terminologies, **images)


def paint(node: Any, segment: str, region: Any, analysis: Analysis) -> None:
    """Write a region (z, y, x, standard axes) into a segment, as an effect of the Segment Editor does."""
    image = empty_image(analysis.study.geometry)
    scalars = image.GetPointData().GetScalars()
    for index in np.flatnonzero(region):
        scalars.SetTuple1(int(index), 1)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.SetBinaryLabelmapToSegment(image, node, segment, logic.MODE_REPLACE)


def unchanged(masks: Any, analysis: Analysis, but: Phase | None = None) -> bool:
    return all(np.array_equal(masks[phase], mask) for phase, mask in analysis.masks.items() if phase is not but)


@pytest.mark.parametrize("left_handed", [False, True], ids=["right-handed", "left-handed"])
@pytest.mark.parametrize("given", ["nothing", "volumes", "cine"])
def test_segments_that_nobody_touched_give_the_masks_of_the_run(host: Any, given: str, left_handed: bool) -> None:
    analysis, made = built(host, given, left_handed)
    masks = corrected_masks(made, analysis.study)
    assert list(masks) == list(Phase)
    assert unchanged(masks, analysis)
    assert all(mask.dtype == np.uint8 and mask.flags.c_contiguous for mask in masks.values())


@pytest.mark.parametrize("given", ["nothing", "volumes", "cine"])
def test_a_stroke_comes_back_at_its_place(host: Any, given: str) -> None:
    analysis, made = built(host, given)
    before = analysis.masks[Phase.ED]
    stroke = before == Label.LV
    stroke[0, 3:9, 40:50] = True
    paint(made.segmentations[Phase.ED], "LV", stroke, analysis)
    masks = corrected_masks(made, analysis.study)
    expected = before.copy()
    expected[0, 3:9, 40:50] = Label.LV
    np.testing.assert_array_equal(masks[Phase.ED], expected)
    assert unchanged(masks, analysis, but=Phase.ED)


def test_the_scene_is_not_changed_by_reading(host: Any) -> None:
    analysis, made = built(host)
    node = made.segmentations[Phase.ED]
    calls: list[int] = []
    node.AddObserver(vtk.vtkCommand.AnyEvent, lambda *_: calls.append(1))
    count = host.scene.GetNumberOfNodes()
    corrected_masks(made, analysis.study)
    assert (calls, host.scene.GetNumberOfNodes()) == ([], count)


def rename(node: Any, analysis: Analysis) -> None:
    node.GetSegmentation().GetSegment("LV").SetName("my ventricle")


def recolour(node: Any, analysis: Analysis) -> None:
    node.GetSegmentation().GetSegment("LV").SetColor(0, 1, 0)


def add_another(node: Any, analysis: Analysis) -> None:
    node.GetSegmentation().AddEmptySegment("papillary", "papillary")
    paint(node, "papillary", np.ones(analysis.study.geometry.shape_zyx, bool), analysis)


def reorder(node: Any, analysis: Analysis) -> None:
    node.GetSegmentation().SetSegmentIndex("LV", 2)


def show_3d(node: Any, analysis: Analysis) -> None:
    assert node.CreateClosedSurfaceRepresentation()


def separate_layers(node: Any, analysis: Analysis) -> None:
    node.GetSegmentation().SeparateSegmentLabelmap("LV")


def replace_by_its_code(node: Any, analysis: Analysis) -> None:
    segmentation = node.GetSegmentation()
    terminology = segmentation.GetSegment("LV").GetTerminology()
    segmentation.RemoveSegment("LV")
    segmentation.AddEmptySegment("Segment_1", "cavity")
    segmentation.GetSegment("Segment_1").SetTerminology(terminology)
    paint(node, "Segment_1", analysis.masks[Phase.ED] == Label.LV, analysis)


def trim(node: Any, analysis: Analysis) -> None:
    node.GetSegmentation().CollapseBinaryLabelmaps(True)


@pytest.mark.parametrize(
    "act",
    [rename, recolour, add_another, reorder, show_3d, separate_layers, replace_by_its_code, trim],
    ids=lambda act: act.__name__,
)
def test_what_does_not_change_a_structure_does_not_change_the_masks(host: Any, act: Callable[..., None]) -> None:
    analysis, made = built(host)
    act(made.segmentations[Phase.ED], analysis)
    assert unchanged(corrected_masks(made, analysis.study), analysis)


def remove(node: Any) -> None:
    node.GetSegmentation().RemoveSegment("MYOCARDIUM")


def code_twice(node: Any) -> None:
    segmentation = node.GetSegmentation()
    for name in ("one", "two"):
        segmentation.AddEmptySegment(name, name)
        segmentation.GetSegment(name).SetTerminology(segmentation.GetSegment("MYOCARDIUM").GetTerminology())
    segmentation.RemoveSegment("MYOCARDIUM")


@pytest.mark.parametrize(
    ("act", "words"), [(remove, "has no segments for LV myocardium"), (code_twice, "has 2 segments for LV myo")]
)
def test_a_segment_that_is_missing_or_not_clear_is_named(host: Any, act: Callable[[Any], None], words: str) -> None:
    analysis, made = built(host)
    act(made.segmentations[Phase.ES])
    with pytest.raises(InputError, match=f"ES segmentation {words}") as error:
        corrected_masks(made, analysis.study)
    assert "\n" not in str(error.value)


def test_a_segmentation_that_was_removed_is_named(host: Any) -> None:
    analysis, made = built(host)
    host.scene.RemoveNode(made.segmentations[Phase.ES])
    with pytest.raises(InputError, match="the segmentation of ES is not in the scene any more"):
        corrected_masks(made, analysis.study)


@pytest.mark.parametrize("label", STRUCTURES, ids=lambda label: label.name)
def test_a_segment_that_was_cleared_is_an_empty_structure(host: Any, label: Label) -> None:
    analysis, made = built(host)
    assert slicer.vtkSlicerSegmentationsModuleLogic.ClearSegment(made.segmentations[Phase.ED], label.name)
    expected = np.where(analysis.masks[Phase.ED] == label, 0, analysis.masks[Phase.ED])
    np.testing.assert_array_equal(corrected_masks(made, analysis.study)[Phase.ED], expected)


def test_where_segments_overlap_cavity_counts_before_wall_and_wall_before_the_right_ventricle(host: Any) -> None:
    analysis, made = built(host)
    node = made.segmentations[Phase.ED]
    for label in STRUCTURES:
        node.GetSegmentation().SeparateSegmentLabelmap(label.name)
    masks = {label: np.zeros(analysis.study.geometry.shape_zyx, bool) for label in STRUCTURES}
    masks[Label.RV][3, 10:20, 10:20] = masks[Label.MYOCARDIUM][3, 10:15, 10:20] = masks[Label.LV][3, 10:12, 10:20] = True
    for label, region in masks.items():
        paint(node, label.name, region, analysis)
    found = corrected_masks(made, analysis.study)[Phase.ED]
    assert [int(found[3, row, 15]) for row in (10, 13, 18)] == [Label.LV, Label.MYOCARDIUM, Label.RV]


def test_edits_of_surfaces_count_when_surfaces_are_what_is_edited(host: Any) -> None:
    analysis, made = built(host)
    node = made.segmentations[Phase.ED]
    assert node.CreateClosedSurfaceRepresentation()
    node.GetSegmentation().SetSourceRepresentationName(SURFACE)
    node.GetSegmentation().RemoveRepresentation(LABELMAP)
    cube = vtk.vtkCubeSource()
    center = analysis.study.geometry.ijk_to_ras @ [30, 26, 4, 1]
    cube.SetCenter(*center[:3])
    cube.SetXLength(30)
    cube.SetYLength(30)
    cube.SetZLength(30)
    cube.Update()
    node.GetSegmentation().GetSegment("LV").AddRepresentation(SURFACE, cube.GetOutput())
    found = corrected_masks(made, analysis.study)[Phase.ED]
    volume_ml = (found == Label.LV).sum() * analysis.study.geometry.voxel_volume_ml
    assert volume_ml == pytest.approx(27.0, rel=0.1)
    assert found[4, 26, 30] == Label.LV
    assert node.GetSegmentation().GetSourceRepresentationName() == SURFACE


def test_a_finer_grid_of_the_segments_is_sampled_at_the_voxels(host: Any) -> None:
    analysis, made = built(host)
    node = made.segmentations[Phase.ED]
    fine = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation("LV", fine)
    target = slicer.vtkOrientedImageData()
    target.DeepCopy(fine)
    spacing = target.GetSpacing()
    target.SetSpacing(spacing[0] / 2, spacing[1] / 2, spacing[2])
    extent = list(target.GetExtent())
    target.SetExtent(2 * extent[0], 2 * extent[1] + 1, 2 * extent[2], 2 * extent[3] + 1, *extent[4:])
    target.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    target.GetPointData().GetScalars().Fill(0)
    resampled = slicer.vtkOrientedImageData()
    assert slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(fine, target, resampled)
    node.GetSegmentation().SeparateSegmentLabelmap("LV")
    node.GetSegmentation().GetSegment("LV").AddRepresentation(LABELMAP, resampled)
    found = corrected_masks(made, analysis.study)[Phase.ED]
    assert (found == Label.LV).sum() == pytest.approx((analysis.masks[Phase.ED] == Label.LV).sum(), rel=0.02)


@pytest.mark.parametrize("given", ["volumes", "cine"])
def test_images_and_masks_that_were_turned_together_give_the_same_masks(host: Any, given: str) -> None:
    analysis, made = built(host, given)
    under(host, QUARTER_TURN, *made.volumes.values(), *made.segmentations.values())
    assert unchanged(corrected_masks(made, analysis.study), analysis)


def test_a_segmentation_that_was_moved_alone_is_read_where_it_stands(host: Any) -> None:
    analysis, made = built(host)
    step = np.eye(4)
    step[:3, 3] = 2 * analysis.study.geometry.ijk_to_ras[:3, 0]
    under(host, step, made.segmentations[Phase.ED])
    expected = np.zeros_like(analysis.masks[Phase.ED])
    expected[..., 2:] = analysis.masks[Phase.ED][..., :-2]
    masks = corrected_masks(made, analysis.study)
    np.testing.assert_array_equal(masks[Phase.ED], expected)
    assert unchanged(masks, analysis, but=Phase.ED)
    host.scene.RemoveNode(made.volumes[Phase.ED])


def test_a_segmentation_that_was_warped_alone_is_refused(host: Any) -> None:
    analysis, made = built(host)
    warp(host, made.segmentations[Phase.ED])
    with pytest.raises(InputError, match="ED segmentation stands under the transform bent, which warps it"):
        corrected_masks(made, analysis.study)


def test_without_its_volume_a_segmentation_is_read_as_it_is(host: Any) -> None:
    analysis, made = built(host)
    alone = SceneNodes({}, made.segmentations, None, None, None)
    under(host, QUARTER_TURN, made.segmentations[Phase.ED])
    assert unchanged(corrected_masks(alone, analysis.study), analysis)


class Counter:
    calls = 0

    def __call__(self) -> None:
        self.calls += 1


def stroke(node: Any, analysis: Analysis) -> None:
    region = np.zeros(analysis.study.geometry.shape_zyx, bool)
    region[2, 3:6, 3:6] = True
    paint(node, "LV", region, analysis)


def undo(node: Any, analysis: Analysis) -> None:
    history = slicer.vtkSegmentationHistory()
    history.SetSegmentation(node.GetSegmentation())
    history.SaveState()
    stroke(node, analysis)
    assert history.RestorePreviousState()


def remove_segment(node: Any, analysis: Analysis) -> None:
    node.GetSegmentation().RemoveSegment("RV")


def hide(node: Any, analysis: Analysis) -> None:
    node.GetDisplayNode().SetVisibility(False)
    node.GetDisplayNode().SetSegmentVisibility("LV", False)


def read(node: Any, analysis: Analysis) -> None:
    corrected_masks(SceneNodes({}, {Phase.ED: node}, None, None, None), analysis.study)


@pytest.mark.parametrize("act", [stroke, undo, remove_segment, replace_by_its_code], ids=lambda act: act.__name__)
def test_a_change_of_the_content_is_told(host: Any, act: Callable[..., None]) -> None:
    analysis, made = built(host)
    told = Counter()
    watch = edit_watch(made.segmentations[Phase.ED], told)
    act(made.segmentations[Phase.ED], analysis)
    assert told.calls >= 1
    watch.stop()


@pytest.mark.parametrize("act", [rename, recolour, reorder, hide, show_3d, read], ids=lambda act: act.__name__)
def test_what_leaves_the_content_is_not_told(host: Any, act: Callable[..., None]) -> None:
    analysis, made = built(host)
    told = Counter()
    edit_watch(made.segmentations[Phase.ED], told)
    act(made.segmentations[Phase.ED], analysis)
    assert told.calls == 0


def test_after_its_stop_a_watch_tells_nothing_and_leaves_nothing_behind(host: Any) -> None:
    analysis, made = built(host)
    node = made.segmentations[Phase.ED]
    events = ("SourceRepresentationModified", "SegmentAdded", "SegmentRemoved")

    def observed() -> set[int]:
        return {node.HasObserver(getattr(slicer.vtkSegmentation, event)) for event in events}

    assert observed() == {0}
    told = Counter()
    gone = weakref.ref(told)
    watches = [edit_watch(node, told) for _ in range(20)]
    assert observed() == {1}
    for watch in watches:
        watch.stop()
        watch.stop()
    assert observed() == {0}
    stroke(node, analysis)
    assert told.calls == 0
    del told
    gc.collect()
    assert gone() is None


def test_a_watch_keeps_no_removed_segmentation_alive(host: Any) -> None:
    _, made = built(host)
    node = host.scene.AddNode(slicer.vtkMRMLSegmentationNode())
    watch, alive = edit_watch(node, Counter()), vtk.vtkWeakReference()
    alive.Set(node)
    host.scene.RemoveNode(node)
    del node
    gc.collect()
    assert alive.Get() is None
    watch.stop()
    assert made.results is not None
