"""Folders in M&Ms' layout: what becomes of a patient, and who is left out why."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.volume import Patient, Sex
from CardiacMTLTraining.cache import load_cases
from CardiacMTLTraining.prepare import prepare
from CardiacMTLTraining.sources.case import SourceCase
from CardiacMTLTraining.sources.layouts import Layout, find_cases, layout_of
from Testing.acdc_folder import masks_of
from Testing.source_folders import MNMS_TABLE, images_of, write, write_mnms, write_mnms_patient

PLACES = {"A0S9V9": "Training/Labeled", "B2C3D4": "Validation", "E5F6G7": "Testing", "H8I9J0": "."}


def only_case(root: Path) -> SourceCase:
    (entry,) = find_cases(root)
    return entry.read()


def test_patients_are_found_in_every_part_of_the_data_set(tmp_path: Path) -> None:
    for name, place in PLACES.items():
        write_mnms_patient(tmp_path / place / name)
    write_mnms(tmp_path, {name: {} for name in PLACES})
    assert layout_of(tmp_path) is Layout.MNMS
    done, failed = prepare(tmp_path, tmp_path / "cache")
    assert done == sorted(PLACES)
    assert failed == {}
    assert [case.name for case in load_cases(tmp_path / "cache")] == done


def test_frames_count_from_0_and_labels_become_ours(tmp_path: Path) -> None:
    write_mnms_patient(tmp_path / "A0S9V9")
    write_mnms(tmp_path, {"A0S9V9": {"ED": "1.0"}})
    case = only_case(tmp_path)
    assert len(case.study.frames) == 2
    for phase in Phase:
        np.testing.assert_array_equal(case.masks[phase], masks_of(Group.NOR)[phase])
        np.testing.assert_array_equal(case.study.frames[case.frame_of(phase)], images_of(Group.NOR)[phase].astype(np.int16))
    assert case.study.patient == Patient(168.0, 61.0, Sex.FEMALE)


@pytest.mark.parametrize(
    ("pathology", "group"),
    [("NOR", Group.NOR), ("DCM", Group.DCM), ("HCM", Group.HCM)]
    + [(other, None) for other in ("ARV", "HHD", "IHD", "AHS", "LVNC", "Other", "")],
)
def test_only_pathologies_that_mean_the_same_become_groups(tmp_path: Path, pathology: str, group: Group | None) -> None:
    write_mnms_patient(tmp_path / "A0S9V9")
    write_mnms(tmp_path, {"A0S9V9": {"Pathology": pathology}})
    assert only_case(tmp_path).group is group


@pytest.mark.parametrize("text", ["", "N/A", "0", "1.68", "nan", "-5"])
def test_a_height_that_no_patient_can_have_is_left_out(tmp_path: Path, text: str) -> None:
    write_mnms_patient(tmp_path / "A0S9V9")
    write_mnms(tmp_path, {"A0S9V9": {"Height": text, "Sex": "O"}})
    assert only_case(tmp_path).study.patient == Patient(None, 61.0, None)


def test_the_checksum_follows_the_row_of_the_patient_alone(tmp_path: Path) -> None:
    def checksum(rows: dict[str, dict[str, str]]) -> str:
        write_mnms(tmp_path, rows)
        return find_cases(tmp_path)[0].read().source_sha256()

    write_mnms_patient(tmp_path / "A0S9V9")
    before = checksum({"A0S9V9": {}})
    assert checksum({"A0S9V9": {}, "B2C3D4": {}}) == before
    assert checksum({"A0S9V9": {"Pathology": "DCM"}}) != before


def drop_mask(folder: Path) -> None:
    (folder / f"{folder.name}_sa_gt.nii.gz").unlink()


def drop_folder(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def cut_image(folder: Path) -> None:
    path = folder / f"{folder.name}_sa.nii.gz"
    path.write_bytes(path.read_bytes()[:2000])


def empty_mask(folder: Path) -> None:
    write(np.zeros((6, 6, 84, 96), dtype=np.uint8), folder / f"{folder.name}_sa_gt.nii.gz")


def strange_value(folder: Path) -> None:
    path = str(folder / f"{folder.name}_sa_gt.nii.gz")
    frames = sitk.GetArrayFromImage(sitk.ReadImage(path))
    write(frames * np.uint8(2), Path(path))


def short_mask(folder: Path) -> None:
    path = str(folder / f"{folder.name}_sa_gt.nii.gz")
    sitk.WriteImage(sitk.ReadImage(path)[..., :5], path)


def shifted_mask(folder: Path) -> None:
    path = str(folder / f"{folder.name}_sa_gt.nii.gz")
    image = sitk.ReadImage(path)
    image.SetOrigin((1.0, 0.0, 0.0, 0.0))
    sitk.WriteImage(image, path)


def acdc_coding(folder: Path) -> None:
    write_mnms_patient(folder, coding={"RV": 1, "MYOCARDIUM": 2, "LV": 3})


def second_copy(folder: Path) -> None:
    write_mnms_patient(folder.parent / "Testing" / folder.name)


def nothing(folder: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "row", "words"),
    [
        (drop_mask, {}, "has no BAD_sa_gt.nii.gz"),
        (drop_folder, {}, "holds no file BAD_sa.nii.gz"),
        (second_copy, {}, "holds 2 files BAD_sa.nii.gz"),
        (cut_image, {}, "BAD_sa.nii.gz"),
        (empty_mask, {}, "frames with labels: none"),
        (strange_value, {}, "holds the values [4, 6]; expected 0 background, 3 RV, 2 myocardium, 1 LV"),
        (short_mask, {}, "has 5 frames but the image 6"),
        (shifted_mask, {}, "does not lie on the grid of its image"),
        (acdc_coding, {}, "as with 1 RV, 2 myocardium, 3 LV"),
        (nothing, {"ED": "2"}, "is empty in frame 3 (counted from 1), which is to be ED; frames with labels: 2, 5"),
        (nothing, {"ES": "9"}, "ES is frame 10 (counted from 1) but"),
        (nothing, {"ES": "1"}, "are both frame 2"),
        (nothing, {"ED": ""}, "is ''; expected a frame number counted from 0"),
        (nothing, {"ES": "-1"}, "is '-1'; expected a frame number counted from 0"),
    ],
)
def test_a_bad_patient_is_refused_with_the_reason(
    tmp_path: Path, change: Callable[[Path], None], row: dict[str, str], words: str
) -> None:
    write_mnms_patient(tmp_path / "BAD")
    write_mnms(tmp_path, {"BAD": row})
    change(tmp_path / "BAD")
    (entry,) = find_cases(tmp_path)
    assert entry.name == "BAD"
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        entry.read()
    assert "\n" not in str(caught.value)


def test_bad_patients_are_named_and_the_others_cached(tmp_path: Path) -> None:
    for name in ("A", "B", "C"):
        write_mnms_patient(tmp_path / "data" / name)
    write_mnms(tmp_path / "data", {"A": {"ED": "x"}, "B": {}, "C": {}, "D": {}})
    drop_mask(tmp_path / "data" / "C")
    done, failed = prepare(tmp_path / "data", tmp_path / "cache")
    assert done == ["B"]
    assert list(failed) == ["A", "C", "D"]


def test_images_without_a_row_and_rows_without_a_name_are_reported(tmp_path: Path) -> None:
    write_mnms_patient(tmp_path / "A0S9V9")
    write_mnms_patient(tmp_path / "B2C3D4")
    write_mnms(tmp_path, {"A0S9V9": {}, "": {}})
    (tmp_path / "A0S9V9" / "._A0S9V9_sa.nii.gz").write_bytes(b"what another system keeps beside a file")
    done, failed = prepare(tmp_path, tmp_path / "cache")
    assert done == ["A0S9V9"]
    assert set(failed) == {"B2C3D4", "unnamed-2"}
    assert "has no row for it" in failed["B2C3D4"]


def test_two_tables_are_refused(tmp_path: Path) -> None:
    table = write_mnms(tmp_path, {"A0S9V9": {}})
    (tmp_path / "older.csv").write_bytes(table.read_bytes())
    with pytest.raises(InputError, match="holds 2 tables of patients"):
        find_cases(tmp_path)


def test_a_damaged_table_is_named_where_the_layout_is_given(tmp_path: Path) -> None:
    (tmp_path / MNMS_TABLE).write_bytes(b"External code,ED,ES\n\xff\xfe,1,2\n")
    with pytest.raises(InputError, match="cannot be read"):
        find_cases(tmp_path, Layout.MNMS)
    with pytest.raises(InputError, match="no usable patient"):
        find_cases(tmp_path)
