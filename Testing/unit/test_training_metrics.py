"""Figures of agreement, against closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binom

from CardiacMTLLib.geometry import Geometry
from CardiacMTLTraining.metrics import Region, bootstrap_interval, dice, exact_interval, hausdorff_mm

GRID = Geometry((20, 16, 8), (1.5, 2.0, 8.0))
SMALL = Geometry((4, 4, 3), (1.5, 2.0, 8.0))
REGIONS = hnp.arrays(bool, (3, 4, 4))


def box(z: slice, y: slice, x: slice, shape: tuple[int, int, int] = (8, 16, 20)) -> Region:
    region = np.zeros(shape, dtype=bool)
    region[z, y, x] = True
    return region


CUBE = box(slice(2, 6), slice(4, 10), slice(5, 12))


def test_dice_is_one_for_equal_zero_for_apart_and_a_half_for_half() -> None:
    assert dice(CUBE, CUBE) == 1
    assert dice(CUBE, ~CUBE) == 0
    assert dice(box(slice(2, 6), slice(4, 10), slice(5, 12)), box(slice(4, 8), slice(4, 10), slice(5, 12))) == pytest.approx(
        0.5
    )


def test_dice_of_nothing_with_nothing_is_undefined_and_with_something_zero() -> None:
    nothing = np.zeros_like(CUBE)
    assert dice(nothing, nothing) is None
    assert dice(nothing, CUBE) == 0
    assert dice(CUBE, nothing) == 0


@pytest.mark.parametrize(
    ("other", "distance_mm"),
    [
        (CUBE, 0.0),
        (box(slice(2, 6), slice(4, 10), slice(7, 14)), 3.0),
        (box(slice(2, 6), slice(7, 13), slice(5, 12)), 6.0),
        (box(slice(3, 7), slice(4, 10), slice(5, 12)), 8.0),
        (box(slice(2, 6), slice(7, 13), slice(7, 14)), np.hypot(3.0, 6.0)),
        (box(slice(2, 6), slice(4, 10), slice(5, 6)), 9.0),
        (box(slice(2, 3), slice(4, 5), slice(5, 6)), np.sqrt(24.0**2 + 10.0**2 + 9.0**2)),
    ],
)
def test_the_hausdorff_distance_of_boxes_is_in_millimetres(other: Region, distance_mm: float) -> None:
    assert hausdorff_mm(CUBE, other, GRID) == pytest.approx(distance_mm, abs=1e-4)
    assert hausdorff_mm(other, CUBE, GRID) == pytest.approx(distance_mm, abs=1e-4)


@given(REGIONS, REGIONS)
def test_the_hausdorff_distance_is_that_of_brute_force(found: Region, truth: Region) -> None:
    distance = hausdorff_mm(found, truth, SMALL)
    if not found.any() or not truth.any():
        assert distance is None
        return
    spacing_zyx = np.array(SMALL.spacing_xyz_mm[::-1])
    ours, theirs = (np.argwhere(region) * spacing_zyx for region in (found, truth))
    apart = np.linalg.norm(ours[:, None] - theirs[None], axis=-1)
    assert distance == pytest.approx(max(apart.min(axis=0).max(), apart.min(axis=1).max()), abs=1e-4)


@given(REGIONS, REGIONS)
def test_dice_is_symmetric_and_between_zero_and_one(found: Region, truth: Region) -> None:
    value = dice(found, truth)
    assert value == dice(truth, found)
    assert value is None or 0 <= value <= 1


def test_the_exact_interval_has_its_published_values() -> None:
    assert exact_interval(17, 20) == pytest.approx((0.621, 0.968), abs=5e-4)
    assert exact_interval(39, 50) == pytest.approx((0.640, 0.885), abs=5e-4)
    assert exact_interval(0, 20) == pytest.approx((0.0, 1 - 0.025 ** (1 / 20)))
    assert exact_interval(20, 20) == pytest.approx((0.025 ** (1 / 20), 1.0))


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_exact_interval_leaves_two_and_a_half_percent_on_each_side(counts: tuple[int, int]) -> None:
    right, n = counts
    low, high = exact_interval(right, n)
    assert 0 <= low <= right / n <= high <= 1
    if right:
        assert binom.sf(right - 1, n, low) == pytest.approx(0.025, abs=1e-6)
    if right < n:
        assert binom.cdf(right, n, high) == pytest.approx(0.025, abs=1e-6)


def test_the_bootstrap_depends_on_its_seed_alone_and_holds_the_mean() -> None:
    values = np.random.default_rng(1).normal(0.9, 0.03, 50).tolist()
    low, high = bootstrap_interval(values, seed=3)
    assert (low, high) == bootstrap_interval(values, seed=3)
    assert (low, high) != bootstrap_interval(values, seed=4)
    assert low < np.mean(values) < high
    half_width = 1.96 * np.std(values) / np.sqrt(50)
    assert high - low == pytest.approx(2 * half_width, rel=0.1)


def test_the_bootstrap_of_one_patient_has_no_width() -> None:
    assert bootstrap_interval([0.8], seed=0) == (0.8, 0.8)
