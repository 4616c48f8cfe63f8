"""Nodes that a user chooses become a study with every voxel at its place, or one clear line says why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.volume import CineStudy, Patient, Sex
from Testing.scene.studies import Case, make_analysis

pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLScene.inputs import study_from_sequence, study_from_volumes
from CardiacMTLScene.volumes import add_volume, new_volume
from Testing.scene.given import (
    QUARTER_TURN,
    SLICES_FIRST,
    file_sequence,
    file_volumes,
    make_sequence,
    sequence_of,
    stored_in,
    under,
    warp,
)

GRID = Geometry((6, 5, 4), (1.5, 1.5, 8.0))
FRAMES = np.arange(3 * 4 * 5 * 6).reshape(3, 4, 5, 6).astype(np.int16)
INDEX = ("0", "40", "80")

ORDERS = pytest.mark.parametrize(
    "order", [AxisOrder(), SLICES_FIRST, AxisOrder((0, 1, 2), (True, False, True))], ids=["as is", "slices first", "reversed"]
)


def one_line(error: pytest.ExceptionInfo[InputError]) -> bool:
    return "\n" not in str(error.value) and len(str(error.value)) < 400


@ORDERS
@pytest.mark.parametrize("left_handed", [False, True], ids=["right-handed", "left-handed"])
def test_two_volumes_give_the_study_in_standard_axes_however_they_are_stored(
    host: Any, order: AxisOrder, left_handed: bool
) -> None:
    analysis = stored_in(make_analysis(Case(left_handed)), order)
    volumes = file_volumes(host, analysis)
    study = study_from_volumes(volumes[Phase.ED], volumes[Phase.ES])
    assert study.stored.geometry.matches(analysis.study.stored.geometry)
    assert not study.geometry.is_left_handed
    assert (study.ed_frame, study.es_frame, study.frame_times_ms) == (0, 1, None)
    expected = np.stack([analysis.study.frames[analysis.frames[phase]] for phase in Phase])
    np.testing.assert_array_equal(study.frames, expected[..., ::-1] if left_handed else expected)
    for frame, phase in zip(study.frames, Phase, strict=True):
        back = study.in_file_axes(frame)
        np.testing.assert_array_equal(back, order.undo(analysis.study.frames[analysis.frames[phase]]))


@ORDERS
@pytest.mark.parametrize("chosen", ["sequence", "browser", "shown volume", "sequence that nothing plays"])
def test_a_cine_gives_the_same_study_by_whichever_node_it_is_chosen(host: Any, order: AxisOrder, chosen: str) -> None:
    analysis = stored_in(make_analysis(), order)
    sequence, browser = file_sequence(host, analysis, played=chosen != "sequence that nothing plays")
    node = {"browser": browser, "shown volume": browser and browser.GetProxyNode(sequence)}.get(chosen, sequence)
    study = study_from_sequence(node, 1, 3)
    np.testing.assert_array_equal(study.frames, analysis.study.frames)
    assert study.geometry.matches(analysis.study.geometry)
    assert study.stored.geometry.matches(analysis.study.stored.geometry)
    assert (study.ed_frame, study.es_frame, study.warnings) == (1, 3, ())


def test_a_browser_whose_master_holds_no_images_gives_the_images_beside_it(host: Any) -> None:
    _, browser = sequence_of(host, [slicer.vtkMRMLTextNode() for _ in INDEX], INDEX)
    images, _ = make_sequence(host, FRAMES, GRID, INDEX, played=False)
    browser.AddSynchronizedSequenceNode(images)
    np.testing.assert_array_equal(study_from_sequence(browser).frames, FRAMES)


def test_the_study_keeps_its_voxels_when_the_nodes_change(host: Any) -> None:
    volume = add_volume(host.scene, "one", FRAMES[0], GRID)
    study = study_from_volumes(volume, None)
    volume.GetImageData().GetPointData().GetScalars().Fill(7)
    np.testing.assert_array_equal(study.frames[0], FRAMES[0])


@pytest.mark.parametrize(
    ("stored", "kept"), [(np.int16, np.int16), (np.uint8, np.uint8), (np.float64, np.float32), (np.float32, np.float32)]
)
def test_whole_numbers_stay_and_others_become_single_precision(host: Any, stored: Any, kept: Any) -> None:
    study = study_from_volumes(add_volume(host.scene, "one", (FRAMES[0] % 200).astype(stored), GRID), None)
    assert study.frames.dtype == kept
    np.testing.assert_array_equal(study.frames[0], FRAMES[0] % 200)


@pytest.mark.parametrize("phase", Phase)
def test_one_volume_alone_is_a_study_of_one_frame(host: Any, phase: Phase) -> None:
    volume = add_volume(host.scene, "one", FRAMES[0], GRID)
    study = study_from_volumes(*(volume if phase is given else None for given in Phase))
    assert len(study.frames) == 1
    assert [study.frame_of(other) for other in Phase] == [0 if other is phase else None for other in Phase]


def test_a_sequence_of_one_frame_is_a_study_of_one_frame(host: Any) -> None:
    sequence, _ = make_sequence(host, FRAMES[:1], GRID, INDEX)
    study = study_from_sequence(sequence)
    assert (len(study.frames), study.ed_frame, study.es_frame, study.frame_times_ms) == (1, None, None, None)


@pytest.mark.robustness(7)
@pytest.mark.parametrize("matrix", [QUARTER_TURN, np.diag([-1.0, -1.0, 1.0, 1.0])], ids=["quarter turn", "half turn"])
def test_a_rigid_transform_changes_nothing_in_the_study(host: Any, matrix: Any) -> None:
    analysis = stored_in(make_analysis())
    volumes = file_volumes(host, analysis)
    sequence, browser = file_sequence(host, analysis)
    before = study_from_volumes(*volumes.values()), study_from_sequence(sequence)
    under(host, matrix, *volumes.values(), browser.GetProxyNode(sequence))
    after = study_from_volumes(*volumes.values()), study_from_sequence(sequence)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.frames, other.frames)
        assert one.geometry == other.geometry


def plain(host: Any, name: str = "image", **changes: Any) -> Any:
    return add_volume(host.scene, name, FRAMES[0], replace(GRID, **changes))


def labels(host: Any) -> Any:
    return host.scene.AddNode(new_volume("labels", FRAMES[0], GRID, "vtkMRMLLabelMapVolumeNode"))


def coloured(host: Any, node_class: str = "vtkMRMLVectorVolumeNode") -> Any:
    node = new_volume("coloured", FRAMES[0], GRID, node_class)
    image = node.GetImageData()
    image.AllocateScalars(image.GetScalarType(), 3)
    return host.scene.AddNode(node)


def empty(host: Any) -> Any:
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetName("empty")
    return host.scene.AddNode(node)


def sheared(host: Any) -> Any:
    node = plain(host, "sheared")
    node.SetIJKToRASDirections(1, 0.3, 0, 0, 1, 0, 0, 0, 1)
    return node


def moved(host: Any, how: Callable[[Any, Any], Any]) -> Any:
    node = plain(host)
    how(host, node)
    return node


def model(host: Any) -> Any:
    return host.scene.AddNode(slicer.vtkMRMLModelNode())


@pytest.mark.robustness(7)
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda host: (None, None), "no volume is chosen"),
        (lambda host: (labels(host), plain(host)), "labels is a label map"),
        (lambda host: (plain(host), labels(host)), "labels is a label map"),
        (lambda host: (coloured(host), plain(host)), "coloured holds 3 values a voxel"),
        (lambda host: (coloured(host, "vtkMRMLScalarVolumeNode"), None), "coloured holds 3 values a voxel"),
        (lambda host: (plain(host), empty(host)), "empty has no image data"),
        (lambda host: (model(host), None), "is no volume but a Model"),
        (lambda host: (plain(host),) * 2, "chosen for ED and for ES"),
        (lambda host: (plain(host), plain(host, spacing_xyz_mm=(1.5, 1.5, 9.0))), "different grids"),
        (lambda host: (plain(host), plain(host, origin_xyz_mm=(0.0, 0.0, 8.0))), "different grids"),
        (lambda host: (plain(host), moved(host, lambda h, n: under(h, QUARTER_TURN, n))), "different grids"),
        (lambda host: (moved(host, lambda h, n: under(h, np.diag([1, 1, 1.1, 1]), n)), None), "moved, which scales or shears"),
        (lambda host: (moved(host, lambda h, n: under(h, np.diag([-1, 1, 1, 1]), n)), None), "moved, which mirrors"),
        (lambda host: (moved(host, warp), None), "bent, which warps"),
        (lambda host: (sheared(host), None), "sheared: voxel axes are"),
        (lambda host: (plain(host, spacing_xyz_mm=(1.4, 1.4, 1.0)), None), "set it in the module Volumes"),
    ],
)
def test_volumes_that_cannot_be_analysed_are_refused_in_one_line(host: Any, make: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        study_from_volumes(*make(host))
    assert one_line(error)


def with_item(host: Any, item: Any, position: int = 1) -> Any:
    items = [new_volume("frame", frame, GRID) for frame in FRAMES]
    items[position] = item
    return sequence_of(host, items, INDEX)[0]


def shown(host: Any, how: Callable[[Any, Any], Any]) -> Any:
    sequence, browser = make_sequence(host, FRAMES, GRID, INDEX)
    how(host, browser.GetProxyNode(sequence))
    return sequence


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda host: None, "no cine is chosen"),
        (plain, "image belongs to no sequence"),
        (lambda host: slicer.vtkMRMLScalarVolumeNode(), "belongs to no sequence"),
        (lambda host: host.scene.AddNode(slicer.vtkMRMLSequenceBrowserNode()), "plays no sequence"),
        (lambda host: sequence_of(host, [], [])[0], "input cine has no frames"),
        (lambda host: with_item(host, labels(host)), "frame 2 of input cine is a label map"),
        (lambda host: with_item(host, slicer.vtkMRMLSegmentationNode(), 0), "frame 1 of input cine is no volume but"),
        (lambda host: with_item(host, coloured(host)), "frame 2 of input cine holds 3 values"),
        (lambda host: with_item(host, slicer.vtkMRMLScalarVolumeNode(), 2), "frame 3 of input cine has no image data"),
        (
            lambda host: with_item(host, new_volume("f", FRAMES[0, :3], replace(GRID, size_xyz=(6, 5, 3)))),
            "frame 2 .* lies on another",
        ),
        (lambda host: with_item(host, plain(host, origin_xyz_mm=(3.0, 0.0, 0.0)), 2), "frame 3 .* lies on another grid"),
        (lambda host: shown(host, lambda h, n: under(h, np.diag([1.1, 1.1, 1.1, 1]), n)), "moved, which scales"),
        (lambda host: shown(host, warp), "bent, which warps"),
        (
            lambda host: make_sequence(host, FRAMES, replace(GRID, spacing_xyz_mm=(1.0,) * 3), INDEX)[0],
            "slice spacing is missing",
        ),
    ],
)
def test_cines_that_cannot_be_analysed_are_refused_in_one_line(host: Any, make: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        study_from_sequence(make(host))
    assert one_line(error)


@pytest.mark.parametrize(
    ("ed", "es", "words"), [(3, None, "ED is frame 4"), (None, 9, "ES is frame 10"), (1, 1, "both frame 2")]
)
def test_frame_numbers_that_cannot_be_are_refused(host: Any, ed: int | None, es: int | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        study_from_sequence(make_sequence(host, FRAMES, GRID, INDEX)[0], ed, es)


LABELS, UNIT, TAG = (
    f"MultiVolume.{name}" for name in ("FrameLabels", "FrameIdentifyingDICOMTagUnits", "FrameIdentifyingDICOMTagName")
)


@pytest.mark.parametrize(
    ("index", "unit", "attributes", "expected"),
    [
        (("0", "140", "280"), "ms", {}, (0, 140, 280)),
        (("0", "0.14", "0.28"), "s", {}, (0, 140, 280)),
        (("0", "1", "2"), "", {}, None),
        (("0", "1", "2"), "s", {}, None),
        (("0", "1", "2"), "", {LABELS: "10,150,290", UNIT: "ms"}, (10, 150, 290)),
        (("0", "1", "2"), "", {LABELS: "10,150,290"}, (10, 150, 290)),
        (("0", "1", "2"), "", {LABELS: "10,150,290", TAG: "TriggerTime"}, (10, 150, 290)),
        (("0", "1", "2"), "", {LABELS: "10,150,290", TAG: "EchoTime"}, None),
        (("0", "1", "2"), "", {LABELS: "10,150,290", UNIT: "degrees"}, None),
        (("0", "1", "2"), "s", {LABELS: "10,150,290"}, (10, 150, 290)),
        (("0", "1", "2"), "", {LABELS: "10,150"}, None),
        (("0", "1", "2"), "", {LABELS: "10,150,late"}, None),
    ],
)
def test_frame_times_come_from_the_index_or_from_the_labels_of_the_import(
    host: Any, index: Any, unit: str, attributes: dict[str, str], expected: Any
) -> None:
    for of in ("sequence", "browser", "shown volume", "first frame"):
        sequence, browser = make_sequence(host, FRAMES, GRID, index, unit)
        nodes = {"sequence": sequence, "browser": browser, "shown volume": browser.GetProxyNode(sequence)}
        for name, value in attributes.items():
            nodes.get(of, sequence.GetNthDataNode(0)).SetAttribute(name, value)
        study = study_from_sequence(sequence)
        assert study.frame_times_ms == (None if expected is None else pytest.approx(expected))


IMPORTED = {LABELS: "0,33,66", TAG: "Time", UNIT: "ms"}
"""As Slicer's import labels frames that it told apart by instance numbers: these times are no cycle's."""


@pytest.mark.parametrize(
    ("trigger_times", "expected"),
    [
        (("10", "12", "150", "152", "290", "292"), (11, 151, 291)),
        (("10", "12", "150", "", "290", "292"), None),
        (("10", "10", "10", "10", "10", "10"), None),
        (("290", "292", "150", "152", "10", "12"), None),
    ],
)
def test_frame_times_come_from_the_headers_of_the_images_of_each_frame(host: Any, trigger_times: Any, expected: Any) -> None:
    sequence, _ = make_sequence(host, FRAMES, GRID, ("0", "1", "2"), "")
    for name, value in IMPORTED.items():
        sequence.SetAttribute(name, value)
    for number in range(3):
        sequence.GetNthDataNode(number).SetAttribute("DICOM.instanceUIDs", f"1.{2 * number} 1.{2 * number + 1}")

    def value(uid: str, tag: str) -> str:
        return trigger_times[int(uid.removeprefix("1."))] if tag == "0018,1060" else ""

    study = study_from_sequence(sequence, tag_value=value)
    assert study.frame_times_ms == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (("1", "2", "4"), "after frame 2"),
        (("0", "40", "140"), "after frame 2"),
        (("1", "2", "3"), None),
        (("a", "b", "c"), None),
    ],
)
def test_a_jump_of_the_index_is_told_as_a_missing_frame(host: Any, index: Any, words: str | None) -> None:
    sequence = slicer.vtkMRMLSequenceNode()
    if "a" in index:
        sequence.SetIndexType(slicer.vtkMRMLSequenceNode.TextIndex)
    for value, frame in zip(index, FRAMES, strict=True):
        sequence.SetDataNodeAtValue(new_volume("frame", frame, GRID), value)
    warnings = study_from_sequence(host.scene.AddNode(sequence)).warnings
    assert len(warnings) == (words is not None)
    assert all(words in warning for warning in warnings if words)


HEADER = {"0010,1020": "1.80", "0010,1030": "80", "0010,0040": "F ", "0018,1088": "61"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (HEADER, Patient(180.0, 80.0, Sex.FEMALE, 61.0)),
        (HEADER | {"0018,1088": "", "0018,1062": "1000"}, Patient(180.0, 80.0, Sex.FEMALE, 60.0)),
        (HEADER | {"0010,1020": "0", "0010,1030": "x", "0010,0040": "O"}, Patient(heart_rate_bpm=61.0)),
        (HEADER | {"0010,1020": "18", "0010,1030": "nan"}, Patient(sex=Sex.FEMALE, heart_rate_bpm=61.0)),
        ({}, Patient()),
    ],
)
def test_the_patient_comes_from_the_headers_that_the_application_knows(
    host: Any, header: dict[str, str], expected: Patient
) -> None:
    asked = []

    def value(instance: str, tag: str) -> str:
        asked.append(instance)
        return header.get(tag, "")

    volume = plain(host)
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.0 1.2.1")
    assert study_from_volumes(volume, None, tag_value=value).patient == expected
    assert study_from_sequence(make_sequence(host, FRAMES, GRID, INDEX)[0], tag_value=value).patient == expected
    assert set(asked) == {"1.2.0"}


def test_what_the_user_says_of_the_patient_comes_first(host: Any) -> None:
    volume = plain(host)
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.0")
    study: CineStudy = study_from_volumes(volume, None, Patient(weight_kg=70.0), lambda _, tag: HEADER.get(tag, ""))
    assert study.patient == Patient(180.0, 70.0, Sex.FEMALE, 61.0)


def test_without_headers_the_sex_may_stand_in_the_tree_above_the_image(host: Any) -> None:
    volume, tree = plain(host), slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(host.scene)
    person = tree.CreateSubjectItem(tree.GetSceneItemID(), "somebody")
    tree.SetItemAttribute(person, "DICOM.PatientSex", "M")
    tree.CreateItem(tree.CreateStudyItem(person, "study"), volume)
    assert study_from_volumes(volume, None).patient == Patient(sex=Sex.MALE)
