"""`prepare` on a folder in ACDC's form: who is left out why, and what an interruption leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group
from CardiacMTLTraining import prepare as prepare_module
from CardiacMTLTraining.cache import INDEX_NAME, CachedCase, load_cases, save_case
from CardiacMTLTraining.prepare import STAGING_NAME, prepare
from Testing.acdc_folder import write_acdc_folder
from Testing.source_folders import generic_row, write_generic, write_generic_patient


def rewrite(path: Path, change: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
    """Put changed voxels in an image file."""
    image = sitk.ReadImage(str(path))
    changed = sitk.GetImageFromArray(change(sitk.GetArrayFromImage(image)))
    changed.CopyInformation(image)
    sitk.WriteImage(changed, str(path))


def test_bad_cases_are_named_and_the_others_cached(tmp_path: Path) -> None:
    data = write_acdc_folder(
        tmp_path / "data",
        *("patient001", "patient002", "patient004", "patient005", "patient006", "patient007", "patient009", "patient010"),
    )
    (data / "patient002" / "patient002_frame09_gt.nii.gz").unlink()
    broken = data / "patient004" / "patient004_frame01.nii.gz"
    broken.write_bytes(broken.read_bytes()[:500])
    info = data / "patient006" / "Info.cfg"
    info.write_text(info.read_text(encoding="utf-8").replace("DCM", "ABC"), encoding="utf-8")
    rewrite(data / "patient005" / "patient005_frame09_gt.nii.gz", np.zeros_like)
    rewrite(data / "patient007" / "patient007_frame01.nii.gz", np.ones_like)
    (data / "patient010" / "Info.cfg").unlink()
    done, failed = prepare(data, tmp_path / "cache")
    assert done == ["patient001", "patient009"]
    assert set(failed) == {"patient002", "patient004", "patient005", "patient006", "patient007", "patient010"}
    assert "masks of ED and ES" in failed["patient002"]
    assert "patient004_frame01.nii.gz" in failed["patient004"]
    assert "the ES mask is empty" in failed["patient005"]
    assert "'ABC'" in failed["patient006"]
    assert "no signal: all voxels of the ED frame around the heart are alike" in failed["patient007"]
    assert "no Info.cfg" in failed["patient010"]
    assert all("\n" not in reason for reason in failed.values())
    assert [case.name for case in load_cases(tmp_path / "cache")] == done


def test_the_patient_whose_images_are_in_acdcs_test_set_is_left_out_with_the_reason(tmp_path: Path) -> None:
    data = write_acdc_folder(tmp_path / "data", "patient005", "patient006")
    (data / "patient005").rename(data / "patient055")
    done, failed = prepare(data, tmp_path / "cache")
    assert done == ["patient006"]
    assert "test set" in failed["patient055"]


def test_another_layouts_patient_of_that_name_is_cached(tmp_path: Path) -> None:
    write_generic_patient(tmp_path / "data", "patient055")
    write_generic(tmp_path / "data", [generic_row("patient055")])
    assert prepare(tmp_path / "data", tmp_path / "cache") == (["patient055"], {})


def test_masks_coded_otherwise_than_acdc_are_refused_with_the_coding_they_fit(tmp_path: Path) -> None:
    data = write_acdc_folder(tmp_path / "data", "patient001", "patient002")
    for frame in ("01", "09"):
        rewrite(data / "patient002" / f"patient002_frame{frame}_gt.nii.gz", lambda mask: (4 - mask) % 4)
    done, failed = prepare(data, tmp_path / "cache")
    assert done == ["patient001"]
    assert "the ACDC layout declares 1 RV, 2 myocardium, 3 LV, but in the ED mask" in failed["patient002"]
    assert "as with 3 RV, 2 myocardium, 1 LV; declare this coding or recode the mask" in failed["patient002"]


def test_a_folder_of_bad_cases_alone_is_refused_and_nothing_made(tmp_path: Path) -> None:
    data = write_acdc_folder(tmp_path / "data", "patient001")
    (data / "patient001" / "patient001_frame01_gt.nii.gz").unlink()
    with pytest.raises(
        InputError, match=r"no usable patient in .*, where all 1 were left out, such as patient001: .*lacks masks"
    ):
        prepare(data, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_patients_is_refused_and_nothing_made(tmp_path: Path, exists: bool) -> None:
    data = tmp_path / "data"
    if exists:
        data.mkdir()
    with pytest.raises(InputError, match="no usable patient"):
        prepare(data, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_patients_of_an_earlier_cache_in_the_same_folder_are_not_loaded(tmp_path: Path) -> None:
    prepare(write_acdc_folder(tmp_path / "old", "patient001"), tmp_path / "cache")
    prepare(write_acdc_folder(tmp_path / "new", "patient006"), tmp_path / "cache")
    assert [case.name for case in load_cases(tmp_path / "cache")] == ["patient006"]


def test_an_interrupted_prepare_leaves_the_old_cache_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "cache"
    prepare(write_acdc_folder(tmp_path / "old", "patient001"), out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    new = write_acdc_folder(tmp_path / "new", "patient001", "patient002")
    (new / "patient001" / "Info.cfg").write_text("ED: 1\nES: 9\nGroup: DCM\n", encoding="utf-8")

    def save_one(case: CachedCase, folder: Path) -> None:
        if case.name == "patient002":
            raise KeyboardInterrupt
        save_case(case, folder)

    with monkeypatch.context() as patch:
        patch.setattr(prepare_module, "save_case", save_one)
        with pytest.raises(KeyboardInterrupt):
            prepare(new, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [case.group for case in load_cases(out)] == [Group.NOR]


def test_what_a_killed_prepare_left_is_thrown_away(tmp_path: Path) -> None:
    staging = tmp_path / "cache" / STAGING_NAME
    staging.mkdir(parents=True)
    (staging / "patient099.npz").write_bytes(b"half")
    with pytest.raises(InputError, match="no finished cache"):
        load_cases(tmp_path / "cache")
    prepare(write_acdc_folder(tmp_path / "data", "patient001"), tmp_path / "cache")
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [INDEX_NAME, "patient001.npz"]
