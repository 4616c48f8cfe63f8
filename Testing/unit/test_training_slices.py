"""Batches: what the network is shown of a case, and that images and labels belong together."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from CardiacMTLLib.labels import STRUCTURES, Group
from CardiacMTLTraining.augment import AugmentationConfiguration
from CardiacMTLTraining.slices import LocatorPool, SliceBatch, SlicePool
from Testing.acdc_folder import discs_case

SIZE, SPACING_MM = 80, 2.4
GEOMETRY_ONLY = AugmentationConfiguration(
    contrast=1.0,
    brightness=0.0,
    elastic_probability=0.0,
    gamma_probability=0.0,
    bias_probability=0.0,
    blur_probability=0.0,
    coarse_probability=0.0,
    noise_probability=0.0,
)
CASES = (discs_case("patient001", Group.NOR), discs_case("patient002", Group.HCM, (40.0, 47.0)))


@pytest.fixture
def pool() -> SlicePool:
    return SlicePool(CASES, SIZE, SPACING_MM)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def uniform(labels: Tensor) -> Tensor:
    """(n, y, x) whether all samples within one step carry the same label."""
    values = labels[:, None].float()
    highest, lowest = F.max_pool2d(values, 3, 1, 1), -F.max_pool2d(-values, 3, 1, 1)
    return (highest == lowest)[:, 0]


def areas_mm2(batch: SliceBatch, spacing_mm: float) -> Tensor:
    """(n, structure) area of each structure, with the zoom taken out of the spacing."""
    counts = torch.stack([(batch.labels == structure).sum(dim=(1, 2)) for structure in STRUCTURES], dim=1)
    return counts * (spacing_mm / batch.zoom[:, None]) ** 2


def true_areas_mm2(masks: Tensor) -> Tensor:
    counts = torch.stack([(masks == structure).sum(dim=(1, 2)) for structure in STRUCTURES], dim=1)
    return counts * 2.0**2


@pytest.mark.parametrize("elastic", [0.0, 1.0])
@pytest.mark.parametrize("whole_study", [True, False])
def test_images_and_labels_stay_aligned_through_every_turn(pool: SlicePool, elastic: float, whole_study: bool) -> None:
    config = replace(GEOMETRY_ONLY, elastic_probability=elastic)
    for seed in range(6):
        batch = pool.study("patient002", config, generator(seed)) if whole_study else pool.draw(8, config, generator(seed))
        inside = uniform(batch.labels)
        assert set(batch.labels[inside].unique().tolist()) == {0, 1, 2, 3}
        differences = (batch.images[:, 0] - batch.labels)[inside].abs()
        assert differences.quantile(0.999) < 0.02
        assert differences.max() < 1.0


@pytest.mark.parametrize("seed", range(4))
def test_volumes_computed_with_spacing_over_zoom_are_the_true_ones(pool: SlicePool, seed: int) -> None:
    batch = pool.study("patient002", GEOMETRY_ONLY, generator(seed))
    truth = true_areas_mm2(torch.from_numpy(CASES[1].masks.reshape(-1, *CASES[1].masks.shape[2:])))
    assert abs(float(batch.zoom[0]) - 1) > 0.01
    torch.testing.assert_close(areas_mm2(batch, SPACING_MM).sum(dim=0), truth.sum(dim=0), rtol=0.02, atol=0)


def test_turns_and_flips_keep_the_area_of_every_label() -> None:
    pool = SlicePool(CASES, 2 * SIZE, SPACING_MM / 2)
    batch = pool.draw(24, GEOMETRY_ONLY, generator())
    truth = {tuple(row) for row in true_areas_mm2(pool.masks).tolist()}
    for areas in areas_mm2(batch, SPACING_MM / 2).tolist():
        assert min(max(abs(a - b) / b for a, b in zip(areas, row, strict=True)) for row in truth) < 0.06


def test_an_unchanged_study_is_the_window_around_its_heart(pool: SlicePool) -> None:
    batch = pool.study("patient002", None, generator())
    assert batch.images.shape == (6, 1, SIZE, SIZE)
    assert batch.labels.shape == (6, SIZE, SIZE)
    assert batch.labels.dtype == torch.int64
    assert torch.equal(batch.zoom, torch.ones(6))
    y, x = (place.float().mean() for place in torch.nonzero(batch.labels[0] == 3, as_tuple=True))
    assert (float(x), float(y)) == pytest.approx(((SIZE - 1) / 2,) * 2, abs=0.5)
    rv_x = torch.nonzero(batch.labels[0] == 1)[:, 1].float().mean()
    assert rv_x < x - 5


def test_a_study_holds_its_own_slices_phase_after_phase(pool: SlicePool) -> None:
    for case in CASES:
        lv = (pool.study(case.name, None, generator()).labels == 3).sum(dim=(1, 2)).float() * SPACING_MM**2
        expected = torch.from_numpy((case.masks == 3).sum(axis=(2, 3)).reshape(-1)).float() * 4
        torch.testing.assert_close(lv, expected, rtol=0.05, atol=0)
        assert (lv[:3] > lv[3:]).all()


def test_intensities_are_the_normalised_ones_of_the_cache() -> None:
    case = replace(CASES[0], low=(-2.0, -1.0), high=(4.0, 8.0))
    batch = SlicePool([case], SIZE, 2.0).study("patient001", None, generator())
    expected = torch.from_numpy(case.normalised())
    assert batch.images[:3].max() == pytest.approx(float(expected[0].max()))
    assert batch.images[3:].max() == pytest.approx(float(expected[1].max()))
    assert batch.images[3:].min() == pytest.approx(-1.0, abs=1e-5)


def test_batches_depend_on_the_generator_alone(pool: SlicePool) -> None:
    config = AugmentationConfiguration()
    for draw in (lambda g: pool.draw(6, config, g), lambda g: pool.study("patient001", config, g)):
        first, same, other = (draw(generator(seed)) for seed in (1, 1, 2))
        assert torch.equal(first.images, same.images)
        assert torch.equal(first.labels, same.labels)
        assert not torch.equal(first.images, other.images)


def test_slices_are_drawn_from_all_cases(pool: SlicePool) -> None:
    lv = (pool.draw(64, GEOMETRY_ONLY, generator()).labels == 3).sum(dim=(1, 2))
    assert len(lv.unique()) > 4
    assert pool.rows == {"patient001": range(6), "patient002": range(6, 12)}


def test_drawing_leaves_the_pool_as_it_was(pool: SlicePool) -> None:
    before = pool.images.clone(), pool.masks.clone(), pool.centres.clone()
    pool.draw(8, AugmentationConfiguration(), generator())
    pool.study("patient001", AugmentationConfiguration(), generator())
    assert all(torch.equal(old, new) for old, new in zip(before, (pool.images, pool.masks, pool.centres), strict=True))


def test_the_locator_sees_the_whole_field_with_the_heart_in_its_place() -> None:
    locator = LocatorPool(CASES, 32, 8.0)
    assert locator.images.shape == (12, 32, 32)
    for rows, case in ((slice(0, 6), CASES[0]), (slice(6, 12), CASES[1])):
        heart = locator.hearts[rows].mean(dim=0)
        _, _, y, x = case.masks.nonzero()
        axis = torch.arange(32.0)
        found_x, found_y = ((heart.sum(dim=d) * axis).sum() / heart.sum() for d in (0, 1))
        assert float(found_x) == pytest.approx(15.5 + (x.mean() - 47.5) * 2 / 8, abs=0.1)
        assert float(found_y) == pytest.approx(15.5 + (y.mean() - 43.5) * 2 / 8, abs=0.1)
        expected_mm2 = (case.masks > 0).sum() * 4 / 6
        assert float(heart.sum()) * 64 == pytest.approx(expected_mm2, rel=0.02)


def test_the_locator_draws_aligned_hearts_far_off_the_middle() -> None:
    locator = LocatorPool(CASES, 96, 4.0)
    locator.images = locator.hearts.clone()
    images, hearts = locator.draw(32, GEOMETRY_ONLY, generator())
    assert images.shape == (32, 1, 96, 96)
    assert hearts.shape == (32, 96, 96)
    assert float(hearts.min()) >= 0
    assert float(hearts.max()) <= 1
    torch.testing.assert_close(images[:, 0], hearts, atol=1e-3, rtol=0)
    weights = hearts / hearts.sum(dim=(1, 2), keepdim=True)
    x = (weights.sum(dim=1) * torch.arange(96.0)).sum(dim=1)
    assert x.max() - x.min() > 20
