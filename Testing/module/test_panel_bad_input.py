"""Images that cannot be analysed: what the panel says of each, in one line, and that nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer
import vtk

from CardiacMTLScene.cine import CineNodes
from CardiacMTLScene.volumes import add_volume, new_volume
from Testing.module.given import analysis_of_ed, finished_analysis, given_cine, given_volumes, short_study, shown_result
from Testing.module.reading import MODULE, ended, node_count, text


def cine_without(change: Callable[[CineNodes], None]) -> Any:
    cine = given_cine()
    change(cine)
    return cine.sequence


def without_voxels(cine: CineNodes) -> None:
    cine.sequence.GetNthDataNode(2).SetAndObserveImageData(None)


def without_frames(cine: CineNodes) -> None:
    cine.sequence.RemoveAllDataNodes()


def with_another_grid(cine: CineNodes) -> None:
    cine.sequence.GetNthDataNode(1).SetSpacing(3.0, 3.0, 16.0)


def under(node: Any, matrix: list[float]) -> Any:
    """Put a volume under a linear transform with this diagonal, or a shift."""
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    to_parent = vtk.vtkMatrix4x4()
    for axis, value in enumerate(matrix):
        to_parent.SetElement(axis, axis, value)
    transform.SetMatrixTransformToParent(to_parent)
    node.SetAndObserveTransformNodeID(transform.GetID())
    return node


def label_map() -> Any:
    study = short_study()
    return slicer.mrmlScene.AddNode(new_volume("labels", study.frames[0], study.geometry, "vtkMRMLLabelMapVolumeNode"))


def color_volume() -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photograph")
    slicer.util.updateVolumeFromArray(node, np.zeros((3, 4, 5, 3), np.uint8))
    return node


def smaller_volume() -> Any:
    geometry = short_study().geometry
    smaller = replace(geometry, size_xyz=(*geometry.size_xyz[:2], geometry.size_xyz[2] - 1))
    return add_volume(slicer.mrmlScene, "other", short_study().frames[0][1:, :, :], smaller)


def refused(panel: Any, slicer_host: Any) -> str:
    """Click, and read what the panel says; no box comes up, nothing is added, and the button can be clicked again."""
    before = node_count()
    panel.click("runButton")
    said = text(panel, "statusLabel")
    assert said.startswith("Error: "), said
    assert "\n" not in said
    assert "Traceback" not in said
    assert slicer_host.dialogs.asked == []
    assert node_count() == before
    assert panel.find("runButton").isEnabled()
    return said


def test_with_no_volume_chosen_the_panel_says_what_to_choose(open_module: Any) -> None:
    panel = open_module(MODULE)
    assert text(panel, "statusLabel") == "Choose a cine, or the volumes of ED and ES."
    assert not panel.find("runButton").isEnabled()
    panel.choose("edVolumeSelector", given_volumes()[0])
    assert panel.find("runButton").isEnabled()
    assert not panel.module_widget.ui.statusLabel.isVisible()


def test_label_maps_and_colour_images_are_not_offered(open_module: Any) -> None:
    panel = open_module(MODULE)
    for node in (label_map(), color_volume()):
        with pytest.raises(AssertionError, match="does not offer"):
            panel.choose("edVolumeSelector", node)


@pytest.mark.robustness(18)
@pytest.mark.parametrize(
    ("made", "words"),
    [
        (label_map, "labels is a label map; expected a grey image"),
        (color_volume, "photograph holds 3 values a voxel"),
    ],
)
def test_label_maps_and_colour_images_are_refused_when_a_script_chooses_them(
    open_module: Any, slicer_host: Any, made: Callable[[], Any], words: str
) -> None:
    panel = open_module(MODULE)
    panel.module_widget._parameterNode.edVolume = made()
    assert words in refused(panel, slicer_host)


@pytest.mark.parametrize(
    ("es", "words"),
    [
        (lambda ed: ed, "is chosen for ED and for ES; expected two volumes"),
        (lambda _: smaller_volume(), "ED and ES lie on different grids (72 x 72 x 7 voxels"),
    ],
    ids=["one volume twice", "another grid"],
)
def test_ed_and_es_that_do_not_fit_each_other_are_refused(
    open_module: Any, slicer_host: Any, es: Callable[[Any], Any], words: str
) -> None:
    panel = open_module(MODULE)
    ed = given_volumes()[0]
    panel.choose("edVolumeSelector", ed)
    panel.choose("esVolumeSelector", es(ed))
    assert words in refused(panel, slicer_host)


@pytest.mark.robustness(11)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_voxels, "frame 3 of Short axis has no image data; expected voxels"),
        (without_frames, "Short axis has no frames; expected at least one"),
        (with_another_grid, "frame 2 of Short axis lies on another grid"),
    ],
)
def test_a_sequence_whose_frames_are_missing_or_odd_is_refused_by_their_numbers(
    open_module: Any, slicer_host: Any, change: Callable[[CineNodes], None], words: str
) -> None:
    panel = open_module(MODULE)
    panel.choose("cineSelector", cine_without(change))
    assert words in refused(panel, slicer_host)


@pytest.mark.robustness(7)
@pytest.mark.parametrize(
    ("diagonal", "words"),
    [([2.0, 1.0, 1.0], "which scales or shears it"), ([-1.0, 1.0, 1.0], "which mirrors it")],
    ids=["scaled", "mirrored"],
)
def test_a_volume_under_a_transform_that_is_not_rigid_is_refused(
    open_module: Any, slicer_host: Any, diagonal: list[float], words: str
) -> None:
    panel = open_module(MODULE)
    panel.choose("edVolumeSelector", under(given_volumes()[0], diagonal))
    assert f"ED frame stands under the transform moved, {words}" in refused(panel, slicer_host)


@pytest.mark.robustness(7)
@pytest.mark.robustness(13)
def test_one_frame_alone_is_analysed_where_a_rigid_transform_has_put_it(
    open_module: Any, wait_until: Any, tiny_model: str
) -> None:
    panel = open_module(MODULE)
    ed = under(given_volumes()[0], [1.0, -1.0, -1.0])
    panel.choose("edVolumeSelector", ed)
    panel.module_widget._parameterNode.model = tiny_model
    panel.click("runButton")
    wait_until(lambda: ended(panel), 200)
    assert text(panel, "statusLabel").startswith("Done in"), text(panel, "statusLabel")
    assert text(panel, "diagnosisLabel").startswith("<b>No diagnosis</b>")
    (segmentation,) = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    assert segmentation.GetTransformNodeID() == ed.GetTransformNodeID()


@pytest.mark.robustness(13)
def test_a_result_of_one_frame_has_volumes_and_says_why_the_rest_is_undefined(open_module: Any) -> None:
    panel = open_module(MODULE)
    shown_result(panel, analysis_of_ed())
    table = panel.see("measurementsTable")
    rows = {table.item(row, 0).text(): table.item(row, 1) for row in range(table.rowCount)}
    assert "undefined" not in rows["LV EDV"].text()
    assert rows["LV EF"].text() == "undefined"
    assert "ES" in rows["LV EF"].toolTip()
    assert text(panel, "diagnosisLabel").startswith("<b>No diagnosis</b>")
    assert "ES" in text(panel, "diagnosisLabel")


def test_a_cine_that_seems_to_lack_frames_is_analysed_and_the_panel_says_so(open_module: Any) -> None:
    panel = open_module(MODULE)
    study = replace(finished_analysis().study, warnings=("The cine seems to lack frames after frame 3: its index jumps.",))
    shown_result(panel, replace(finished_analysis(), study=study))
    assert "seems to lack frames after frame 3" in text(panel, "flagsLabel")
