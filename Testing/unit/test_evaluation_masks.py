"""Overlap and surface distances, against closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from CardiacMTLLib.geometry import Geometry
from CardiacMTLTraining.evaluation.distance import surface_distances
from CardiacMTLTraining.evaluation.overlap import Region, dice

GRID = Geometry((20, 16, 8), (1.5, 2.0, 8.0))
SMALL = Geometry((4, 4, 3), (1.5, 2.0, 8.0))
REGIONS = hnp.arrays(bool, (3, 4, 4), elements=st.booleans())


def box(z: slice, y: slice, x: slice, shape: tuple[int, int, int] = (8, 16, 20)) -> Region:
    region = np.zeros(shape, dtype=bool)
    region[z, y, x] = True
    return region


def ball(radius_mm: float, geometry: Geometry) -> Region:
    axes_mm = (
        (np.arange(n) - (n - 1) / 2) * spacing
        for n, spacing in zip(geometry.shape_zyx, geometry.spacing_xyz_mm[::-1], strict=True)
    )
    z, y, x = np.meshgrid(*axes_mm, indexing="ij")
    return np.asarray(z**2 + y**2 + x**2 <= radius_mm**2)


def hausdorff(found: Region, truth: Region, geometry: Geometry = GRID) -> float:
    distances = surface_distances(found, truth, geometry)
    assert distances is not None
    return distances.hausdorff_mm


CUBE = box(slice(2, 6), slice(4, 10), slice(5, 12))


def test_dice_is_one_for_equal_zero_for_apart_and_a_half_for_half() -> None:
    assert dice(CUBE, CUBE) == 1
    assert dice(CUBE, ~CUBE) == 0
    assert dice(CUBE, box(slice(4, 8), slice(4, 10), slice(5, 12))) == pytest.approx(0.5)


def test_dice_of_nothing_with_nothing_is_undefined_and_with_something_zero() -> None:
    nothing = np.zeros_like(CUBE)
    assert dice(nothing, nothing) is None
    assert dice(nothing, CUBE) == 0
    assert dice(CUBE, nothing) == 0


@given(REGIONS, REGIONS)
def test_dice_is_symmetric_and_between_zero_and_one(found: Region, truth: Region) -> None:
    value = dice(found, truth)
    assert value == dice(truth, found)
    assert value is None or 0 <= value <= 1


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
    assert hausdorff(CUBE, other) == pytest.approx(distance_mm)
    assert hausdorff(other, CUBE) == pytest.approx(distance_mm)


def test_one_slice_more_costs_the_distance_of_slices() -> None:
    assert hausdorff(box(slice(2, 7), slice(4, 10), slice(5, 12)), CUBE) == pytest.approx(8.0)


@pytest.mark.parametrize("spacing_xyz_mm", [(1.0, 1.0, 1.0), (1.5, 1.0, 2.0)])
def test_concentric_balls_are_as_far_apart_as_their_radii(spacing_xyz_mm: tuple[float, float, float]) -> None:
    size_x, size_y, size_z = (int(56 / spacing) | 1 for spacing in spacing_xyz_mm)
    geometry = Geometry((size_x, size_y, size_z), spacing_xyz_mm)
    distances = surface_distances(ball(24.0, geometry), ball(15.0, geometry), geometry)
    assert distances is not None
    coarsest = max(spacing_xyz_mm)
    assert distances.hausdorff_mm == pytest.approx(9.0, abs=coarsest)
    assert distances.average_mm == pytest.approx(9.0, abs=0.6 * coarsest)


def test_the_average_counts_every_voxel_of_both_surfaces() -> None:
    one, two = box(slice(3, 4), slice(5, 6), slice(5, 6)), box(slice(3, 4), slice(5, 6), slice(5, 8))
    distances = surface_distances(one, two, GRID)
    assert distances is not None
    assert distances.average_mm == pytest.approx((0 + 0 + 1.5 + 3.0) / 4)


def test_a_hole_is_a_surface_too() -> None:
    geometry = Geometry((11, 11, 11), (1.0, 1.0, 1.0))
    full = box(*[slice(1, 10)] * 3, shape=(11, 11, 11))
    hollow = full & ~box(*[slice(5, 6)] * 3, shape=(11, 11, 11))
    assert hausdorff(full, hollow, geometry) == pytest.approx(3.0)


@pytest.mark.parametrize(("found", "truth"), [(CUBE, CUBE & False), (CUBE & False, CUBE), (CUBE & False, CUBE & False)])
def test_the_distance_to_nothing_is_undefined(found: Region, truth: Region) -> None:
    assert surface_distances(found, truth, GRID) is None


@given(REGIONS, REGIONS)
def test_distances_are_those_of_brute_force(found: Region, truth: Region) -> None:
    distances = surface_distances(found, truth, SMALL)
    if not found.any() or not truth.any():
        assert distances is None
        return
    spacing_zyx = np.array(SMALL.spacing_xyz_mm[::-1])
    ours, theirs = (np.array(list(border(region))) * spacing_zyx for region in (found, truth))
    apart = np.linalg.norm(ours[:, None] - theirs[None], axis=-1)
    nearest = np.concatenate((apart.min(axis=0), apart.min(axis=1)))
    assert distances is not None
    assert distances.hausdorff_mm == pytest.approx(nearest.max())
    assert distances.average_mm == pytest.approx(nearest.mean())


def border(region: Region) -> list[tuple[int, ...]]:
    """Voxels with one of their six neighbours outside."""
    inside = {tuple(voxel) for voxel in np.argwhere(region).tolist()}
    steps = [step * sign for step in np.eye(3, dtype=int) for sign in (-1, 1)]
    return [voxel for voxel in inside if any(tuple((np.array(voxel) + step).tolist()) not in inside for step in steps)]
