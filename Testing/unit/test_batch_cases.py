"""Which studies a batch finds below a folder, and what it calls them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from CardiacMTLLib.batch import Case, find_cases
from CardiacMTLLib.batch.cases import MAX_NAME_BYTES
from CardiacMTLLib.batch.settings import BatchSettings
from CardiacMTLLib.batch.state import STATE_FOLDER
from CardiacMTLLib.batch.task import Task
from CardiacMTLLib.batch.worker_main import _study
from CardiacMTLLib.reading.dicom.study_uid import study_uid
from Testing.dicom_fixtures import header, phantom, set_pixels, shots, siemens, uid, write


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def names(root: Path, **options: object) -> list[str]:
    return [case.name for case in find_cases(root, **options)]


def write_image(path: Path, study: str, number: int = 0) -> None:
    """A DICOM file of a study, enough to be grouped."""
    shot = next(shots(phantom(2).study))
    data = header(phantom(2).study, shot)
    data.StudyInstanceUID, data.SOPInstanceUID = study, uid(study, number, path.name)
    set_pixels(data, shot.pixels.astype("uint16"))
    write(data, path)


def test_each_kind_of_study_is_found_in_the_order_of_paths(tmp_path: Path) -> None:
    touch(tmp_path / "z.mha")
    touch(tmp_path / "acdc" / "patient001" / "Info.cfg")
    touch(tmp_path / "acdc" / "patient001" / "patient001_4d.nii.gz")
    write_image(tmp_path / "d" / "IM1", uid("one"))
    touch(tmp_path / "d" / "notes.txt")
    assert names(tmp_path) == ["acdc_patient001", "d", "z"]


def test_the_root_itself_may_be_a_study(tmp_path: Path) -> None:
    write_image(tmp_path / "study" / "IM1", uid("one"))
    (case,) = find_cases(tmp_path / "study")
    assert (case.name, case.path, case.files) == ("study", tmp_path / "study", ())
    assert find_cases(tmp_path / "nowhere") == ()


def test_a_dicom_study_with_a_folder_for_each_series_is_one(tmp_path: Path) -> None:
    for series in range(3):
        for number in range(2):
            write_image(tmp_path / "p1" / f"series{series}" / f"IM{number}", uid("one"), number)
    write_image(tmp_path / "p2" / "IM0", uid("two"))
    cases = find_cases(tmp_path)
    assert [(case.name, case.path.name, case.files) for case in cases] == [("p1", "p1", ()), ("p2", "p2", ())]


def test_studies_that_share_a_folder_are_told_apart_and_read_apart(tmp_path: Path) -> None:
    root = tmp_path / "flat"
    for shot in shots(phantom().study):
        data = siemens(phantom().study, shot)
        write(data, root / f"a{shot.t}{shot.z}.dcm")
    for number in range(2):
        write_image(root / f"b{number}", uid("other"), number)
    touch(root / "DICOMDIR")
    one, other = sorted(find_cases(root), key=lambda case: len(case.files))
    assert {one.name, other.name} == {"flat", "flat_2"}
    assert one.files == ("b0", "b1")
    assert len(other.files) == len(list(shots(phantom().study)))
    study = _study(Task("x", str(root), "", "", other.files), BatchSettings())
    assert len(study.frames) == len(phantom().study.frames)
    assert names(root) == names(root)


def test_a_study_in_two_places_with_another_between_is_one_with_its_files_named(tmp_path: Path) -> None:
    write_image(tmp_path / "x" / "1" / "IM0", uid("one"))
    write_image(tmp_path / "x" / "2" / "IM0", uid("two"))
    write_image(tmp_path / "x" / "3" / "IM0", uid("one"), 1)
    found = {case.path.relative_to(tmp_path).as_posix(): case.files for case in find_cases(tmp_path)}
    assert found == {"x": ("1/IM0", "3/IM0"), "x/2": ()}


def test_damaged_files_belong_to_the_study_beside_them_or_are_a_case_that_will_fail(tmp_path: Path) -> None:
    damaged = bytes(128) + b"DICM"
    write_image(tmp_path / "a" / "IM0", uid("one"))
    (tmp_path / "a" / "IM1").write_bytes(damaged)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "IM0").write_bytes(damaged)
    assert names(tmp_path) == ["a", "b"]
    assert study_uid(tmp_path / "b" / "IM0") == ""
    assert study_uid(tmp_path / "a" / "IM0") == uid("one")
    assert study_uid(tmp_path / "gone") == ""


@pytest.mark.robustness(39)
def test_names_with_spaces_unicode_formulas_and_line_ends_are_safe_and_apart(tmp_path: Path) -> None:
    for name in ("J\u00f6rg M\u00fcller", "\u540d\u524d", "=cmd()", "a\nb", "a:b", "Case", "case"):
        touch(tmp_path / name / "cine 1.nii.gz")
    touch(tmp_path / "patient.1.nii.gz")
    touch(tmp_path / "patient.2.nii")
    touch(tmp_path / "a" / "b_c.nrrd")
    touch(tmp_path / "a_b" / "c.nrrd")
    found = names(tmp_path)
    assert {"J\u00f6rg M\u00fcller_cine 1", "\u540d\u524d_cine 1", "=cmd()_cine 1", "a_b_cine 1", "a_b_cine 1_2"} <= set(found)
    assert {"patient.1", "patient.2", "a_b_c", "a_b_c_2"} <= set(found)
    assert len({name.casefold() for name in found}) == len(found) == 11


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no names that are not text")
def test_long_names_are_cut_and_stay_apart_and_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    deep = tmp_path / ("\u00e4" * 60) / ("b" * 100)
    touch(deep / "one.nii")
    touch(deep / "two.nii")
    touch(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.nii")))
    found = names(tmp_path)
    assert len(set(found)) == 3
    assert all(len(name.encode("utf-8")) <= MAX_NAME_BYTES for name in found)
    assert "_" in found


def test_hidden_files_and_results_are_no_studies(tmp_path: Path) -> None:
    out = tmp_path / "results"
    for path in (".hidden/cine.nii", ".cine.nii", "results/case/segmentation_ed.nii.gz", "old/x/segmentation_ed.nii.gz"):
        touch(tmp_path / path)
    touch(tmp_path / "old" / STATE_FOLDER / "lock")
    touch(tmp_path / "run" / "result.json")
    touch(tmp_path / "run" / "segmentation_ed.nii.gz")
    touch(tmp_path / "run" / "phantom_cine.nii.gz")
    assert names(tmp_path, leave_out=out) == ["run_phantom_cine"]


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_links_are_followed_once_and_lead_to_no_endless_walk(tmp_path: Path) -> None:
    touch(tmp_path / "store" / "one" / "cine.nii")
    write_image(tmp_path / "store" / "two" / "IM0", uid("two"))
    cohort = tmp_path / "cohort"
    cohort.mkdir()
    (cohort / "p1").symlink_to(tmp_path / "store" / "one", target_is_directory=True)
    (cohort / "p1 again").symlink_to(tmp_path / "store" / "one" / "cine.nii")
    (cohort / "p2").symlink_to(tmp_path / "store" / "two", target_is_directory=True)
    (cohort / "up").symlink_to(cohort, target_is_directory=True)
    (cohort / "gone").symlink_to(tmp_path / "nowhere")
    write_image(cohort / "p3" / "IM0", uid("three"))
    (cohort / "p3" / "more").symlink_to(tmp_path / "more", target_is_directory=True)
    write_image(tmp_path / "more" / "IM1", uid("three"), 1)
    cases = find_cases(cohort)
    assert [case.name for case in cases] == ["p1_cine", "p2", "p3"]
    assert sorted(cases[2].files) == ["IM0", "more/IM1"]


def test_a_folder_that_cannot_be_read_is_a_case_and_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "a" / "cine.nii")
    touch(tmp_path / "locked" / "cine.nii")
    scandir = os.scandir

    def refuse(path: Path):
        if Path(path).name == "locked":
            raise PermissionError
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)
    assert names(tmp_path) == ["a_cine", "locked"]


def test_names_stay_from_run_to_run_whatever_comes_and_goes(tmp_path: Path) -> None:
    touch(tmp_path / "cine.nii.gz")
    touch(tmp_path / "cine.nrrd")
    first = find_cases(tmp_path)
    known = {case.place: case.name for case in first}
    assert known == {"cine.nii.gz": "cine", "cine.nrrd": "cine_2"}
    touch(tmp_path / "cine.mha")
    (tmp_path / "cine.nrrd").unlink()
    again = find_cases(tmp_path, known=known)
    assert [(case.place, case.name) for case in again] == [
        ("cine.mha", "cine_3"),
        ("cine.nii.gz", "cine"),
        ("cine.nrrd", "cine_2"),
    ]
    assert again[2] == Case("cine_2", tmp_path / "cine.nrrd", "cine.nrrd")
