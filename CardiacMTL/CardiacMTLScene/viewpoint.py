"""From where a heart is looked at: base up, right ventricle to the left, whatever the orientation of the scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label
from CardiacMTLLib.report.slice_view import reading_order

Vector = NDArray[np.float64]
"""(3,) in RAS, mm or unit length."""

_ELEVATION_DEGREES = 22.0
_TURN_DEGREES = -15.0
"""The eye stands above the base, so that the cavity is seen into, and a little on the side of the right ventricle."""


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """An orthonormal frame (`right`, `up`, `toward` the eye), the point looked at, and the half extents seen, in mm."""

    right: Vector
    up: Vector
    toward: Vector
    center: Vector
    half_width_mm: float
    half_height_mm: float


@dataclass(frozen=True, slots=True)
class HeartAxes:
    """Unit vectors in RAS: along the slice axis to the base, and across it from the right to the left ventricle."""

    to_base: Vector
    to_left: Vector


def heart_axes(analysis: Analysis) -> HeartAxes:
    """The heart's own axes; where a ventricle is missing, x of the image takes the place of the direction to the left."""
    geometry = analysis.study.geometry
    axes = geometry.ijk_to_ras[:3, :3] / np.asarray(geometry.spacing_xyz_mm)
    order, _ = reading_order(analysis.study, list(analysis.masks.values()))
    to_base = axes[:, 2] * (1.0 if order[0] > order[-1] else -1.0)
    across = axes[:, 0]
    for mask in analysis.masks.values():
        if (mask == Label.RV).any() and (mask == Label.LV).any():
            apart = _points(mask == Label.LV, geometry).mean(axis=0) - _points(mask == Label.RV, geometry).mean(axis=0)
            flat = apart - to_base * (apart @ to_base)
            across = flat if np.linalg.norm(flat) > 1.0 else across
            break
    return HeartAxes(to_base, across / np.linalg.norm(across))


def viewpoint(analysis: Analysis, axes: HeartAxes) -> Viewpoint:
    """One view for all phases, so that their sizes can be compared; it takes in everything segmented in any of them."""
    front = np.cross(axes.to_left, axes.to_base)
    elevation, turn = np.radians(_ELEVATION_DEGREES), np.radians(_TURN_DEGREES)
    level = np.cos(turn) * front + np.sin(turn) * axes.to_left
    toward = np.cos(elevation) * level + np.sin(elevation) * axes.to_base
    right = np.cross(axes.to_base, toward)
    right /= np.linalg.norm(right)
    frame = np.stack([right, np.cross(toward, right), toward])
    geometry = analysis.study.geometry
    segmented = np.any([mask > 0 for mask in analysis.masks.values()], axis=0)
    points = _points(segmented if segmented.any() else np.ones(geometry.shape_zyx, dtype=bool), geometry) @ frame.T
    low, high = points.min(axis=0), points.max(axis=0)
    half = (high - low) / 2 + geometry.spacing_xyz_mm[2] / 2
    return Viewpoint(frame[0], frame[1], frame[2], (low + high) / 2 @ frame, float(half[0]), float(half[1]))


def _points(region: NDArray[np.bool_], geometry: Geometry) -> NDArray[np.float64]:
    """RAS positions (n, 3) of the voxels of `region` (z, y, x)."""
    matrix = geometry.ijk_to_ras
    return np.asarray(np.argwhere(region)[:, ::-1] @ matrix[:3, :3].T + matrix[:3, 3], dtype=float)
