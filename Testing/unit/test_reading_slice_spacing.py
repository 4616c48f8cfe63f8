from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.errors import GeometryError, UsageError
from CardiacMTLLib.reading import read_phases, read_study

VOXELS = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def stack(path: Path, spacing: tuple[float, ...], voxels: np.ndarray = VOXELS) -> Path:
    image = sitk.GetImageFromArray(voxels, isVector=False)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.robustness(8)
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.4, 1.4, 1.0), (1.4, 1.3, 1.0), (0.7, 0.7, 1.0), (1.9, 1.9, 1.0)])
def test_a_slice_spacing_of_one_by_default_is_refused_and_never_guessed(
    spacing: tuple[float, float, float], suffix: str, tmp_path: Path
) -> None:
    path = stack(tmp_path / f"stack{suffix}", spacing)
    with pytest.raises(GeometryError, match="--slice-spacing-mm") as caught:
        read_study(path)
    assert str(path) in str(caught.value)


@pytest.mark.robustness(8)
@pytest.mark.parametrize("spacing", [(1.4, 1.3, 1.0), (0.7, 0.8, 1.0)])
def test_a_default_is_told_in_every_axis_order(spacing: tuple[float, ...], tmp_path: Path) -> None:
    for number, axes in enumerate(permutations(range(3))):
        path = stack(
            tmp_path / f"{number}.nrrd", [spacing[axis] for axis in axes], VOXELS.transpose([2 - a for a in axes][::-1])
        )
        with pytest.raises(GeometryError, match="--slice-spacing-mm"):
            read_study(path)
        study = read_study(path, slice_spacing_mm=8.0)
        assert study.geometry.spacing_xyz_mm[2] == 8.0
        assert study.geometry.size_xyz[2] == 4


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 8.0), (1.0, 8.0, 1.0), (8.0, 1.0, 1.0), (1.0, 1.2, 6.0), (1.4, 1.4, 2.0)])
def test_pixels_of_one_millimetre_are_no_sign_of_a_default(spacing: tuple[float, float, float], tmp_path: Path) -> None:
    assert read_study(stack(tmp_path / "stack.nrrd", spacing)).geometry.spacing_xyz_mm[2] == max(spacing)


def test_the_given_slice_spacing_counts_in_the_volumes_but_not_in_the_files_grid(tmp_path: Path) -> None:
    study = read_study(stack(tmp_path / "stack.nrrd", (1.4, 1.3, 1.0)), slice_spacing_mm=8.0)
    assert study.geometry.voxel_volume_ml == pytest.approx(1.4 * 1.3 * 8.0 / 1000)
    assert study.stored.geometry.spacing_xyz_mm == (1.4, 1.3, 1.0)
    assert study.warnings == ()


def test_a_given_slice_spacing_that_contradicts_the_file_is_taken_with_a_warning(tmp_path: Path) -> None:
    study = read_study(stack(tmp_path / "stack.nrrd", (1.4, 1.4, 10.0)), slice_spacing_mm=8.0)
    assert study.geometry.spacing_xyz_mm == (1.4, 1.4, 8.0)
    assert study.warnings == ("The file's slice spacing of 10 mm was replaced by the given 8 mm.",)


def test_the_given_slice_spacing_serves_both_phases(tmp_path: Path) -> None:
    ed, es = (stack(tmp_path / name, (1.4, 1.4, 1.0)) for name in ("ed.nrrd", "es.nrrd"))
    assert read_phases(ed, es, slice_spacing_mm=9.0).geometry.spacing_xyz_mm == (1.4, 1.4, 9.0)


@pytest.mark.parametrize("spacing", [0.0, -8.0, float("nan"), float("inf")])
def test_a_given_slice_spacing_that_is_no_distance_is_refused(spacing: float, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="slice spacing is"):
        read_study(stack(tmp_path / "stack.nrrd", (1.4, 1.4, 8.0)), slice_spacing_mm=spacing)


@pytest.mark.robustness(14)
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_single_slice_is_read_whatever_its_thickness(axis: int, frames: int, tmp_path: Path) -> None:
    shape = [5, 6, 7]
    shape[2 - axis] = 1
    voxels = np.arange(frames * np.prod(shape), dtype=np.int16).reshape(frames, *shape)
    image = voxels if frames > 1 else voxels[0]
    study = read_study(stack(tmp_path / "slice.nrrd", (1.4, 1.3, 1.0, 0.04)[: image.ndim], image))
    assert study.frames.shape[:2] == (frames, 1)
    assert (study.in_file_axes(study.frames) == voxels).all()


@pytest.mark.robustness(19)
@pytest.mark.parametrize("shape", [(10, 16, 16), (3, 17, 31), (2, 512, 512), (2, 1, 1)])
def test_any_matrix_size_is_read_as_it_is(shape: tuple[int, int, int], tmp_path: Path) -> None:
    voxels = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    assert (read_study(stack(tmp_path / "stack.nii.gz", (1.4, 1.4, 8.0), voxels)).frames[0] == voxels).all()
