"""Distances between the surfaces of two regions, in millimetres on the images' own grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from CardiacMTLLib.geometry import Geometry
from CardiacMTLTraining.evaluation.overlap import Region


@dataclass(frozen=True, slots=True)
class SurfaceDistances:
    """How far two surfaces lie apart: the largest distance, and the average over both surfaces."""

    hausdorff_mm: float
    average_mm: float


def surface_distances(found: Region, truth: Region, geometry: Geometry) -> SurfaceDistances | None:
    """3D distances, both ways, between the surface voxels of two (z, y, x) regions; None where one is empty.

    The surface is the region's voxels with a face on the outside, the edge of the grid counting as outside; distances run
    from centre to centre of voxels, with the spacing of each axis. The Hausdorff distance is the largest distance from a
    voxel of one surface to the other surface, as in the ACDC challenge (Bernard et al., IEEE TMI 2018;37:2514). The average
    symmetric surface distance is the mean over all voxels of both surfaces (Heimann et al., IEEE TMI 2009;28:1251). Slices
    lie 5 to 10 mm apart, so that one slice more or less at base or apex dominates both.
    """
    if not found.any() or not truth.any():
        return None
    box = _bounding_box(found | truth)
    ours, theirs = _surface(found[box]), _surface(truth[box])
    spacing_zyx_mm = geometry.spacing_xyz_mm[::-1]
    to_theirs = _distance_to(theirs, spacing_zyx_mm)[ours]
    to_ours = _distance_to(ours, spacing_zyx_mm)[theirs]
    both = np.concatenate((to_theirs, to_ours))
    return SurfaceDistances(float(both.max()), float(both.mean()))


def _bounding_box(region: Region) -> tuple[slice, ...]:
    """The smallest box that holds the region; each axis alone, which is faster than listing all voxels."""
    box = []
    for axis in range(region.ndim):
        others = tuple(other for other in range(region.ndim) if other != axis)
        span = np.flatnonzero(region.any(axis=others))
        box.append(slice(int(span[0]), int(span[-1]) + 1))
    return tuple(box)


def _surface(region: Region) -> Region:
    """Voxels of the region that lack one of their neighbours along the axes."""
    padded = np.pad(region, 1)
    core = np.ones_like(region)
    for axis in range(region.ndim):
        for shift in (-1, 1):
            core &= np.roll(padded, shift, axis)[(slice(1, -1),) * region.ndim]
    return region & ~core


def _distance_to(surface: Region, spacing_zyx_mm: tuple[float, ...]) -> NDArray[np.float64]:
    """Distance of every voxel to the nearest one of the surface."""
    return np.asarray(distance_transform_edt(~surface, sampling=spacing_zyx_mm), dtype=np.float64)
