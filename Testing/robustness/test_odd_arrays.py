"""Arrays at the edge of what can be measured: one frame, slice or grey value, undefined voxels, odd types and sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.robustness.faulty_input import FRAMES, nifti, refused


@pytest.mark.robustness(13)
def test_one_frame_has_volumes_and_neither_ejection_fraction_nor_diagnosis(run, tmp_path: Path) -> None:
    outcome = run(nifti(tmp_path, FRAMES[:1]))
    assert outcome.value("lv_edv_ml") > 50
    assert outcome.value("lv_ef_percent") is None
    assert "the ES frame is not known" in outcome.reason("lv_ef_percent")
    assert "the ES frame is not known" in outcome.record["diagnosis"]["reason"]


@pytest.mark.robustness(14)
def test_one_slice_has_masks_and_no_volumes(run, tmp_path: Path) -> None:
    outcome = run(nifti(tmp_path, FRAMES[:, 4:5]), "--ed-frame", "1", "--es-frame", "2")
    assert outcome.status == 0
    assert "one slice" in outcome.reason("lv_edv_ml")
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "results" / "segmentation_ed.nii.gz"))).any()


@pytest.mark.robustness(15)
def test_a_constant_image_is_refused_as_without_signal(run, tmp_path: Path) -> None:
    assert refused(run(nifti(tmp_path, np.full_like(FRAMES, 7))), "no signal")


@pytest.mark.robustness(16)
def test_undefined_voxels_are_refused_with_their_count(run, tmp_path: Path) -> None:
    frames = FRAMES.astype(np.float32)
    frames[0, 0, 0, :3], frames[1, 2, 3, 4] = np.nan, np.inf
    assert refused(run(nifti(tmp_path, frames)), "4 voxels are NaN or infinite")


@pytest.mark.robustness(16)
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["cine.nii.gz", "cine.nrrd"])
def test_values_too_large_for_single_precision_are_refused_as_such(run, name: str, tmp_path: Path) -> None:
    frames = FRAMES.astype(np.float64)
    frames[0, 0, 0, :3] = 1e300
    assert refused(run(nifti(tmp_path, frames, name)), "3 voxels beyond 3.4e+38, the largest number of single precision")


@pytest.mark.robustness(17)
def test_values_of_any_type_and_scale_give_the_same_result(run, tmp_path: Path) -> None:
    expected = run(nifti(tmp_path), "--json").value("lv_edv_ml")
    for frames in (((FRAMES + 600) // 5).astype(np.uint8), FRAMES.astype(np.float64) / 3):
        assert run(nifti(tmp_path, frames), "--json").value("lv_edv_ml") == expected


@pytest.mark.robustness(19)
@pytest.mark.parametrize("size", [16, 17])
def test_a_tiny_or_odd_matrix_keeps_its_shape(run, size: int, tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 300, (2, 4, size, size), dtype=np.int16)
    outcome = run(nifti(tmp_path, frames, spacing=(12.0, 12.0, 25.0)), "--ed-frame", "1", "--es-frame", "2")
    assert outcome.status == 0
    assert sitk.ReadImage(str(tmp_path / "results" / "segmentation_ed.nii.gz")).GetSize() == (size, size, 4)
