"""Phantom studies: masks against the analytic truth, images like the tissues they show, files like a scanner's."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.errors import GeometryError, OutputError, UsageError
from CardiacMTLLib.labels import Group, Label, Phase
from CardiacMTLLib.phantom import (
    SHORT_AXIS_DIRECTION,
    HeartShape,
    PhantomGrid,
    PhantomStudy,
    anatomy_of,
    make_phantom,
    write_phantom,
)
from CardiacMTLLib.volume import Mask

STRUCTURES = (Label.LV, Label.MYOCARDIUM, Label.RV)
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
SMALL = PhantomGrid(size_xyz=(72, 72, 13), spacing_xyz_mm=(3.0, 3.0, 8.0))


@pytest.fixture(scope="module", params=Group, ids=str)
def two_frames(request: pytest.FixtureRequest) -> PhantomStudy:
    return make_phantom(anatomy_of(request.param), n_frames=2)


@pytest.fixture(scope="module")
def small() -> PhantomStudy:
    return make_phantom(anatomy_of(Group.NOR), SMALL, n_frames=2)


def counted_ml(mask: Mask, label: Label, voxel_ml: float) -> float:
    return int((mask == label).sum()) * voxel_ml


def truth_ml(shape: HeartShape, label: Label) -> float:
    return {Label.LV: shape.lv_ml, Label.MYOCARDIUM: shape.myocardium_ml, Label.RV: shape.rv_ml}[label]


def base_area_mm2(shape: HeartShape, label: Label) -> float:
    lv, epi = (np.pi * radius**2 for radius in (shape.lv_radius_mm, shape.epi_radius_mm))
    return float({Label.LV: lv, Label.MYOCARDIUM: epi - lv, Label.RV: shape.rv_base_area_mm2}[label])


def test_counted_volumes_are_the_analytic_ones_within_one_percent(two_frames: PhantomStudy) -> None:
    voxel_ml = two_frames.study.geometry.voxel_volume_ml
    for mask, shape in zip(two_frames.masks, two_frames.shapes, strict=True):
        for label in STRUCTURES:
            assert counted_ml(mask, label, voxel_ml) == pytest.approx(truth_ml(shape, label), rel=0.01)


def test_counted_ejection_fractions_are_those_of_the_anatomy(two_frames: PhantomStudy) -> None:
    for label, truth in ((Label.LV, two_frames.anatomy.lv_ef_percent), (Label.RV, two_frames.anatomy.rv_ef_percent)):
        ed, es = (int((mask == label).sum()) for mask in two_frames.masks)
        assert 100 * (1 - es / ed) == pytest.approx(truth, abs=0.5)


def test_the_error_of_volumes_is_bounded_by_half_a_slice_and_shrinks_with_it() -> None:
    anatomy = anatomy_of(Group.NOR)
    worst = []
    for distance_mm in (12.0, 6.0, 3.0):
        errors = []
        for share in (0.1, 0.6):
            n_slices = round(120 / distance_mm)
            grid = replace(
                SMALL,
                size_xyz=(72, 72, n_slices),
                spacing_xyz_mm=(3.0, 3.0, distance_mm),
                above_base_mm=12.0 + share * distance_mm,
            )
            phantom = make_phantom(anatomy, grid, n_frames=1)
            for label in STRUCTURES:
                truth = truth_ml(anatomy.ed, label)
                error_ml = abs(counted_ml(phantom.masks[0], label, phantom.study.geometry.voxel_volume_ml) - truth)
                assert error_ml <= distance_mm / 2 * base_area_mm2(anatomy.ed, label) / 1000 + 0.02 * truth
                errors.append(error_ml)
        worst.append(max(errors))
    assert all(finer < 0.7 * coarser for coarser, finer in pairwise(worst))


def test_masks_hold_the_four_labels_and_the_outermost_slices_none(two_frames: PhantomStudy) -> None:
    assert set(np.unique(two_frames.masks)) == {int(label) for label in Label}
    assert not two_frames.masks[:, [0, -1]].any()
    assert two_frames.masks[0, 1:-1].any(axis=(1, 2)).all()


def test_the_cavity_is_wrapped_in_wall_and_the_right_ventricle_lies_outside(two_frames: PhantomStudy) -> None:
    for mask in two_frames.masks:
        cavity = mask == Label.LV
        for axis in (1, 2):
            for step in (-1, 1):
                beside = np.roll(mask, step, axis=axis)
                assert np.isin(beside[cavity], (Label.LV, Label.MYOCARDIUM)).all()
        x = np.arange(mask.shape[2])
        assert (x * (mask == Label.RV)).sum() / (mask == Label.RV).sum() < (x * cavity).sum() / cavity.sum()


def test_every_frame_of_the_cycle_follows_its_shape() -> None:
    phantom = make_phantom(anatomy_of(Group.DCM), replace(SMALL, size_xyz=(72, 72, 14)), n_frames=12)
    volumes = [counted_ml(mask, Label.LV, phantom.study.geometry.voxel_volume_ml) for mask in phantom.masks]
    assert int(np.argmax(volumes)) == phantom.study.ed_frame == phantom.study.frame_of(Phase.ED)
    assert int(np.argmin(volumes)) == phantom.study.es_frame == phantom.study.frame_of(Phase.ES)
    for volume_ml, shape in zip(volumes, phantom.shapes, strict=True):
        assert volume_ml == pytest.approx(shape.lv_ml, abs=4 * base_area_mm2(shape, Label.LV) / 1000 + 0.02 * shape.lv_ml)


def test_the_study_carries_times_patient_and_whole_grey_values(small: PhantomStudy) -> None:
    study = small.study
    assert study.frames.dtype == np.int16
    assert small.masks.dtype == np.uint8
    assert small.masks.shape == study.frames.shape
    assert study.patient == anatomy_of(Group.NOR).patient
    assert study.frame_times_ms == pytest.approx((0.0, 0.38 * 60000 / 68.0))


def test_tissues_are_as_bright_as_balanced_cine_shows_them(two_frames: PhantomStudy) -> None:
    for frame, mask in zip(two_frames.study.frames, two_frames.masks, strict=True):
        left, right, wall = (float(np.median(frame[mask == label])) for label in (Label.LV, Label.RV, Label.MYOCARDIUM))
        # 45 to 60 mm to the right of the heart's axis and 20 to 60 mm above it
        lung = float(np.median(frame[2:-2, 62:89, 135:145]))
        assert left > right > 1.5 * wall > 1.5 * 1.5 * lung
        assert 0.3 < wall / left < 0.55
        assert 0.7 < right / left < 0.95


def test_noise_and_bias_are_what_was_asked_for() -> None:
    anatomy = anatomy_of(Group.NOR)
    clean = make_phantom(anatomy, SMALL, n_frames=1, noise_fraction=0.0, bias_fraction=0.0).study.frames.astype(float)
    noisy = make_phantom(anatomy, SMALL, n_frames=1, noise_fraction=0.05, bias_fraction=0.0).study.frames.astype(float)
    biased = make_phantom(anatomy, SMALL, n_frames=1, noise_fraction=0.0, bias_fraction=0.4).study.frames.astype(float)
    bright = clean > 300
    assert (noisy - clean)[bright].std() == pytest.approx(0.05 * 500, rel=0.1)
    gain = np.where(bright, biased / np.maximum(clean, 1), np.nan)
    assert np.nanmean(gain[..., :24]) > 1.1
    assert np.nanmean(gain[..., -24:]) < 0.95


def test_a_seed_decides_texture_and_noise_but_not_the_truth(small: PhantomStudy) -> None:
    again = make_phantom(anatomy_of(Group.NOR), SMALL, n_frames=2)
    other = make_phantom(anatomy_of(Group.NOR), SMALL, n_frames=2, seed=1)
    assert np.array_equal(again.study.frames, small.study.frames)
    assert not np.array_equal(other.study.frames, small.study.frames)
    assert np.array_equal(other.masks, small.masks)


@pytest.mark.parametrize(
    "direction",
    [
        pytest.param(IDENTITY, id="no orientation"),
        pytest.param((1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0), id="coronal"),
        pytest.param(tuple((np.reshape(SHORT_AXIS_DIRECTION, (3, 3)) * [1, -1, -1]).ravel()), id="base first"),
        pytest.param(tuple((np.reshape(SHORT_AXIS_DIRECTION, (3, 3)) * [1, 1, -1]).ravel()), id="left-handed"),
        pytest.param(tuple(np.reshape(SHORT_AXIS_DIRECTION, (3, 3))[:, [1, 0, 2]].ravel()), id="rows and columns exchanged"),
    ],
)
def test_the_orientation_of_the_file_does_not_change_the_study(small: PhantomStudy, direction: tuple[float, ...]) -> None:
    turned = make_phantom(anatomy_of(Group.NOR), replace(SMALL, direction=direction, origin_xyz_mm=(5.0, 6.0, 7.0)), n_frames=2)
    assert np.array_equal(turned.study.frames, small.study.frames)
    assert np.array_equal(turned.masks, small.masks)
    stored = turned.study.stored
    assert stored.geometry.direction == direction
    assert stored.order.geometry(stored.geometry).matches(turned.study.geometry)
    assert not turned.study.geometry.is_left_handed


def test_the_default_grid_is_an_oblique_right_handed_stack_already_in_standard_axes() -> None:
    grid = PhantomGrid.covering(anatomy_of(Group.NOR))
    coarse = replace(grid, size_xyz=(40, 40, 13), spacing_xyz_mm=(5.0, 5.0, 8.0))
    phantom = make_phantom(anatomy_of(Group.NOR), coarse, n_frames=1)
    assert phantom.study.geometry == phantom.study.stored.geometry
    assert not phantom.study.geometry.is_left_handed
    assert np.abs(phantom.study.geometry.direction_matrix).max() < 0.9


@pytest.mark.parametrize("distance_mm", [6.0, 8.0, 10.0])
def test_the_covering_grid_reaches_one_slice_beyond_apex_and_base(distance_mm: float) -> None:
    anatomy = anatomy_of(Group.HCM)
    grid = PhantomGrid.covering(anatomy, distance_mm)
    coarse = replace(grid, size_xyz=(60, 60, grid.size_xyz[2]), spacing_xyz_mm=(4.0, 4.0, distance_mm))
    filled = make_phantom(anatomy, coarse, n_frames=1).masks[0].any(axis=(1, 2))
    assert filled[1:-1].sum() >= len(filled) - 3
    assert not filled[0]
    assert not filled[-1]


def test_a_written_phantom_is_read_back_voxel_by_voxel(tmp_path: Path) -> None:
    grid = replace(SMALL, size_xyz=(60, 48, 12), spacing_xyz_mm=(3.0, 4.0, 8.0))
    grid = replace(grid, direction=tuple((np.reshape(SHORT_AXIS_DIRECTION, (3, 3)) * [1, -1, -1]).ravel()))
    phantom = make_phantom(anatomy_of(Group.HCM), grid, n_frames=4)
    path = tmp_path / "cine.nii.gz"
    write_phantom(phantom, path)
    image = sitk.ReadImage(str(path))
    assert image.GetSize() == (60, 48, 12, 4)
    heart_rate = phantom.anatomy.patient.heart_rate_bpm
    assert heart_rate is not None
    assert image.GetSpacing() == pytest.approx((3.0, 4.0, 8.0, 60 / heart_rate / 4), rel=1e-5)
    assert np.reshape(image.GetDirection(), (4, 4))[:3, :3].ravel() == pytest.approx(np.array(grid.direction), abs=1e-5)
    assert image.GetOrigin()[:3] == pytest.approx(grid.origin_xyz_mm, abs=1e-3)
    in_standard_axes = phantom.study.stored.order.apply(sitk.GetArrayFromImage(image))
    assert np.array_equal(in_standard_axes, phantom.study.frames)


def test_a_phantom_of_one_frame_is_written_as_a_volume(tmp_path: Path) -> None:
    phantom = make_phantom(anatomy_of(Group.NOR), SMALL, n_frames=1)
    assert phantom.study.es_frame is None
    write_phantom(phantom, tmp_path / "ed.nii.gz")
    assert sitk.ReadImage(str(tmp_path / "ed.nii.gz")).GetDimension() == 3


def test_what_cannot_be_made_or_written_is_refused(small: PhantomStudy, tmp_path: Path) -> None:
    anatomy = anatomy_of(Group.NOR)
    with pytest.raises(UsageError, match="at least one frame"):
        make_phantom(anatomy, SMALL, n_frames=0)
    with pytest.raises(UsageError, match="not negative"):
        make_phantom(anatomy, SMALL, n_frames=1, noise_fraction=-0.1)
    with pytest.raises(GeometryError, match="spacing"):
        make_phantom(anatomy, replace(SMALL, spacing_xyz_mm=(0.0, 1.0, 1.0)), n_frames=1)
    with pytest.raises(OutputError, match="not written"):
        write_phantom(small, tmp_path / "missing" / "cine.nii.gz")
