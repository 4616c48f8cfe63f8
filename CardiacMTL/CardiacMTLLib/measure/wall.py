"""Wall thickness in sectors, from a final mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.diagnosis.features import LOW_SHARE, MIN_SECTOR_THICKNESS_MM, MIN_WALL_SLICE_MM2, WALL_SECTORS
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label
from CardiacMTLLib.volume import Mask


@dataclass(frozen=True, slots=True)
class WallSummary:
    """Wall thickness of one phase over its slices, in mm.

    Mean and maximum of slice means, mean and maximum of within-slice SDs, and the SD of slice means.
    """

    mean_mm: float
    thickest_slice_mm: float
    mean_sd_mm: float
    most_uneven_slice_mm: float
    between_slices_mm: float


@dataclass(frozen=True, slots=True)
class WallMotion:
    """How the wall moves from ED to ES, as shares of its state at ED (no unit).

    Excursion is the shortening of the inner radius of a sector over that radius at ED; thickening the growth of its
    thickness over that at ED. `excursion_low` is the `LOW_SHARE` quantile over all sectors.
    """

    excursion_mean: float
    excursion_sd: float
    excursion_low: float
    thickening_sd: float


@dataclass(frozen=True, slots=True, eq=False)
class SectorWall:
    """Inner radius and wall thickness in mm, each (slice, sector), and which slices are `used` (slice,)."""

    radius_mm: NDArray[np.float64]
    thickness_mm: NDArray[np.float64]
    used: NDArray[np.bool_]


def sector_wall(mask: Mask, geometry: Geometry) -> SectorWall:
    """Wall of a (z, y, x) mask in `WALL_SECTORS` equal angles about each slice's cavity centroid.

    The thickness is sector area over arc length: the difference of the radii of circular sectors as large as the
    cavity's, and the cavity's and wall's together. A slice is used where cavity and wall each cover at least
    `MIN_WALL_SLICE_MM2` and every sector is at least `MIN_SECTOR_THICKNESS_MM` thick.
    """
    dx, dy, _ = geometry.spacing_xyz_mm
    half_angle = np.pi / WALL_SECTORS
    radius, thickness = np.zeros((2, len(mask), WALL_SECTORS))
    used = np.zeros(len(mask), dtype=np.bool_)
    for index, plane in enumerate(mask):
        y, x = np.nonzero(plane == Label.LV)
        wall_y, wall_x = np.nonzero(plane == Label.MYOCARDIUM)
        if min(len(y), len(wall_y)) * dx * dy < MIN_WALL_SLICE_MM2:
            continue
        centre_y, centre_x = y.mean(), x.mean()
        inner = _sector_areas((y - centre_y) * dy, (x - centre_x) * dx, dx * dy)
        outer = inner + _sector_areas((wall_y - centre_y) * dy, (wall_x - centre_x) * dx, dx * dy)
        radius[index] = np.sqrt(inner / half_angle)
        thickness[index] = np.sqrt(outer / half_angle) - radius[index]
        used[index] = thickness[index].min() >= MIN_SECTOR_THICKNESS_MM
    return SectorWall(radius, thickness, used)


def sector_thickness_mm(mask: Mask, geometry: Geometry) -> NDArray[np.float64]:
    """(slices used, sector) wall thickness of a (z, y, x) mask, as in `sector_wall`."""
    wall = sector_wall(mask, geometry)
    return wall.thickness_mm[wall.used]


def wall_summary(mask: Mask, geometry: Geometry) -> WallSummary | None:
    """Summary of a (z, y, x) mask, or None where no slice shows a closed wall."""
    thickness = sector_thickness_mm(mask, geometry)
    if not len(thickness):
        return None
    mean, sd = thickness.mean(axis=1), thickness.std(axis=1)
    return WallSummary(float(mean.mean()), float(mean.max()), float(sd.mean()), float(sd.max()), float(mean.std()))


def wall_motion(ed: Mask, es: Mask, geometry: Geometry) -> WallMotion | None:
    """Motion between two (z, y, x) masks of one stack, or None where no slice shows a closed wall in both.

    A sector is compared with the sector of the same angle about each phase's own centroid, so that the heart's shift in
    the plane does not count as motion.
    """
    before, after = (sector_wall(mask, geometry) for mask in (ed, es))
    used = before.used & after.used & (before.radius_mm.min(axis=1) > 0)
    if not used.any():
        return None
    excursion = 1 - after.radius_mm[used] / before.radius_mm[used]
    thickening = after.thickness_mm[used] / before.thickness_mm[used] - 1
    return WallMotion(
        float(excursion.mean()),
        float(excursion.std(axis=1).mean()),
        float(np.quantile(excursion, LOW_SHARE)),
        float(thickening.std(axis=1).mean()),
    )


def _sector_areas(y_mm: NDArray[np.float64], x_mm: NDArray[np.float64], pixel_mm2: float) -> NDArray[np.float64]:
    turns = np.arctan2(y_mm, x_mm) / (2 * np.pi) + 0.5
    sectors = np.minimum((turns * WALL_SECTORS).astype(np.int64), WALL_SECTORS - 1)
    return np.bincount(sectors, minlength=WALL_SECTORS).astype(np.float64) * pixel_mm2
