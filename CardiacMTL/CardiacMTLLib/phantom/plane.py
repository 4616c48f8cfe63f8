"""Pixel coordinates of one slice around the heart's axis, and soft-edged painting on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.phantom.outline import Plane


@dataclass(frozen=True, slots=True, eq=False)
class PixelPlane:
    """Positions of the pixels of a slice, each (y, x), in mm from the left ventricular axis: x to the right, y down.

    `radius` and `angle` are the polar form that `outline` uses; `pixel_mm` is the width over which edges are soft.
    """

    x: Plane
    y: Plane
    radius: Plane
    angle: Plane
    pixel_mm: float

    @classmethod
    def of(cls, geometry: Geometry, heart_xy_mm: tuple[float, float]) -> PixelPlane:
        """The in-plane pixels of `geometry`, with the heart's axis `heart_xy_mm` from the middle of the plane."""
        width, height, _ = geometry.size_xyz
        dx, dy, _ = geometry.spacing_xyz_mm
        x = (np.arange(width, dtype=np.float32) - (width - 1) / 2) * dx - heart_xy_mm[0]
        y = (np.arange(height, dtype=np.float32) - (height - 1) / 2) * dy - heart_xy_mm[1]
        xs, ys = (axis.astype(np.float32) for axis in np.meshgrid(x, y))
        return cls(xs, ys, np.hypot(xs, ys), np.arctan2(-ys, -xs), (dx * dy) ** 0.5)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.x.shape[0], self.x.shape[1]

    def window(self, box: tuple[slice, slice]) -> PixelPlane:
        """The part of the plane inside `box` (rows, columns)."""
        return PixelPlane(self.x[box], self.y[box], self.radius[box], self.angle[box], self.pixel_mm)

    def box_around(self, centre: tuple[float, float], reach_mm: float) -> tuple[slice, slice]:
        """Rows and columns within `reach_mm` of a point; empty where it lies outside."""
        ends = (
            np.searchsorted(axis, (middle - reach_mm, middle + reach_mm))
            for axis, middle in ((self.y[:, 0], centre[1]), (self.x[0], centre[0]))
        )
        rows, columns = (slice(int(start), int(stop)) for start, stop in ends)
        return rows, columns

    def within(self, limit_mm: Plane | float) -> Plane:
        """Share of each pixel inside an outline of radius `limit_mm`, soft over one pixel."""
        return np.asarray(np.clip(0.5 + (limit_mm - self.radius) / self.pixel_mm, 0, 1), dtype=np.float32)

    def above(self, depth_mm: Plane) -> Plane:
        """Share of each pixel where `depth_mm`, a distance into a region, is positive."""
        return np.asarray(np.clip(0.5 + depth_mm / self.pixel_mm, 0, 1), dtype=np.float32)

    def ellipse_depth(self, centre: tuple[float, float], axes: tuple[float, float], turn: float = 0.0) -> Plane:
        """Approximate distance in mm into an ellipse, negative outside; turned by `turn` radians, clockwise on the image."""
        x, y = self.x - float(centre[0]), self.y - float(centre[1])
        cosine, sine = math.cos(turn), math.sin(turn)
        along = x * (cosine / axes[0]) + y * (sine / axes[0])
        across = y * (cosine / axes[1]) - x * (sine / axes[1])
        mean_axis = math.sqrt(axes[0] * axes[1])
        return np.asarray(mean_axis - mean_axis * np.sqrt(along * along + across * across), dtype=np.float32)


def paint(signal: Plane, cover: Plane, value: Plane | float) -> None:
    """Lay a tissue of signal `value` over `signal`, in place, where `cover` (0 to 1) says."""
    signal += cover * (value - signal)


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], cell: int) -> Plane:
    """Random field (y, x) of about unit amplitude that varies over `cell` pixels: bilinear between random knots."""
    rows, columns = (length // cell + 2 for length in shape)
    knots = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
    row, column = (np.arange(length, dtype=np.float32) / cell for length in shape)
    top, left = row.astype(int), column.astype(int)
    down, right = (row - top)[:, None], (column - left)[None, :]
    upper = knots[top][:, left] * (1 - right) + knots[top][:, left + 1] * right
    lower = knots[top + 1][:, left] * (1 - right) + knots[top + 1][:, left + 1] * right
    return np.asarray(upper * (1 - down) + lower * down, dtype=np.float32)
