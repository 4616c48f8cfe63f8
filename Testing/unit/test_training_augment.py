"""Augmentation: geometry that keeps images, labels and sizes true, and intensity that keeps images usable."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from CardiacMTLTraining.augment import (
    AugmentationConfiguration,
    Placement,
    change_intensity,
    elastic_field,
    plain_placement,
    random_placement,
    sample,
)

STRONG = AugmentationConfiguration(
    elastic_probability=1.0,
    gamma_probability=1.0,
    bias_probability=1.0,
    blur_probability=1.0,
    coarse_probability=1.0,
    noise_probability=1.0,
)
STILL = replace(
    STRONG,
    contrast=1.0,
    brightness=0.0,
    elastic_probability=0.0,
    gamma_probability=0.0,
    bias_probability=0.0,
    blur_probability=0.0,
    coarse_probability=0.0,
    noise_probability=0.0,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def centres(n: int) -> Tensor:
    return torch.tensor([[30.0, 20.0]]).repeat(n, 1)


def pictures(n: int = 4, seed: int = 3) -> Tensor:
    return torch.randn(n, 1, 32, 32, generator=generator(seed))


def ramps(n: int) -> Tensor:
    """(n, 2, 41, 61): the x and the y index of every sample, to read where a window was sampled."""
    y, x = torch.meshgrid(torch.arange(41.0), torch.arange(61.0), indexing="ij")
    return torch.stack((x, y)).expand(n, 2, 41, 61)


def test_a_plain_window_lies_about_its_centre_with_x_along_columns() -> None:
    seen = sample(ramps(1), plain_placement(centres(1), 2.0), 9, 2.0, None, nearest=False)[0]
    torch.testing.assert_close(seen[0], torch.arange(26.0, 35.0).expand(9, 9), atol=1e-4, rtol=0)
    torch.testing.assert_close(seen[1], torch.arange(16.0, 25.0)[:, None].expand(9, 9), atol=1e-4, rtol=0)


def test_a_window_is_sampled_where_its_affine_says() -> None:
    placement = random_placement(centres(3), 2.0, AugmentationConfiguration(shift_mm=4.0), generator(), shared=False)
    seen = sample(ramps(3), placement, 7, 2.0, None, nearest=False)
    corner_mm = torch.tensor([-6.0, 4.0, 1.0])
    expected_xy = placement.affine @ corner_mm
    torch.testing.assert_close(seen[:, :, 5, 0], expected_xy, atol=1e-3, rtol=0)


def test_a_displacement_is_in_millimetres_along_x_then_y() -> None:
    shift_mm = torch.tensor([2.0, -4.0]).expand(1, 9, 9, 2)
    plain = sample(ramps(1), plain_placement(centres(1), 2.0), 9, 2.0, None, nearest=False)
    moved = sample(ramps(1), plain_placement(centres(1), 2.0), 9, 2.0, shift_mm, nearest=False)
    torch.testing.assert_close(
        moved - plain, torch.tensor([1.0, -2.0])[None, :, None, None].expand(1, 2, 9, 9), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("shared", [True, False])
def test_placements_depend_on_the_generator_alone(shared: bool) -> None:
    first, same, other = (
        random_placement(centres(5), 1.5, STRONG, generator(seed), shared=shared).affine for seed in (1, 1, 2)
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("shared", [True, False])
def test_the_zoom_that_is_reported_is_the_factor_by_which_anatomy_appears_larger(shared: bool) -> None:
    placement = random_placement(centres(50), 1.5, STRONG, generator(), shared=shared)
    area_scale = torch.linalg.det(placement.affine[:, :, :2]).abs()
    torch.testing.assert_close(area_scale, 1 / (1.5 * placement.zoom) ** 2)
    assert placement.zoom.max() <= STRONG.scale * 1.0001
    assert placement.zoom.min() >= 0.9999 / STRONG.scale


def test_windows_are_turned_without_shear_and_half_of_them_mirrored() -> None:
    placement = random_placement(centres(200), 1.5, STRONG, generator(), shared=False)
    unit = placement.affine[:, :, :2] * 1.5 * placement.zoom[:, None, None]
    torch.testing.assert_close(unit @ unit.transpose(1, 2), torch.eye(2).expand(200, 2, 2), atol=1e-5, rtol=0)
    mirrored = int((torch.linalg.det(unit) < 0).sum())
    assert 70 < mirrored < 130
    angles = torch.atan2(unit[:, 1, 1], unit[:, 0, 1])
    assert angles.min() < -2.5
    assert angles.max() > 2.5


def test_windows_are_shifted_by_at_most_the_given_millimetres() -> None:
    for spacing_mm in (1.5, 3.0):
        placement = random_placement(centres(200), spacing_mm, replace(STRONG, shift_mm=12.0), generator(), shared=False)
        shift_mm = (placement.affine[:, :, 2] - centres(200)) * spacing_mm
        assert 11 < shift_mm.abs().max() <= 12.001


def test_the_slices_of_one_study_share_turn_zoom_and_nearly_the_shift() -> None:
    config = AugmentationConfiguration(shift_mm=30.0)
    shared = random_placement(centres(12), 1.5, config, generator(4), shared=True)
    assert torch.equal(shared.affine[:, :, :2], shared.affine[:1, :, :2].expand(12, 2, 2))
    assert torch.equal(shared.zoom, shared.zoom[:1].expand(12))
    spread_mm = (shared.affine[:, :, 2] * 1.5).std(dim=0)
    assert (spread_mm > 0.2).all()
    assert (spread_mm < 3).all()
    alone = random_placement(centres(12), 1.5, config, generator(4), shared=False)
    assert len(alone.zoom.unique()) == 12


@pytest.mark.parametrize("nearest", [True, False])
def test_beyond_its_source_an_image_repeats_its_border_and_a_mask_is_background(nearest: bool) -> None:
    source = torch.full((1, 1, 41, 61), 7.0)
    placement = plain_placement(torch.tensor([[0.0, 0.0]]), 2.0)
    seen = sample(source, placement, 21, 2.0, None, nearest=nearest)[0, 0]
    torch.testing.assert_close(seen[10:, 10:], torch.full((11, 11), 7.0))
    torch.testing.assert_close(seen[:10, :], torch.full((10, 21), 0.0 if nearest else 7.0))


def test_an_elastic_field_is_smooth_and_only_in_the_slices_that_are_drawn() -> None:
    assert (elastic_field(6, 32, STILL, generator()) == 0).all()
    field = elastic_field(6, 32, STRONG, generator())
    assert field.shape == (6, 32, 32, 2)
    assert 1.0 < field.std() < 8.0
    assert field.diff(dim=1).abs().max() < 4.0
    half = elastic_field(200, 8, replace(STRONG, elastic_probability=0.5), generator())
    assert 60 < int((half.abs().amax(dim=(1, 2, 3)) > 0).sum()) < 140


@pytest.mark.parametrize("shared", [True, False])
def test_intensities_change_by_the_generator_alone_and_leave_their_input(shared: bool) -> None:
    images = pictures()
    before = images.clone()
    first, same, other = (change_intensity(images, STRONG, generator(seed), shared=shared) for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert torch.equal(images, before)
    assert first.shape == images.shape
    assert first.data_ptr() != images.data_ptr()


@pytest.mark.parametrize("images", [pictures(), torch.zeros(3, 1, 32, 32), torch.full((2, 1, 32, 32), 4.0)])
def test_every_image_stays_finite(images: Tensor) -> None:
    for seed in range(5):
        assert torch.isfinite(change_intensity(images, STRONG, generator(seed), shared=seed % 2 == 0)).all()


def test_without_chances_and_ranges_intensities_stay_as_they_are() -> None:
    images = pictures()
    torch.testing.assert_close(change_intensity(images, STILL, generator(), shared=False), images, atol=1e-4, rtol=0)


def test_each_change_of_intensity_changes_something() -> None:
    images = pictures()
    changes = [
        {"contrast": 1.5},
        {"brightness": 0.5},
        {"gamma_probability": 1.0},
        {"bias_probability": 1.0},
        {"blur_probability": 1.0},
        {"coarse_probability": 1.0},
        {"noise_probability": 1.0},
    ]
    for change in changes:
        changed = change_intensity(images, replace(STILL, **change), generator(), shared=False)
        assert ((changed - images).abs().amax(dim=(1, 2, 3)) > 0.01).all(), change


def test_blur_and_coarseness_take_detail_away_and_noise_adds_it() -> None:
    images = pictures()
    for change, sign in (("blur_probability", -1), ("coarse_probability", -1), ("noise_probability", 1)):
        changed = change_intensity(images, replace(STILL, **{change: 1.0}), generator(), shared=False)
        assert (sign * (changed.diff(dim=-1).std() - images.diff(dim=-1).std())) > 0.005, change


def test_the_slices_of_one_study_share_contrast_and_brightness() -> None:
    config = replace(STILL, contrast=1.5, brightness=0.5)
    images = pictures()
    shared = change_intensity(images, config, generator(), shared=True)
    torch.testing.assert_close(shared, shared_line(images, shared), atol=1e-3, rtol=0)
    alone = change_intensity(images, config, generator(), shared=False)
    assert (alone - shared_line(images, alone)).abs().max() > 0.05


def test_a_slice_and_its_neighbours_in_the_channels_are_changed_alike_but_for_the_noise() -> None:
    images = pictures().expand(4, 3, 32, 32)
    for shared in (True, False):
        quiet = change_intensity(images, replace(STRONG, noise_probability=0.0), generator(), shared=shared)
        torch.testing.assert_close(quiet, quiet[:, :1].expand_as(quiet), atol=1e-4, rtol=0)
        assert (quiet - images).abs().amax(dim=(1, 2, 3)).min() > 0.05
        noisy = change_intensity(images, replace(STILL, noise_probability=1.0), generator(), shared=shared)
        assert (noisy[:, 1:] - noisy[:, :1]).abs().amax(dim=(2, 3)).min() > 0.01


def test_differences_between_the_channels_of_a_sample_survive_contrast_and_brightness() -> None:
    images = torch.cat((pictures(), pictures(seed=8) + 2.0), dim=1)
    changed = change_intensity(images, replace(STILL, contrast=1.5, brightness=0.5), generator(), shared=False)
    slope = changed.std(dim=(1, 2, 3), keepdim=True) / images.std(dim=(1, 2, 3), keepdim=True)
    offset = (changed - images * slope).mean(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(changed, images * slope + offset, atol=1e-3, rtol=0)
    assert slope.flatten().std() > 0.02


def shared_line(images: Tensor, changed: Tensor) -> Tensor:
    """The straight line that leads from the first slice to its changed form, applied to all slices."""
    first, target = images[0].flatten(), changed[0].flatten()
    slope = ((first - first.mean()) * (target - target.mean())).sum() / ((first - first.mean()) ** 2).sum()
    return images * slope + (target.mean() - slope * first.mean())


def test_a_placement_is_a_plain_record() -> None:
    placement = plain_placement(centres(2), 1.5)
    assert isinstance(placement, Placement)
    assert torch.equal(placement.zoom, torch.ones(2))
