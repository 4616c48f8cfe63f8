import numpy as np
import pytest

from CardiacMTLLib.diagnosis.features import WALL_SECTORS
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label
from CardiacMTLLib.measure.wall import sector_thickness_mm, wall_summary

PIXEL_MM = 0.5


def ring(wall_mm=10.0, radius_mm=20.0, *, centre_mm=(0.0, 0.0), uneven=0.0, turned_deg=0.0, spacing_mm=(PIXEL_MM, PIXEL_MM)):
    """One slice (1, y, x): a disc of LV in a wall that is `uneven` thicker and thinner on opposite sides."""
    dx, dy = spacing_mm
    geometry = Geometry((int(90 / dx), int(90 / dy), 1), (dx, dy, 8.0))
    x = (np.arange(geometry.size_xyz[0]) - geometry.size_xyz[0] / 2 + 0.3) * dx - centre_mm[0]
    y = (np.arange(geometry.size_xyz[1]) - geometry.size_xyz[1] / 2 + 0.2) * dy - centre_mm[1]
    distance, angle = np.hypot(x[None, :], y[:, None]), np.arctan2(y[:, None], x[None, :])
    outer = radius_mm + wall_mm * (1 + uneven * np.cos(angle - np.radians(turned_deg)))
    mask = np.where(distance <= radius_mm, int(Label.LV), np.where(distance <= outer, int(Label.MYOCARDIUM), 0))
    return mask[None].astype(np.uint8), geometry


@pytest.mark.parametrize("wall_mm", [4.0, 8.0, 15.0])
def test_every_sector_of_a_circular_ring_is_as_thick_as_the_ring(wall_mm):
    thickness = sector_thickness_mm(*ring(wall_mm))
    assert thickness.shape == (1, WALL_SECTORS)
    np.testing.assert_allclose(thickness, wall_mm, atol=PIXEL_MM)
    assert thickness.mean() == pytest.approx(wall_mm, abs=0.1)


@pytest.mark.parametrize("spacing_mm", [(0.5, 1.0), (1.4, 0.7), (1.9, 1.9)])
def test_thickness_is_in_millimetres_whatever_the_pixels(spacing_mm):
    assert sector_thickness_mm(*ring(10.0, spacing_mm=spacing_mm)).mean() == pytest.approx(10.0, abs=0.3)


@pytest.mark.parametrize("centre_mm", [(5.0, -3.0), (-7.25, 6.1)])
def test_thickness_does_not_depend_on_where_the_heart_lies(centre_mm):
    here, there = (sector_thickness_mm(*ring(uneven=0.3, centre_mm=c)) for c in ((0.0, 0.0), centre_mm))
    np.testing.assert_allclose(there, here, atol=PIXEL_MM / 2)


@pytest.mark.parametrize("sectors", range(1, WALL_SECTORS))
def test_turning_the_heart_by_whole_sectors_turns_its_thickness(sectors):
    here, there = (sector_thickness_mm(*ring(uneven=0.3, turned_deg=d)) for d in (0, sectors * 360 / WALL_SECTORS))
    np.testing.assert_allclose(there, np.roll(here, sectors, axis=1), atol=PIXEL_MM / 2)


def test_the_thick_side_is_found_where_it_is():
    thickness = sector_thickness_mm(*ring(10.0, uneven=0.4))[0]
    # sectors count from the angle -180 degrees, so the two about 0 degrees are in the middle
    assert sorted(np.argsort(thickness)[-2:]) == [WALL_SECTORS // 2 - 1, WALL_SECTORS // 2]
    assert thickness.max() == pytest.approx(14, abs=0.4)
    assert thickness.min() == pytest.approx(6, abs=0.4)


def test_the_more_uneven_the_wall_the_larger_its_sd():
    sds = []
    for uneven in (0.0, 0.1, 0.2, 0.4):
        summary = wall_summary(*ring(uneven=uneven))
        assert summary is not None
        assert summary.mean_sd_mm == summary.most_uneven_slice_mm
        sds.append(summary.mean_sd_mm)
    assert sds == sorted(sds)
    assert sds[0] < 0.15
    assert sds[-1] == pytest.approx(4 / np.sqrt(2), rel=0.05)


def test_a_stack_is_summed_up_over_its_slices():
    planes = [ring(6.0), ring(8.0, uneven=0.3), ring(13.0)]
    geometry = planes[0][1]
    summary = wall_summary(np.concatenate([mask for mask, _ in planes]), Geometry((*geometry.size_xyz[:2], 3), (0.5, 0.5, 8.0)))
    assert summary is not None
    assert summary.mean_mm == pytest.approx(9.0, abs=0.15)
    assert summary.thickest_slice_mm == pytest.approx(13.0, abs=0.1)
    assert summary.between_slices_mm == pytest.approx(np.std([6, 8, 13]), abs=0.15)
    assert summary.most_uneven_slice_mm == pytest.approx(2.4 / np.sqrt(2), abs=0.1)
    assert summary.mean_sd_mm == pytest.approx(summary.most_uneven_slice_mm / 3, abs=0.1)


def test_slices_with_an_open_wall_or_little_cavity_do_not_count():
    opened, geometry = ring(8.0, uneven=1.0)
    small, _ = ring(8.0, radius_mm=5.0)
    for plane in (opened, small, np.zeros_like(small), np.full_like(small, Label.LV), np.full_like(small, Label.MYOCARDIUM)):
        assert sector_thickness_mm(plane, geometry).shape == (0, WALL_SECTORS)
        assert wall_summary(plane, geometry) is None
    whole, _ = ring(8.0)
    assert len(sector_thickness_mm(np.concatenate([opened, whole, small]), geometry)) == 1
