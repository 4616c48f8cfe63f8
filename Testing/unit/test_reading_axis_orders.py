"""One study, stored in all 48 axis orders, oblique and left-handed, through real files."""

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.reading import read_study
from CardiacMTLLib.report.segmentation_file import write_mask

ORDERS = [(axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)]
SHORT_AXIS = np.linalg.qr(np.array([[0.7, 0.4, -0.6], [0.5, 0.3, 0.6], [-0.5, 0.9, 0.5]]))[0]
DIRECTIONS = {
    "axial": np.eye(3),
    "short-axis": SHORT_AXIS,
    "left-handed short-axis": SHORT_AXIS * [1, 1, -1],
    "in-plane axes equally far to the left": np.array([[1, 1, 0], [1, -1, 0], [0, 0, -np.sqrt(2)]]) / np.sqrt(2),
}
SPACING = np.array([1.3, 1.6, 8.0])
ORIGIN = np.array([-31.0, 42.0, 17.0])
VOXELS = np.random.default_rng(7).integers(0, 500, (4, 5, 6)).astype(np.int16)


def stored(direction: np.ndarray, axes: tuple[int, ...], flips: tuple[bool, ...]) -> sitk.Image:
    """The study with its array rearranged and its header changed so that every voxel stays in its place."""
    array = VOXELS.transpose([2 - axis for axis in axes][::-1])
    size = [VOXELS.shape[2 - axis] for axis in axes]
    columns = [direction[:, axis] for axis in axes]
    origin = ORIGIN.copy()
    for position, flip in enumerate(flips):
        if flip:
            array = np.flip(array, 2 - position)
            origin = origin + columns[position] * SPACING[axes[position]] * (size[position] - 1)
            columns[position] = -columns[position]
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing([SPACING[axis] for axis in axes])
    image.SetOrigin(origin)
    image.SetDirection(np.column_stack(columns).ravel())
    return image


@pytest.mark.robustness(4)
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS.keys())
def test_all_48_axis_orders_give_one_study_and_masks_at_one_place(direction: np.ndarray, suffix: str, tmp_path: Path) -> None:
    expected = None
    for axes, flips in ORDERS:
        file, mask_file = tmp_path / f"study{suffix}", tmp_path / "mask.nii.gz"
        sitk.WriteImage(stored(direction, axes, flips), str(file))
        study = read_study(file)
        expected = expected or study

        assert (study.frames == expected.frames).all(), (axes, flips)
        assert study.geometry.matches(expected.geometry, tolerance_mm=1e-4), (axes, flips)
        assert study.geometry.voxel_volume_ml == pytest.approx(SPACING.prod() / 1000, rel=1e-6)
        assert not study.geometry.is_left_handed
        assert not study.warnings

        write_mask((study.frames[0] > 400).astype(np.uint8), study, mask_file)
        image, mask = sitk.ReadImage(str(file)), sitk.ReadImage(str(mask_file))
        assert (sitk.GetArrayFromImage(mask) == (sitk.GetArrayFromImage(image) > 400)).all(), (axes, flips)
        np.testing.assert_allclose(mask.GetDirection(), image.GetDirection(), atol=1e-7)
        np.testing.assert_allclose(mask.GetOrigin(), image.GetOrigin(), atol=1e-4)
        np.testing.assert_allclose(mask.GetSpacing(), image.GetSpacing(), rtol=1e-6)


@pytest.mark.robustness(5)
@pytest.mark.parametrize("direction", DIRECTIONS.values(), ids=DIRECTIONS.keys())
def test_a_voxel_of_the_study_lies_where_the_file_puts_it(direction: np.ndarray, tmp_path: Path) -> None:
    sitk.WriteImage(stored(direction, (1, 2, 0), (True, False, False)), str(tmp_path / "study.nrrd"))
    study, image = read_study(tmp_path / "study.nrrd"), sitk.ReadImage(str(tmp_path / "study.nrrd"))
    z, y, x = (int(index) for index in np.argwhere(study.frames[0] == study.frames[0].max())[0])
    k, j, i = (int(index) for index in np.argwhere(sitk.GetArrayFromImage(image) == study.frames[0].max())[0])
    in_study = study.geometry.index_to_lps @ [x, y, z, 1.0]
    np.testing.assert_allclose(in_study[:3], image.TransformIndexToPhysicalPoint((i, j, k)), atol=1e-9)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"])
def test_a_cine_keeps_its_frames_in_order_in_every_format(suffix: str, tmp_path: Path) -> None:
    frames = np.stack([VOXELS + 1000 * t for t in range(3)])
    image = sitk.GetImageFromArray(frames, isVector=False)
    image.SetSpacing((*SPACING, 0.04))
    direction = np.eye(4)
    direction[:3, :3] = SHORT_AXIS
    image.SetDirection(direction.ravel())
    sitk.WriteImage(image, str(tmp_path / f"cine{suffix}"))
    study = read_study(tmp_path / f"cine{suffix}", ed_frame=0, es_frame=2)
    assert (study.ed_frame, study.es_frame) == (0, 2)
    assert (study.in_file_axes(study.frames) == frames).all()
