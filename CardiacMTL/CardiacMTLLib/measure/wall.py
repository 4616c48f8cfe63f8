"""Wall thickness in sectors, from a final mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.diagnosis.features import MIN_SECTOR_THICKNESS_MM, MIN_WALL_SLICE_MM2, WALL_SECTORS
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


def sector_thickness_mm(mask: Mask, geometry: Geometry) -> NDArray[np.float64]:
    """(slices used, sector) wall thickness of a (z, y, x) mask in `WALL_SECTORS` equal angles about the cavity's centroid.

    The thickness is sector area over arc length: the difference of the radii of circular sectors as large as the
    cavity's, and the cavity's and wall's together. A slice is used where cavity and wall each cover at least
    `MIN_WALL_SLICE_MM2` and every sector is at least `MIN_SECTOR_THICKNESS_MM` thick.
    """
    dx, dy, _ = geometry.spacing_xyz_mm
    rows = []
    for plane in mask:
        areas = np.bincount(plane.ravel(), minlength=len(Label)) * dx * dy
        if min(areas[Label.LV], areas[Label.MYOCARDIUM]) < MIN_WALL_SLICE_MM2:
            continue
        y, x = np.nonzero(plane == Label.LV)
        wall_y, wall_x = np.nonzero(plane == Label.MYOCARDIUM)
        centre_y, centre_x = y.mean(), x.mean()
        inner = _sector_areas((y - centre_y) * dy, (x - centre_x) * dx, dx * dy)
        outer = inner + _sector_areas((wall_y - centre_y) * dy, (wall_x - centre_x) * dx, dx * dy)
        half_angle = np.pi / WALL_SECTORS
        thickness = np.sqrt(outer / half_angle) - np.sqrt(inner / half_angle)
        if thickness.min() >= MIN_SECTOR_THICKNESS_MM:
            rows.append(thickness)
    return np.array(rows).reshape(len(rows), WALL_SECTORS)


def wall_summary(mask: Mask, geometry: Geometry) -> WallSummary | None:
    """Summary of a (z, y, x) mask, or None where no slice shows a closed wall."""
    thickness = sector_thickness_mm(mask, geometry)
    if not len(thickness):
        return None
    mean, sd = thickness.mean(axis=1), thickness.std(axis=1)
    return WallSummary(float(mean.mean()), float(mean.max()), float(sd.mean()), float(sd.max()), float(mean.std()))


def _sector_areas(y_mm: NDArray[np.float64], x_mm: NDArray[np.float64], pixel_mm2: float) -> NDArray[np.float64]:
    turns = np.arctan2(y_mm, x_mm) / (2 * np.pi) + 0.5
    sectors = np.minimum((turns * WALL_SECTORS).astype(np.int64), WALL_SECTORS - 1)
    return np.bincount(sectors, minlength=WALL_SECTORS).astype(np.float64) * pixel_mm2
