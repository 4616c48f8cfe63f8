"""A study saved as a scene bundle comes back whole, at the same place in the patient."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from CardiacMTLLib.diagnosis.diagnosis import MEANING, RESEARCH_USE, Diagnosis
from CardiacMTLLib.errors import InputError, OutputError
from CardiacMTLLib.labels import STRUCTURES, Group, Label, Phase
from Testing.scene.studies import Case, make_analysis

pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

from CardiacMTLScene.arrays import image_array
from CardiacMTLScene.save import load_scene, save_scene
from CardiacMTLScene.segmentations import segment_id
from Testing.scene.nodes import ijk_to_ras, node_named, segment_voxels, table_rows, values_at, voxel_positions

CODES = {Label.LV: "87878005", Label.RV: "53085002", Label.MYOCARDIUM: "74281007"}
BOTH_HANDS = pytest.mark.parametrize("left_handed", [False, True], ids=["right-handed", "left-handed"])


@BOTH_HANDS
def test_volumes_come_back_with_every_voxel_at_its_place(host: Any, tmp_path: Path, left_handed: bool) -> None:
    analysis = make_analysis(Case(left_handed))
    save_scene(analysis, tmp_path / "scene.mrb")
    load_scene(host.scene, tmp_path / "scene.mrb")
    places = voxel_positions(analysis.study.geometry)
    for phase, frame in analysis.frames.items():
        node = node_named(host.scene, phase.value)
        found = values_at(image_array(node.GetImageData()), ijk_to_ras(node), places)
        np.testing.assert_array_equal(found, analysis.study.frames[frame].ravel())


@BOTH_HANDS
def test_segments_come_back_voxel_for_voxel_at_their_place(host: Any, tmp_path: Path, left_handed: bool) -> None:
    analysis = make_analysis(Case(left_handed))
    save_scene(analysis, tmp_path / "scene.mrb")
    load_scene(host.scene, tmp_path / "scene.mrb")
    places = voxel_positions(analysis.study.geometry)
    for phase, mask in analysis.masks.items():
        node = node_named(host.scene, f"{phase.value} segmentation")
        for label in STRUCTURES:
            voxels, matrix = segment_voxels(node, segment_id(label))
            np.testing.assert_array_equal(values_at(voxels, matrix, places), mask.ravel() == label)
            assert voxels.sum() == (mask == label).sum()


def test_segments_keep_name_code_and_label_value(host: Any, tmp_path: Path) -> None:
    save_scene(make_analysis(), tmp_path / "scene.mrb")
    load_scene(host.scene, tmp_path / "scene.mrb")
    segmentation = node_named(host.scene, "ES segmentation").GetSegmentation()
    names = [segmentation.GetNthSegment(position).GetName() for position in range(segmentation.GetNumberOfSegments())]
    assert names == ["LV cavity", "RV cavity", "LV myocardium"]
    for label, code in CODES.items():
        segment = segmentation.GetSegment(segment_id(label))
        assert f"~SCT^{code}^" in segment.GetTerminology()
        assert segment.GetLabelValue() == label


def test_a_segmentation_knows_the_volume_it_was_drawn_on(host: Any, tmp_path: Path) -> None:
    save_scene(make_analysis(), tmp_path / "scene.mrb")
    load_scene(host.scene, tmp_path / "scene.mrb")
    for phase in Phase:
        node = node_named(host.scene, f"{phase.value} segmentation")
        reference = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
        assert reference.GetName() == phase.value


def test_the_measurement_table_comes_back_with_undefined_values_empty(host: Any, tmp_path: Path) -> None:
    analysis = make_analysis()
    save_scene(analysis, tmp_path / "scene.mrb")
    load_scene(host.scene, tmp_path / "scene.mrb")
    columns, rows = table_rows(node_named(host.scene, "Measurements"))
    assert columns == ["Name", "Value", "Unit", "Note"]
    assert [row[0] for row in rows] == list(analysis.measurements)
    for (_, value, unit, note), expected in zip(rows, analysis.measurements.values(), strict=True):
        assert unit == expected.unit
        if expected.value is None:
            assert (value, note) == ("", "height and weight are 'unknown', give both")
        else:
            assert float(value) == pytest.approx(expected.value, rel=1e-3)
            assert note == ""


def test_the_diagnosis_table_says_probabilities_reason_meaning_and_research_use(host: Any, tmp_path: Path) -> None:
    analysis = make_analysis()
    save_scene(analysis, tmp_path / "scene.mrb")
    load_scene(host.scene, tmp_path / "scene.mrb")
    columns, rows = table_rows(node_named(host.scene, "Diagnosis"))
    assert columns == ["Group", "Title", "Probability", "Note"]
    assert [(row[0], row[1]) for row in rows[:5]] == [(group.value, group.full_name) for group in Group]
    assert [float(row[2]) for row in rows[:5]] == pytest.approx([0.3, 0.25, 0.2, 0.15, 0.1])
    assert rows[5] == ["Label", "withheld", "", analysis.diagnosis.reason]
    assert rows[6] == ["Meaning", "", "", MEANING]
    assert rows[7] == ["Research use", "", "", RESEARCH_USE]


def test_an_undefined_diagnosis_has_no_number_anywhere(host: Any, tmp_path: Path) -> None:
    undefined = Diagnosis(None, None, "only one phase was found")
    save_scene(make_analysis(Case(phases=(Phase.ED,)), undefined), tmp_path / "scene.mrb")
    load_scene(host.scene, tmp_path / "scene.mrb")
    _, rows = table_rows(node_named(host.scene, "Diagnosis"))
    assert [row[2] for row in rows] == [""] * 8
    assert rows[5][3] == "only one phase was found"


def test_the_cine_comes_back_with_its_frames_times_and_browser(host: Any, tmp_path: Path) -> None:
    analysis = make_analysis()
    save_scene(analysis, tmp_path / "scene.mrb")
    load_scene(host.scene, tmp_path / "scene.mrb")
    browser = node_named(host.scene, "Cine browser")
    sequence = browser.GetMasterSequenceNode()
    assert [float(sequence.GetNthIndexValue(n)) for n in range(4)] == [0.0, 40.0, 80.0, 120.0]
    assert (sequence.GetIndexName(), sequence.GetIndexUnit()) == ("time", "ms")
    places = voxel_positions(analysis.study.geometry)
    for number, frame in enumerate(analysis.study.frames):
        node = sequence.GetNthDataNode(number)
        np.testing.assert_array_equal(values_at(image_array(node.GetImageData()), ijk_to_ras(node), places), frame.ravel())
    shown = browser.GetProxyNode(sequence)
    browser.SetSelectedItemNumber(3)
    np.testing.assert_array_equal(
        values_at(image_array(shown.GetImageData()), ijk_to_ras(shown), places), analysis.study.frames[3].ravel()
    )


def test_the_tree_holds_the_study_with_each_segmentation_beside_its_volume(host: Any, tmp_path: Path) -> None:
    save_scene(make_analysis(), tmp_path / "scene.mrb")
    load_scene(host.scene, tmp_path / "scene.mrb")
    tree = host.scene.GetFirstNodeByClass("vtkMRMLSubjectHierarchyNode")
    study = tree.GetItemByName("Cardiac MR")
    assert tree.GetItemLevel(study) == "Study"
    names = [tree.GetItemName(tree.GetItemByPositionUnderParent(study, n)) for n in range(tree.GetNumberOfItemChildren(study))]
    images = ["ED", "ED segmentation", "ES", "ES segmentation", "Cine", "Cine segmentation"]
    assert names == [
        *images,
        "Measurements",
        "Diagnosis",
        "Volume-time curve",
        "LV",
        "RV",
        "Volume-time curve chart",
        "Results",
    ]


def test_the_bundle_has_short_names_and_the_format_version_of_slicer(tmp_path: Path) -> None:
    save_scene(make_analysis(Case(with_cine=False)), tmp_path / "Müller, Hans ü.mrb")
    with zipfile.ZipFile(tmp_path / "Müller, Hans ü.mrb") as bundle:
        files = {Path(name).name for name in bundle.namelist() if not name.endswith("/")}
        text = bundle.read("scene/scene.mrml").decode()
    assert files == {
        "scene.mrml",
        *(
            "ED.nrrd",
            "ES.nrrd",
            "ED segmentation.seg.nrrd",
            "ES segmentation.seg.nrrd",
            "Measurements.tsv",
            "Diagnosis.tsv",
            "Results.txt",
        ),
    }
    assert 'version="Slicer 5.12' in text
    assert "ller" not in text
    assert str(tmp_path) not in text


def test_nothing_but_the_bundle_is_left_beside_it(tmp_path: Path) -> None:
    save_scene(make_analysis(), tmp_path / "scene.mrb")
    save_scene(make_analysis(), tmp_path / "scene.mrb")
    assert [path.name for path in tmp_path.iterdir()] == ["scene.mrb"]


def test_a_missing_folder_is_an_output_error_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written") as caught:
        save_scene(make_analysis(), tmp_path / "missing" / "scene.mrb")
    assert "\n" not in str(caught.value)


def test_a_full_temporary_folder_costs_no_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no such folder"))
    save_scene(make_analysis(), tmp_path / "scene.mrb")
    assert [path.name for path in tmp_path.iterdir()] == ["scene.mrb"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes, which POSIX has")
def test_a_full_disk_is_an_output_error_in_one_short_line_and_nothing_else_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import resource  # noqa: PLC0415 - POSIX only

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(OutputError, match=r"scene.mrb could not be written \(\d+ MB are free there\)") as caught:
            save_scene(make_analysis(), tmp_path / "scene.mrb")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(str(caught.value)) < 200 + len(str(tmp_path))
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_an_older_bundle_survives_a_failed_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scene.mrb"
    save_scene(make_analysis(), path)
    before = path.read_bytes()
    monkeypatch.setattr("CardiacMTLScene.save._write", _fail_to_write)
    with pytest.raises(OutputError):
        save_scene(make_analysis(), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["scene.mrb"]


def _fail_to_write(*_: object) -> None:
    raise OutputError("the disk is full")


@pytest.mark.parametrize("content", [None, b"", b"not a bundle"], ids=["missing", "empty", "no bundle"])
def test_a_file_that_is_no_bundle_is_an_input_error(host: Any, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "scene.mrb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable scene"):
        load_scene(host.scene, path)
