"""The fixed changes do what they say to images, grid and masks, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import STRUCTURES, Phase
from CardiacMTLLib.phantom import SHORT_AXIS_DIRECTION
from CardiacMTLLib.volume import CineStudy, StoredGrid
from CardiacMTLTraining.evaluation.overlap import dice
from CardiacMTLTraining.stress.changes import CHANGES, MAX_LABELS_CHANGED, chosen_changes, generator_of
from CardiacMTLTraining.stress.grids import coarser, coarser_mask, every_second_slice, turned
from CardiacMTLTraining.stress.intensity import bias_field, biased, gamma_changed, noisy, stretched
from Testing.unit.hearts import ED_HEART, ES_HEART, study_of

GEOMETRY = Geometry((96, 80, 9), (1.4, 1.6, 10.0), SHORT_AXIS_DIRECTION, (-30.0, 20.0, 5.0))
MASKS = np.stack([heart.mask(GEOMETRY) for heart in (ED_HEART, ES_HEART)])
FRAMES = (100 + 100 * MASKS + np.random.default_rng(0).integers(0, 90, MASKS.shape)).astype(np.int16)
IN_FILE = AxisOrder((1, 0, 2), (False, True, True))
STORED = StoredGrid(IN_FILE.inverse.geometry(GEOMETRY), IN_FILE)
STUDY = CineStudy(FRAMES, GEOMETRY, STORED, (0.0, 300.0), ed_frame=0, es_frame=1)


def made(name: str, study: CineStudy = STUDY) -> CineStudy:
    return CHANGES[name].study(study, generator_of("p", name))


def middle_mm(geometry: Geometry) -> np.ndarray:
    return (geometry.index_to_lps @ [*((size - 1) / 2 for size in geometry.size_xyz), 1])[:3]


def test_the_set_is_the_stated_one():
    assert {name: change.max_fall for name, change in CHANGES.items()} == {
        "gamma_0.6": 0.02,
        "gamma_1.6": 0.02,
        "bias_field": 0.02,
        "noise": 0.02,
        "coarse_pixels": 0.02,
        "slice_distance": 0.04,
        "contrast": 0.02,
        "turn_90": 0.02,
        "turn_180": 0.02,
        "turn_270": 0.02,
    }
    assert MAX_LABELS_CHANGED == 0.05


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_gives_another_study_with_masks_on_its_grid_and_leaves_the_old_one(name):
    before = STUDY.frames.copy()
    changed = made(name)
    assert (STUDY.frames == before).all()
    assert changed.frames.shape != before.shape or (changed.frames != before).any()
    assert (changed.ed_frame, changed.es_frame, changed.patient) == (0, 1, STUDY.patient)
    assert changed.frame_times_ms == STUDY.frame_times_ms
    mask = CHANGES[name].mask(MASKS[0], GEOMETRY)
    assert mask.shape == changed.geometry.shape_zyx
    assert mask.dtype == np.uint8
    assert changed.stored.order.geometry(changed.stored.geometry).matches(changed.geometry)
    assert changed.in_file_axes(mask).shape == changed.stored.geometry.shape_zyx


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_the_same_each_time(name):
    assert (made(name).frames == made(name).frames).all()


@pytest.mark.parametrize("name", ["gamma_0.6", "gamma_1.6", "bias_field", "noise", "contrast"])
def test_changes_of_intensity_keep_grid_and_masks(name):
    assert made(name).geometry == GEOMETRY
    assert (CHANGES[name].mask(MASKS[0], GEOMETRY) == MASKS[0]).all()


@pytest.mark.parametrize("exponent", [0.6, 1.6])
def test_gamma_keeps_the_order_the_minimum_and_the_99th_percentile(exponent):
    frames = gamma_changed(STUDY, exponent).frames
    order = np.argsort(FRAMES, axis=None, kind="stable")
    assert (np.diff(frames.ravel()[order]) >= 0).all()
    assert frames.min() == pytest.approx(FRAMES.min())
    assert np.percentile(frames, 99) == pytest.approx(np.percentile(FRAMES, 99), rel=1e-5)
    assert (np.median(frames) > np.median(FRAMES)) == (exponent < 1)


def test_gamma_leaves_an_image_without_signal_as_it_is():
    flat = replace(STUDY, frames=np.full_like(FRAMES, 7))
    assert gamma_changed(flat, 0.6) is flat


def test_the_bias_field_is_smooth_reaches_its_ends_and_differs_from_patient_to_patient():
    field = bias_field((80, 96), 0.4, generator_of("p", "bias_field"))
    assert (field.min(), field.max()) == pytest.approx((0.6, 1.4))
    assert max(np.abs(np.diff(field, axis=axis)).max() for axis in (0, 1)) < 0.8 * 2 * np.pi / 79
    assert not np.allclose(field, bias_field((80, 96), 0.4, generator_of("q", "bias_field")))
    np.testing.assert_allclose(biased(STUDY, 0.4, generator_of("p", "bias_field")).frames, FRAMES * field)


def test_noise_has_the_stated_sd_in_bright_and_in_dark_places_and_no_bias():
    noise = noisy(STUDY, 0.08, generator_of("p", "noise")).frames - FRAMES
    expected = 0.08 * np.percentile(FRAMES, 99)
    for place in (FRAMES > 250, FRAMES < 150):
        assert noise[place].std() == pytest.approx(expected, rel=0.05)
    assert abs(noise.mean()) < 0.02 * expected


def test_contrast_is_stretched_about_the_mean_and_cut_off_at_0():
    mean = FRAMES.mean()
    expected = np.maximum(mean + 1.5 * (FRAMES - mean), 0)
    np.testing.assert_allclose(stretched(STUDY, 1.5).frames, expected, rtol=1e-4, atol=1e-3)
    dark = stretched(replace(STUDY, frames=FRAMES - FRAMES.min()), 1.5).frames
    assert dark.min() == 0


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turns_that_make_a_whole_one_give_the_study_back(quarters):
    back = turned(turned(STUDY, quarters), 4 - quarters)
    assert (back.frames == FRAMES).all()
    assert back.geometry == GEOMETRY
    assert back.stored.geometry.matches(STORED.geometry)
    four = STUDY
    for _ in range(4):
        four = turned(four, quarters)
    assert (four.frames == FRAMES).all()
    assert four.geometry == GEOMETRY


def test_a_quarter_turn_brings_the_right_edge_to_the_top_and_swaps_size_and_spacing():
    once = turned(STUDY, 1)
    assert (once.frames[..., 0, :] == FRAMES[..., :, -1]).all()
    assert once.geometry == replace(GEOMETRY, size_xyz=(80, 96, 9), spacing_xyz_mm=(1.6, 1.4, 10.0))
    assert turned(STUDY, 2).geometry == GEOMETRY


@pytest.mark.parametrize("n_slices", [1, 2, 8, 9])
def test_every_second_slice_is_kept_as_it_is_from_the_first_one_twice_as_far_apart(n_slices):
    study = study_of(FRAMES[:, :n_slices], (1.4, 1.6, 10.0), ed_frame=0, es_frame=1)
    sparse = every_second_slice(study)
    assert (sparse.frames == study.frames[:, ::2]).all()
    assert sparse.geometry.spacing_xyz_mm == (1.4, 1.6, 20.0)
    assert sparse.geometry.origin_xyz_mm == study.geometry.origin_xyz_mm
    assert CHANGES["slice_distance"].mask(MASKS[0, :n_slices], study.geometry).shape == sparse.geometry.shape_zyx


@pytest.mark.parametrize("name", ["coarse_pixels", "turn_90", "turn_180", "turn_270"])
def test_changes_in_the_plane_keep_the_volumes_of_the_masks(name):
    mask, geometry = CHANGES[name].mask(MASKS[0], GEOMETRY), made(name).geometry
    for structure in STRUCTURES:
        volume_ml = (mask == structure).sum() * geometry.voxel_volume_ml
        assert volume_ml == pytest.approx((MASKS[0] == structure).sum() * GEOMETRY.voxel_volume_ml, rel=0.02)


def test_coarse_pixels_cover_the_same_place_and_their_mean_is_kept():
    coarse = coarser(STUDY, 2.2)
    assert coarse.geometry.spacing_xyz_mm == (2.2, 2.2, 10.0)
    assert coarse.geometry.size_xyz == (int(96 * 1.4 / 2.2), int(80 * 1.6 / 2.2), 9)
    assert middle_mm(coarse.geometry) == pytest.approx(middle_mm(GEOMETRY))
    inside = (..., slice(5, -5), slice(5, -5))
    assert coarse.frames[inside].mean() == pytest.approx(FRAMES[inside].mean(), rel=0.02)


def test_coarse_pixels_do_not_alias():
    stripes = np.broadcast_to(100.0 * (np.arange(96) % 2), (2, 9, 80, 96))
    coarse = coarser(replace(STUDY, frames=stripes), 2.2).frames[..., 3:-3, 3:-3]
    assert np.ptp(coarse) < 40
    assert coarse.mean() == pytest.approx(50, abs=1)


def test_a_ramp_stays_a_ramp_on_coarse_pixels_and_an_offset_stays_at_the_edge():
    x_mm = np.arange(96) * 1.4
    ramp = replace(STUDY, frames=np.broadcast_to(500 + x_mm, (2, 9, 80, 96)))
    coarse = coarser(ramp, 2.2).frames[0, 0]
    places_mm = middle_mm(Geometry((96, 1, 1), (1.4, 1.0, 1.0)))[0] + 2.2 * (np.arange(61) - 30)
    np.testing.assert_allclose(coarse[3, 1:-1], 500 + places_mm[1:-1], atol=0.15)
    assert coarse.min() >= 500


def test_an_axis_that_is_coarse_already_is_left_as_it_is():
    geometry = Geometry((41, 37, 2), (3.1, 1.1, 8.0))
    mask = np.random.default_rng(1).integers(0, 4, geometry.shape_zyx).astype(np.uint8)
    study = study_of(np.stack([mask, mask]), geometry.spacing_xyz_mm, ed_frame=0, es_frame=1)
    assert coarser(study, 2.2).geometry.spacing_xyz_mm == (3.1, 2.2, 8.0)
    assert coarser(study, 1.0).geometry == geometry
    np.testing.assert_allclose(coarser(study, 1.0).frames, study.frames, atol=1e-6)
    assert (coarser_mask(mask, geometry, 1.0) == mask).all()


def test_coarse_masks_are_where_the_coarse_images_show_them():
    shown = coarser(replace(STUDY, frames=(MASKS == 3).astype(np.float32)), 2.2).frames
    for frame, phase in enumerate(Phase):
        assert dice(shown[frame] > 0.5, coarser_mask(MASKS[frame], GEOMETRY, 2.2) == 3) > 0.99, phase


def test_changes_are_chosen_by_name_in_the_order_of_the_table():
    assert chosen_changes(None) == tuple(CHANGES)
    assert chosen_changes("turn_90, noise,noise") == ("noise", "turn_90")
    with pytest.raises(UsageError, match=r"'blur'.*gamma_0.6"):
        chosen_changes("noise,blur")
