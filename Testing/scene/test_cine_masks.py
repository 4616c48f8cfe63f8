"""Masks of the cycle play with the cine that the user chose, or with ours; nothing of the user's is copied, moved or lost."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import GeometryError, OutputError, UsageError
from CardiacMTLLib.labels import STRUCTURES, Phase
from CardiacMTLLib.report.palette import STRUCTURE_COLORS
from CardiacMTLLib.volume import Mask
from Testing.scene.nodes import ijk_to_ras, segment_voxels, values_at, voxel_positions
from Testing.scene.studies import Case, make_analysis

pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer
import vtk

from CardiacMTLScene.arrays import image_array
from CardiacMTLScene.build import SceneNodes, SceneOptions, build_scene
from CardiacMTLScene.cine_input import cine_input
from CardiacMTLScene.inputs import study_from_sequence
from CardiacMTLScene.save import load_scene
from CardiacMTLScene.segmentations import FILL_OPACITY_2D, ColorSet, segment_id
from Testing.scene.given import QUARTER_TURN, file_sequence, file_volumes, stored_in, under


def build(host: Any, analysis: Analysis, sequence: Any = None, options: SceneOptions | None = None) -> SceneNodes:
    cine = None if sequence is None else cine_input(sequence)
    return build_scene(analysis, host.scene, host.terminologies, options, cine=cine)


def given_case(host: Any, left_handed: bool = False, played: bool = True) -> tuple[Analysis, Any, Any]:
    """An analysis as it follows from a sequence of the user, that sequence, and its browser."""
    analysis = stored_in(make_analysis(Case(left_handed)))
    sequence, browser = file_sequence(host, analysis, played=played)
    study = study_from_sequence(sequence, 1, 3)
    masks = analysis.cine_masks
    assert masks is not None
    if left_handed:
        masks = np.ascontiguousarray(masks[..., ::-1])
    both = {phase: masks[number] for phase, number in analysis.frames.items()}
    return replace(analysis, study=study, masks=both, cine_masks=masks), sequence, browser


def matches(segmentation: Any, mask: Mask, analysis: Analysis) -> bool:
    """Whether the segments are those of the mask, at their places in the segmentation's own space."""
    places = voxel_positions(analysis.study.geometry)
    for label in STRUCTURES:
        voxels, matrix = segment_voxels(segmentation, segment_id(label))
        if voxels.sum() != (mask == label).sum() or (values_at(voxels, matrix, places) != (mask.ravel() == label)).any():
            return False
    return True


def count(scene: Any, class_name: str = "vtkMRMLNode") -> int:
    return int(scene.GetNumberOfNodesByClass(class_name))


@pytest.mark.parametrize("left_handed", [False, True], ids=["right-handed", "left-handed"])
def test_the_overlay_follows_the_users_browser_frame_by_frame(host: Any, left_handed: bool) -> None:
    analysis, sequence, browser = given_case(host, left_handed)
    made = build(host, analysis, sequence)
    assert made.cine_masks is not None
    assert analysis.cine_masks is not None
    assert made.cine_masks.browser is browser
    for number in (2, 0, 3, 1):
        browser.SetSelectedItemNumber(number)
        assert matches(made.cine_masks.shown, analysis.cine_masks[number], analysis)


def test_our_own_cine_plays_with_its_overlay(host: Any) -> None:
    analysis = make_analysis()
    made = build(host, analysis)
    assert made.cine is not None
    assert made.cine_masks is not None
    assert analysis.cine_masks is not None
    for number, mask in enumerate(analysis.cine_masks):
        made.cine.browser.SetSelectedItemNumber(number)
        assert matches(made.cine_masks.shown, mask, analysis)


def test_no_image_of_the_users_sequence_is_copied(host: Any) -> None:
    analysis, sequence, browser = given_case(host)
    before = count(host.scene, "vtkMRMLSequenceBrowserNode")
    made = build(host, analysis, sequence)
    assert count(host.scene, "vtkMRMLSequenceBrowserNode") == before
    assert count(host.scene, "vtkMRMLSequenceNode") == 2
    assert made.cine is not None
    assert (made.cine.sequence, made.cine.browser) == (sequence, browser)
    for phase, volume in made.volumes.items():
        frame = sequence.GetNthDataNode(analysis.frames[phase])
        assert volume.GetImageData().GetPointData().GetScalars() is frame.GetImageData().GetPointData().GetScalars()
        assert volume.GetAttribute("DICOM.instanceUIDs") == f"1.2.{analysis.frames[phase]}"
        np.testing.assert_allclose(ijk_to_ras(volume), analysis.study.stored.geometry.ijk_to_ras)


def test_ed_and_es_can_be_edited_on_the_grid_of_their_frames(host: Any) -> None:
    analysis, sequence, browser = given_case(host)
    made = build(host, analysis, sequence)
    for phase, segmentation in made.segmentations.items():
        assert matches(segmentation, analysis.masks[phase], analysis)
        assert segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole()) is made.volumes[phase]
        assert not any(browser.GetSequenceNode(node) for node in (segmentation, made.volumes[phase]))
    browser.SetSelectedItemNumber(0)
    assert matches(made.segmentations[Phase.ED], analysis.masks[Phase.ED], analysis)


def test_the_overlay_is_for_looking_only(host: Any) -> None:
    analysis, sequence, browser = given_case(host)
    made = build(host, analysis, sequence)
    assert made.cine_masks is not None
    overlay = made.cine_masks.sequence
    assert not browser.GetRecording(overlay)
    assert not browser.GetSaveChanges(overlay)
    assert not browser.GetOverwriteProxyName(overlay)
    assert browser.GetPlayback(overlay)
    browser.SetSelectedItemNumber(2)
    made.cine_masks.shown.GetSegmentation().RemoveSegment("LV")
    browser.SetSelectedItemNumber(0)
    browser.SetSelectedItemNumber(2)
    assert made.cine_masks.shown.GetSegmentation().GetSegment("LV") is not None
    assert made.cine_masks.shown.GetName() == "Cine segmentation"


@pytest.mark.parametrize("colors", ColorSet)
def test_every_frame_of_the_overlay_is_coded_and_coloured(host: Any, colors: ColorSet) -> None:
    analysis, sequence, browser = given_case(host)
    made = build(host, analysis, sequence, SceneOptions(colors=colors))
    assert made.cine_masks is not None
    shown = made.cine_masks.shown
    expected = made.segmentations[Phase.ED].GetSegmentation()
    for number in range(4):
        browser.SetSelectedItemNumber(number)
        for label in STRUCTURES:
            segment, other = (s.GetSegment(segment_id(label)) for s in (shown.GetSegmentation(), expected))
            assert (segment.GetTerminology(), segment.GetColor()) == (other.GetTerminology(), other.GetColor())
            if colors is ColorSet.HIGH_CONTRAST:
                assert segment.GetColor() == pytest.approx([value / 255 for value in STRUCTURE_COLORS[label]])
            display = shown.GetDisplayNode()
            assert display.GetOpacity2DFill() * display.GetSegmentOpacity2DFill(segment_id(label)) == FILL_OPACITY_2D


def test_an_overlay_takes_only_the_box_of_the_heart(host: Any) -> None:
    analysis, sequence, _ = given_case(host)
    made = build(host, analysis, sequence)
    assert made.cine_masks is not None
    image = made.cine_masks.sequence.GetNthDataNode(0).GetSegmentation().GetSegment("LV").GetRepresentation("Binary labelmap")
    assert image.GetNumberOfPoints() < 0.6 * analysis.study.frames[0].size


def test_a_cycle_without_a_heart_gives_empty_segments(host: Any) -> None:
    analysis, sequence, _ = given_case(host)
    assert analysis.cine_masks is not None
    nothing = np.zeros_like(analysis.cine_masks)
    made = build(host, replace(analysis, cine_masks=nothing), sequence)
    assert made.cine_masks is not None
    assert matches(made.cine_masks.shown, nothing[0], analysis)


def test_a_sequence_that_nothing_plays_gets_a_browser(host: Any) -> None:
    analysis, sequence, _ = given_case(host, played=False)
    made = build(host, analysis, sequence)
    assert made.cine is not None
    assert made.cine.browser.GetMasterSequenceNode() is sequence
    assert made.cine.browser.GetSelectedItemNumber() == analysis.frames[Phase.ED]
    build(host, analysis, sequence)
    assert count(host.scene, "vtkMRMLSequenceBrowserNode") == 1


def test_a_sequence_of_which_only_the_phases_were_segmented_gets_no_overlay(host: Any) -> None:
    analysis, sequence, _ = given_case(host)
    made = build(host, replace(analysis, cine_masks=None, curves=None), sequence)
    assert (made.cine_masks, made.curves) == (None, None)
    assert set(made.segmentations) == set(Phase)


def test_results_move_with_the_image_of_a_turned_patient(host: Any) -> None:
    analysis, sequence, browser = given_case(host)
    shown = browser.GetProxyNode(sequence)
    transform = under(host, QUARTER_TURN, shown)
    made = build(host, analysis, sequence)
    assert made.cine_masks is not None
    results = [*made.volumes.values(), *made.segmentations.values(), made.cine_masks.shown]
    browser.SetSelectedItemNumber(3)
    for node in results:
        assert node.GetTransformNodeID() == transform.GetID()
        matrix = vtk.vtkMatrix4x4()
        slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(
            node.GetParentTransformNode(), shown.GetParentTransformNode(), matrix
        )
        assert matrix.IsIdentity()
    assert matches(made.segmentations[Phase.ES], analysis.masks[Phase.ES], analysis)
    world, image = np.zeros(6), np.zeros(6)
    made.cine_masks.shown.GetRASBounds(world)
    shown.GetRASBounds(image)
    assert (world[::2] >= image[::2] - 1e-3).all()
    assert (world[1::2] <= image[1::2] + 1e-3).all()


def test_results_stand_beside_the_users_cine_in_the_tree(host: Any) -> None:
    analysis, sequence, browser = given_case(host)
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(host.scene)
    folder = tree.CreateFolderItem(tree.GetSceneItemID(), "theirs")
    item = tree.CreateItem(folder, browser.GetProxyNode(sequence))
    made = build(host, analysis, sequence)
    assert made.cine_masks is not None
    nodes = [*made.volumes.values(), *made.segmentations.values(), made.cine_masks.shown, made.measurements, made.results]
    assert {tree.GetItemParent(tree.GetItemByDataNode(node)) for node in nodes} == {folder}
    assert tree.GetItemParent(item) == folder
    assert tree.GetItemByName("Cardiac MR") == 0


def references(node: Any) -> int:
    """How many hold a node: every node or logic that observes it is one of them."""
    gc.collect()
    return int(node.GetReferenceCount())


@pytest.mark.parametrize("which", ["given cine", "given volumes", "own images"])
def test_twenty_runs_leave_as_many_nodes_items_and_observers_as_one(host: Any, which: str) -> None:
    analysis, sequence, browser = given_case(host)
    volumes = file_volumes(host, analysis)
    theirs = [sequence, browser, browser.GetProxyNode(sequence), *volumes.values()]

    def run() -> SceneNodes:
        given = {"given cine": {"cine": cine_input(sequence)}, "given volumes": {"volumes": volumes}}.get(which, {})
        return build_scene(analysis, host.scene, host.terminologies, **given)

    def state() -> tuple[Any, ...]:
        tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(host.scene)
        items = vtk.vtkIdList()
        tree.GetItemChildren(tree.GetSceneItemID(), items, True)
        synchronised = browser.GetNumberOfSynchronizedSequenceNodes(True)
        return (
            count(host.scene),
            items.GetNumberOfIds(),
            synchronised,
            [references(node) for node in (*theirs, tree, host.scene)],
        )

    run()
    before = state()
    for _ in range(20):
        run()
    assert state() == before
    assert all(host.scene.IsNodePresent(node) for node in theirs)


@pytest.mark.parametrize("step", ["add_segmentation", "add_cine_masks", "add_results", "_arrange"])
def test_a_failed_run_leaves_the_users_cine_as_it_was(host: Any, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    analysis, sequence, browser = given_case(host)
    before = count(host.scene), browser.GetNumberOfSynchronizedSequenceNodes(True), browser.GetSelectedItemNumber()

    def fail(*_: object) -> None:
        raise OutputError("no memory")

    monkeypatch.setattr(f"CardiacMTLScene.build.{step}", fail)
    with pytest.raises(OutputError, match="no memory"):
        build(host, analysis, sequence)
    assert (count(host.scene), browser.GetNumberOfSynchronizedSequenceNodes(True), browser.GetSelectedItemNumber()) == before
    assert all(host.scene.IsNodePresent(node) for node in (sequence, browser, browser.GetProxyNode(sequence)))


def test_a_run_that_fails_after_another_keeps_the_earlier_overlay(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    analysis, sequence, browser = given_case(host)
    made = build(host, analysis, sequence)

    def fail(*_: object) -> None:
        raise OutputError("no memory")

    monkeypatch.setattr("CardiacMTLScene.build._arrange", fail)
    with pytest.raises(OutputError):
        build(host, analysis, sequence)
    assert made.cine_masks is not None
    assert analysis.cine_masks is not None
    browser.SetSelectedItemNumber(3)
    assert browser.GetProxyNode(made.cine_masks.sequence) is made.cine_masks.shown
    assert matches(made.cine_masks.shown, analysis.cine_masks[3], analysis)


def test_another_cine_than_the_analysed_one_is_refused(host: Any) -> None:
    analysis, sequence, _ = given_case(host)
    before = count(host.scene)
    with pytest.raises(GeometryError, match="the cine has 4 frames; expected the 3"):
        build(
            host,
            replace(analysis, study=replace(analysis.study, frames=analysis.study.frames[:3], frame_times_ms=None, es_frame=2)),
            sequence,
        )
    sequence.GetNthDataNode(2).SetOrigin(0, 0, 0)
    with pytest.raises(GeometryError, match="grid"):
        build(host, analysis, sequence)
    assert count(host.scene) == before


def test_volumes_and_a_cine_at_once_are_refused(host: Any) -> None:
    analysis, sequence, _ = given_case(host)
    volumes = file_volumes(host, analysis)
    with pytest.raises(UsageError, match="one of them"):
        build_scene(analysis, host.scene, host.terminologies, volumes=volumes, cine=cine_input(sequence))


def test_masks_that_slicer_does_not_show_are_an_error_and_the_scene_is_as_before(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis, sequence, _ = given_case(host)
    before = count(host.scene)
    monkeypatch.setattr(
        "CardiacMTLScene.cine_masks.add_to_browser", lambda browser, images: replace(cine_nodes(browser), shown=None)
    )
    with pytest.raises(OutputError, match="did not show"):
        build(host, analysis, sequence)
    assert count(host.scene) == before


def cine_nodes(browser: Any) -> Any:
    from CardiacMTLScene.cine import CineNodes  # noqa: PLC0415

    return CineNodes(None, browser, None)


def test_overlay_and_browser_come_back_from_a_bundle(host: Any, tmp_path: Path) -> None:
    analysis, sequence, _ = given_case(host)
    build(host, analysis, sequence)
    assert host.scene.WriteToMRB(str(tmp_path / "s.mrb"), None, slicer.vtkMRMLMessageCollection())
    load_scene(host.scene, tmp_path / "s.mrb")
    browser = host.scene.GetFirstNodeByName("input browser")
    overlay = next(
        node
        for node in (host.scene.GetNthNodeByClass(n, "vtkMRMLSequenceNode") for n in range(2))
        if node.GetName() == "Cine segmentation"
    )
    shown = browser.GetProxyNode(overlay)
    assert analysis.cine_masks is not None
    for number, mask in enumerate(analysis.cine_masks):
        browser.SetSelectedItemNumber(number)
        assert matches(shown, mask, analysis)
    assert not browser.GetSaveChanges(overlay)
    volume = browser.GetProxyNode(browser.GetMasterSequenceNode())
    places = voxel_positions(analysis.study.geometry)
    np.testing.assert_array_equal(
        values_at(image_array(volume.GetImageData()), ijk_to_ras(volume), places), analysis.study.frames[3].ravel()
    )
