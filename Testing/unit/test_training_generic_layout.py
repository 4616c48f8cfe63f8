"""Our own layout with `cases.csv` and `labels.json`, and how a folder's layout is found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.volume import Patient, Sex
from CardiacMTLTraining.cache import load_cases
from CardiacMTLTraining.cli import main
from CardiacMTLTraining.prepare import prepare
from CardiacMTLTraining.sources.generic import COLUMNS
from CardiacMTLTraining.sources.layouts import Layout, find_cases, layout_of
from Testing.acdc_folder import masks_of, write_acdc_folder
from Testing.source_folders import (
    OTHER_CODING,
    generic_row,
    images_of,
    two_images,
    write,
    write_generic,
    write_generic_patient,
    write_mnms,
)

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "training-data.md"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of p1, and some that cannot be used; each test writes the table it needs."""
    root = tmp_path_factory.mktemp("generic")
    write_generic_patient(root, "p1")
    write(masks_of(Group.DCM)[Phase.ED][:5], root / "p1" / "short_mask.nii.gz")
    write(masks_of(Group.DCM)[Phase.ED], root / "p1" / "our_coding.nii.gz")
    write(images_of(Group.DCM)[Phase.ED].astype(np.int16), root / "p1" / "thin.nii.gz", (2.0, 2.2, 1.0))
    return root


@pytest.mark.parametrize("separate_files", [False, True])
def test_a_patient_is_read_from_a_cine_or_from_a_file_a_phase(files: Path, separate_files: bool) -> None:
    write_generic(files, [generic_row("p1", two_images("p1") if separate_files else {})])
    (entry,) = find_cases(files)
    case = entry.read()
    for phase in Phase:
        np.testing.assert_array_equal(case.masks[phase], masks_of(Group.DCM)[phase])
        np.testing.assert_array_equal(case.study.frames[case.frame_of(phase)], images_of(Group.DCM)[phase].astype(np.int16))
    assert (case.name, case.group, case.study.patient) == ("p1", Group.DCM, Patient(180.0, 82.5, Sex.MALE))


def test_a_cine_may_have_masks_of_its_phases(files: Path) -> None:
    masks = {"mask": "", "ed_mask": "p1/ED_mask.nii.gz", "es_mask": "p1/ES_mask.nii.gz"}
    write_generic(files, [generic_row("p1", masks)])
    (entry,) = find_cases(files)
    np.testing.assert_array_equal(entry.read().masks[Phase.ES], masks_of(Group.DCM)[Phase.ES])


def test_what_is_not_stated_is_not_known(files: Path) -> None:
    write_generic(files, [generic_row("p1", dict.fromkeys(("group", "height_cm", "weight_kg", "sex"), ""))])
    (entry,) = find_cases(files)
    case = entry.read()
    assert (case.group, case.study.patient) == (None, Patient())


def test_a_stated_slice_spacing_is_used(files: Path) -> None:
    write_generic(files, [generic_row("p1", {"slice_spacing_mm": "9.5"})])
    (entry,) = find_cases(files)
    assert entry.read().study.geometry.spacing_xyz_mm[2] == 9.5


def test_the_checksum_follows_files_row_and_coding(files: Path) -> None:
    write_generic(files, [generic_row("p1")])
    (entry,) = find_cases(files)
    before = entry.read().source_sha256()
    assert entry.read().source_sha256() == before
    write_generic(files, [generic_row("p1", {"group": "HCM"})])
    assert find_cases(files)[0].read().source_sha256() != before
    write_generic(files, [generic_row("p1", two_images("p1"))])
    assert find_cases(files)[0].read().source_sha256() != before


NO_FRAMES = {"ed_frame": "", "es_frame": ""}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image": "p1/none.nii.gz"}, "none.nii.gz does not exist"),
        ({"image": "/p1/cine.nii.gz"}, "expected a path within the folder"),
        ({"mask": "../p1/mask.nii.gz"}, "expected a path within the folder"),
        ({"image": ""}, "no image given; expected either `image` (4D) or `ed_image` and `es_image`"),
        ({"ed_image": "p1/ED.nii.gz"}, "ed_image, image given; expected either"),
        ({"mask": "", "ed_mask": "p1/ED_mask.nii.gz"}, "ed_mask given; expected either `mask` (4D)"),
        (NO_FRAMES, "frames given: none"),
        (two_images("p1") | {"ed_mask": "", "es_mask": "", "mask": "p1/mask.nii.gz"}, "`mask` (4D) given beside two images"),
        (two_images("p1") | {"es_mask": "p1/short_mask.nii.gz"}, "does not lie on the grid"),
        (two_images("p1") | {"es_mask": "p1/our_coding.nii.gz"}, "holds the values [1, 3]; expected 0 background, 5 RV"),
        (two_images("p1") | {"es_mask": "p1/mask.nii.gz"}, "has 6 frames; expected the mask of ES alone"),
        (two_images("p1") | {"es_image": "p1/thin.nii.gz"}, "lie on different grids"),
        (two_images("p1") | {"ed_frame": "1"}, "frames given: ed_frame"),
        ({"ed_frame": "0"}, "ed_frame is '0'; expected a frame number counted from 1"),
        ({"ed_frame": "1"}, "is empty in frame 1 (counted from 1), which is to be ED; frames with labels: 2, 5"),
        ({"es_frame": "7"}, "ES is frame 7"),
        ({"group": "ARV"}, "group is 'ARV'; expected one of NOR, MINF, DCM, HCM, RV"),
        ({"sex": "male"}, "sex is 'male'; expected one of M, F"),
        ({"height_cm": "1.8"}, "height_cm is 1.8; expected 30 to 260"),
        ({"weight_kg": "80 kg"}, "weight_kg is '80 kg'; expected a number"),
    ],
)
def test_a_bad_row_is_refused_with_the_reason(files: Path, change: dict[str, str], words: str) -> None:
    write_generic(files, [generic_row("p1", change)])
    (entry,) = find_cases(files)
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        entry.read()
    assert "\n" not in str(caught.value)


def test_bad_cases_are_named_and_the_others_cached(files: Path, tmp_path: Path) -> None:
    rows = [generic_row("p1"), generic_row("p1", {"case": "p9", "group": "?"})]
    twice = [generic_row("p1", {"case": "p2"})] * 2
    unusable = [generic_row("p1", {"case": name}) for name in ("", "a/b")]
    write_generic(files, [*rows, *twice, *unusable])
    done, failed = prepare(files, tmp_path / "cache")
    assert done == ["p1"]
    assert set(failed) == {"p9", "p2", "unnamed-5", "a/b"}
    assert "occurs more than once" in failed["p2"]
    assert "cannot name a file" in failed["a/b"]
    assert load_cases(tmp_path / "cache")[0].group is Group.DCM


def test_a_wrong_coding_is_refused_with_the_one_that_fits(files: Path, tmp_path: Path) -> None:
    swapped = {"RV": OTHER_CODING["LV"], "LV": OTHER_CODING["RV"], "MYOCARDIUM": OTHER_CODING["MYOCARDIUM"]}
    write_generic(files, [generic_row("p1")], swapped)
    (entry,) = find_cases(files)
    with pytest.raises(InputError, match="as with 5 RV, 7 myocardium, 2 LV"):
        entry.read()
    with pytest.raises(InputError, match="no usable patient"):
        prepare(files, tmp_path / "cache")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("case,image,patient\np1,a,b\n", "has the column 'patient'; expected columns among case, image, "),
        ("case;image;mask\np1;a;b\n", "has the column 'case;image;mask'"),
        ("image,mask\na,b\n", "has no column 'case'"),
        ("case,image,image\np1,a,b\n", "more than one column 'image'"),
        ("case,image\np1,a,b\n", "row 2 of .* has 3 cells; expected 2"),
        ('case,image\np1,"a\n', "cannot be read"),
        ("", "has no column 'case'"),
        ("case,image\n,\n", "no usable patient"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, text: str, words: str) -> None:
    write_generic(tmp_path, [generic_row("p1")])
    (tmp_path / "cases.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        find_cases(tmp_path)


def test_a_table_saved_by_a_spreadsheet_is_read(files: Path) -> None:
    path = write_generic(files, [generic_row("p1")])
    text = path.read_text(encoding="utf-8")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() + b",,,,,,,,\r\n")
    assert [entry.name for entry in find_cases(files)] == ["p1"]


def test_a_coding_must_be_declared(tmp_path: Path) -> None:
    write_generic(tmp_path, [generic_row("p1")])
    (tmp_path / "labels.json").unlink()
    with pytest.raises(InputError, match=r"labels\.json cannot be read .*expected the label coding"):
        find_cases(tmp_path)


def test_a_folder_of_two_layouts_needs_the_choice(tmp_path: Path) -> None:
    write_acdc_folder(tmp_path, "patient001")
    assert layout_of(tmp_path) is Layout.ACDC
    write_generic(tmp_path, [generic_row("p1")])
    with pytest.raises(InputError, match="fits the layouts acdc, generic; expected one; choose with --layout"):
        find_cases(tmp_path)
    assert [entry.name for entry in find_cases(tmp_path, Layout.ACDC)] == ["patient001"]
    assert [entry.name for entry in find_cases(tmp_path, Layout.GENERIC)] == ["p1"]


@pytest.mark.parametrize("layout", Layout)
def test_a_folder_without_patients_of_the_layout_is_refused(tmp_path: Path, layout: Layout) -> None:
    with pytest.raises(InputError, match=r"no usable patient in .*; expected"):
        find_cases(tmp_path, layout)
    with pytest.raises(InputError, match=r"no usable patient in .*; expected"):
        find_cases(tmp_path / "nowhere", layout)


@pytest.mark.parametrize("layout", ["auto", *Layout])
def test_the_command_takes_every_layout(layout: str, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_generic(files, [generic_row("p1"), generic_row("p2", {"image": ""})])
    arguments = ["prepare", "--data", str(files), "--out", str(tmp_path / "cache"), "--layout", layout]
    expected = 0 if layout in ("auto", "generic") else 2
    assert main(arguments) == expected
    said = capsys.readouterr()
    if expected == 0:
        assert said.out.startswith(f"1 patients cached in {tmp_path / 'cache'}, 1 left out\n  p2: no image given")
    else:
        assert "no usable patient" in said.err


def columns_documented(text: str) -> Sequence[str]:
    """Names in the first cells of the tables of a document."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [name for cell in rows for name in re.findall(r"`(\w+)`", cell)]


def test_every_column_is_documented() -> None:
    assert set(columns_documented(DOCUMENT.read_text(encoding="utf-8"))) == set(COLUMNS)


def test_other_layouts_do_not_hide_in_a_folder_of_mnms(tmp_path: Path) -> None:
    write_mnms(tmp_path, {"A0S9V9": {}})
    assert layout_of(tmp_path) is Layout.MNMS
