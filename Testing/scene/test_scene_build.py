"""Building in a scene that others use too: given volumes, repetition, failure, and the application's own tree items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import GeometryError, OutputError
from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import STRUCTURES, Label, Phase
from CardiacMTLLib.report.palette import STRUCTURE_COLORS
from CardiacMTLLib.volume import StoredGrid
from Testing.scene.nodes import node_named, segment_voxels, values_at, voxel_positions
from Testing.scene.studies import Case, make_analysis

pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLScene.build import SceneNodes, SceneOptions, build_scene
from CardiacMTLScene.segmentations import ColorSet, segment_id
from CardiacMTLScene.volumes import add_volume


def build(
    host: Any, analysis: Analysis, options: SceneOptions | None = None, volumes: Mapping[Phase, Any] | None = None
) -> SceneNodes:
    return build_scene(analysis, host.scene, host.terminologies, options, volumes)


def contents(scene: Any) -> tuple[list[str], list[tuple[str, str]]]:
    """IDs of all nodes, and name and parent of all items of the tree."""
    nodes = [scene.GetNthNode(position).GetID() for position in range(scene.GetNumberOfNodes())]
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    items = pytest.importorskip("vtk").vtkIdList()
    tree.GetItemChildren(tree.GetSceneItemID(), items, True)
    found = [items.GetId(position) for position in range(items.GetNumberOfIds())]
    return nodes, [(tree.GetItemName(item), tree.GetItemName(tree.GetItemParent(item))) for item in found]


def with_file_grid(analysis: Analysis) -> tuple[Analysis, Geometry]:
    """The same study as read from a file with other axes: slices first, and counted from the base."""
    order = AxisOrder((1, 2, 0), (False, False, True))
    stored = order.inverse.geometry(analysis.study.geometry)
    return replace(analysis, study=replace(analysis.study, stored=StoredGrid(stored, order))), stored


def file_volumes(host: Any, analysis: Analysis, stored: Geometry) -> dict[Phase, Any]:
    """Nodes as the application loads them: the voxels in the axes of the file."""
    frames = {phase: analysis.study.frames[number] for phase, number in analysis.frames.items()}
    in_file = {phase: analysis.study.stored.order.undo(frame) for phase, frame in frames.items()}
    return {phase: add_volume(host.scene, f"input {phase}", image, stored) for phase, image in in_file.items()}


def test_a_second_run_replaces_the_nodes_of_the_first_and_no_others(host: Any) -> None:
    theirs = add_volume(host.scene, "ED", np.ones((2, 3, 4), np.int16), Geometry((4, 3, 2), (1.0, 1.0, 1.0)))
    build(host, make_analysis())
    nodes, items = contents(host.scene)
    second = build(host, make_analysis())
    nodes_again, items_again = contents(host.scene)
    assert len(nodes_again) == len(nodes)
    assert sorted(items_again) == sorted(items)
    assert host.scene.IsNodePresent(theirs)
    assert host.scene.IsNodePresent(second.segmentations[Phase.ED])
    assert second.cine is not None
    assert second.cine.browser.GetProxyNode(second.cine.sequence).GetImageData() is not None


def test_a_second_run_leaves_no_display_or_storage_node_behind(host: Any) -> None:
    build(host, make_analysis())
    for position in range(host.scene.GetNumberOfNodes()):
        node = host.scene.GetNthNode(position)
        if node is not None and node.IsA("vtkMRMLScalarVolumeNode"):
            node.AddDefaultStorageNode()
    before = host.scene.GetNumberOfNodesByClass("vtkMRMLDisplayNode")
    build(host, make_analysis())
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLDisplayNode") == before
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLVolumeArchetypeStorageNode") <= 1


def test_a_second_run_keeps_a_copy_that_the_user_made(host: Any) -> None:
    ours = build(host, make_analysis()).segmentations[Phase.ED]
    copy = host.scene.AddNode(slicer.vtkMRMLSegmentationNode())
    copy.Copy(ours)
    build(host, make_analysis())
    assert host.scene.IsNodePresent(copy)
    assert not host.scene.IsNodePresent(ours)


def test_studies_of_different_names_stand_side_by_side(host: Any) -> None:
    first = build(host, make_analysis(), SceneOptions("first"))
    build(host, make_analysis(), SceneOptions("second"))
    assert host.scene.IsNodePresent(first.segmentations[Phase.ES])
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 6


@pytest.mark.parametrize(
    "step", ["add_segmentation", "add_cine_masks", "add_diagnosis_table", "add_curves", "add_results", "_arrange"]
)
def test_a_failed_run_leaves_the_scene_as_it_was(host: Any, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    build(host, make_analysis())
    before = contents(host.scene)
    monkeypatch.setattr(f"CardiacMTLScene.build.{step}", fail)
    with pytest.raises(OutputError, match="no memory"):
        build(host, make_analysis())
    assert contents(host.scene) == before


def test_a_failed_first_run_leaves_no_trace(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(host.scene)
    monkeypatch.setattr("CardiacMTLScene.build._arrange", fail)
    with pytest.raises(OutputError, match="no memory"):
        build(host, make_analysis())
    assert contents(host.scene) == before


def fail(*_: object) -> None:
    raise OutputError("no memory")


def test_given_volumes_are_used_on_the_grid_of_their_file(host: Any) -> None:
    analysis, stored = with_file_grid(make_analysis())
    volumes = file_volumes(host, analysis, stored)
    made = build(host, analysis, volumes=volumes)
    assert made.volumes == volumes
    assert made.cine is None
    for phase, mask in analysis.masks.items():
        for label in STRUCTURES:
            voxels, matrix = segment_voxels(made.segmentations[phase], segment_id(label))
            np.testing.assert_allclose(abs(np.linalg.inv(matrix) @ stored.ijk_to_ras)[:3, :3], np.eye(3), atol=1e-6)
            found = values_at(voxels, matrix, voxel_positions(analysis.study.geometry))
            np.testing.assert_array_equal(found, mask.ravel() == label)


def test_given_volumes_survive_a_second_run_and_a_failed_one(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    analysis, stored = with_file_grid(make_analysis())
    volumes = file_volumes(host, analysis, stored)
    build(host, analysis, volumes=volumes)
    build(host, analysis, volumes=volumes)
    monkeypatch.setattr("CardiacMTLScene.build._arrange", fail)
    with pytest.raises(OutputError):
        build(host, analysis, volumes=volumes)
    assert all(host.scene.IsNodePresent(volume) for volume in volumes.values())
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 2


def test_results_of_given_volumes_stand_beside_them_in_the_tree(host: Any) -> None:
    analysis, stored = with_file_grid(make_analysis())
    volumes = file_volumes(host, analysis, stored)
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(host.scene)
    folder = tree.CreateFolderItem(tree.GetSceneItemID(), "clinic")
    for volume in volumes.values():
        tree.CreateItem(folder, volume)
    made = build(host, analysis, volumes=volumes)
    for node in (*made.segmentations.values(), made.measurements, made.diagnosis):
        assert tree.GetItemParent(tree.GetItemByDataNode(node)) == folder


def test_a_given_volume_on_another_grid_is_refused(host: Any) -> None:
    analysis, stored = with_file_grid(make_analysis())
    moved = replace(stored, origin_xyz_mm=(0.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="grid"):
        build(host, analysis, volumes=file_volumes(host, analysis, moved))


def test_a_segmentation_follows_the_rigid_transform_of_its_volume(host: Any) -> None:
    analysis, stored = with_file_grid(make_analysis())
    volumes = file_volumes(host, analysis, stored)
    turn = host.scene.AddNode(slicer.vtkMRMLLinearTransformNode())
    matrix = pytest.importorskip("vtk").vtkMatrix4x4()
    matrix.DeepCopy([0, -1, 0, 30, 1, 0, 0, -20, 0, 0, 1, 5, 0, 0, 0, 1])
    turn.SetMatrixTransformToParent(matrix)
    for volume in volumes.values():
        volume.SetAndObserveTransformNodeID(turn.GetID())
    made = build(host, analysis, volumes=volumes)
    for phase, mask in analysis.masks.items():
        assert made.segmentations[phase].GetTransformNodeID() == turn.GetID()
        voxels, place = segment_voxels(made.segmentations[phase], segment_id(Label.LV))
        found = values_at(voxels, place, voxel_positions(analysis.study.geometry))
        np.testing.assert_array_equal(found, mask.ravel() == Label.LV)


def test_items_that_the_application_made_are_moved_not_doubled(host: Any) -> None:
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(host.scene)

    def claim(*_: object) -> None:
        nodes = [host.scene.GetNthNode(position) for position in range(host.scene.GetNumberOfNodes())]
        for node in nodes:
            if node.IsA("vtkMRMLStorableNode") and not node.GetHideFromEditors() and not tree.GetItemByDataNode(node):
                tree.CreateItem(tree.GetSceneItemID(), node)

    host.scene.AddObserver(host.scene.NodeAddedEvent, claim)
    made = build(host, make_analysis())
    study = tree.GetItemByName("Cardiac MR")
    for node in (*made.volumes.values(), *made.segmentations.values(), made.measurements, made.diagnosis):
        assert tree.GetItemParent(tree.GetItemByDataNode(node)) == study
    _, items = contents(host.scene)
    assert items[0] == ("Cardiac MR", "Scene")
    assert {parent for _, parent in items[1:]} == {"Cardiac MR"}


@pytest.mark.parametrize("missing", STRUCTURES, ids=lambda label: label.name)
def test_a_structure_that_was_not_found_gets_an_empty_segment(host: Any, missing: Label) -> None:
    analysis = make_analysis(Case(with_cine=False))
    masks = {phase: np.where(mask == missing, 0, mask).astype(np.uint8) for phase, mask in analysis.masks.items()}
    made = build(host, replace(analysis, masks=masks))
    for phase, mask in masks.items():
        for label in STRUCTURES:
            voxels, _ = segment_voxels(made.segmentations[phase], segment_id(label))
            assert voxels.sum() == (mask == label).sum()


@pytest.mark.parametrize("colors", ColorSet)
def test_segments_have_the_chosen_colours(host: Any, colors: ColorSet) -> None:
    standard = {Label.LV: (152, 55, 13), Label.RV: (181, 85, 57), Label.MYOCARDIUM: (192, 104, 88)}
    expected = STRUCTURE_COLORS if colors is ColorSet.HIGH_CONTRAST else standard
    made = build(host, make_analysis(), SceneOptions(colors=colors))
    segmentation = made.segmentations[Phase.ED].GetSegmentation()
    for label, color in expected.items():
        assert segmentation.GetSegment(segment_id(label)).GetColor() == pytest.approx([value / 255 for value in color])


def test_a_study_of_one_phase_has_one_volume_and_one_segmentation(host: Any) -> None:
    made = build(host, make_analysis(Case(phases=(Phase.ED,), with_cine=False)))
    assert list(made.volumes) == list(made.segmentations) == [Phase.ED]
    assert made.cine is None


def test_the_input_is_not_changed_by_editing_the_scene(host: Any) -> None:
    analysis = make_analysis()
    before = analysis.study.frames.copy(), {phase: mask.copy() for phase, mask in analysis.masks.items()}
    made = build(host, analysis)
    made.volumes[Phase.ED].GetImageData().GetPointData().GetScalars().Fill(7)
    made.segmentations[Phase.ED].GetSegmentation().GetSegment("LV").GetRepresentation(
        "Binary labelmap"
    ).GetPointData().GetScalars().Fill(0)
    np.testing.assert_array_equal(analysis.study.frames, before[0])
    for phase, mask in before[1].items():
        np.testing.assert_array_equal(analysis.masks[phase], mask)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [(bool, np.uint8), (np.float16, np.float32), (np.int64, np.int32), (np.uint16, np.uint16), (">i2", np.int16)],
)
def test_voxel_types_that_slicer_cannot_show_are_widened(host: Any, stored: Any, shown: Any) -> None:
    image = np.arange(24).reshape(2, 3, 4).astype(stored)
    node = add_volume(host.scene, "image", image, Geometry((4, 3, 2), (1.0, 1.0, 1.0)))
    numpy_support = pytest.importorskip("vtk.util.numpy_support")
    voxels = numpy_support.vtk_to_numpy(node.GetImageData().GetPointData().GetScalars())
    assert voxels.dtype == shown
    np.testing.assert_array_equal(voxels, image.ravel())


def test_integers_beyond_32_bits_keep_their_value(host: Any) -> None:
    node = add_volume(host.scene, "image", np.full((1, 1, 1), 2**40), Geometry((1, 1, 1), (1.0, 1.0, 1.0)))
    assert node.GetImageData().GetPointData().GetScalars().GetTuple1(0) == 2**40


def test_nodes_are_found_by_name(host: Any) -> None:
    made = build(host, make_analysis())
    assert node_named(host.scene, "ES segmentation") is made.segmentations[Phase.ES]
