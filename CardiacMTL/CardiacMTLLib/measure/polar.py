"""`PolarWall`: the left ventricular wall of one slice, degree by degree around the cavity's centre."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.labels import Label
from CardiacMTLLib.volume import Mask

DEGREES = 360
"""Parts of the circle; part d holds the angles from d to d + 1 degrees, from the x axis towards the y axis."""

MIN_CAVITY_MM2 = 50.0
"""Slices whose cavity is smaller (a radius of 4 mm, some three pixels) are too near the apex to have a wall around it."""

MIN_WALL_MM = 1.0
"""A wall thinner than this, less than a pixel of most studies, counts as open."""

_SAMPLE_MM = 0.4
"""Pixels are cut into parts no wider than this before they are counted by angle."""

_SMOOTH_DEGREES = 5
"""Areas are averaged over this angle, a small part of a segment."""

_HARMONICS = 6
"""Of the centreline's radius so many are kept: coarser than pixels, finer than a segment."""

_STEP = math.radians(1.0)


@dataclass(frozen=True, slots=True, eq=False)
class PolarWall:
    """Wall of one slice; all arrays are (360,), in mm or mm2.

    `outer_mm` is the radius of the epicardium, `wall_mm2` the area of myocardium, `centreline_mm` the length of the line
    midway between endo- and epicardium, `closed` whether there is a wall, `rv_mm` the distance at which the right cavity
    begins (infinite without one).
    """

    outer_mm: NDArray[np.float64]
    wall_mm2: NDArray[np.float64]
    centreline_mm: NDArray[np.float64]
    closed: NDArray[np.bool_]
    rv_mm: NDArray[np.float64]

    def thickness_mm(self, degrees: NDArray[np.intp]) -> float:
        """Thickness of the wall over those of `degrees` where it is closed, of which there must be one.

        The area of the wall over the length of its centreline: the area is exact on a pixel grid to first order, and the
        centreline makes the thickness that across the wall, not that along a ray which may cross it aslant. On a ring it is
        exactly the difference of the radii. The idea of measuring across a centreline: Sheehan et al., Circulation 1986;74:293.
        """
        there = degrees[self.closed[degrees]]
        return float(self.wall_mm2[there].sum() / self.centreline_mm[there].sum())


def polar_wall(plane: Mask, spacing_xy_mm: tuple[float, float]) -> PolarWall | None:
    """The wall of a (y, x) mask; None without a cavity of `MIN_CAVITY_MM2` and some myocardium."""
    dx_mm, dy_mm = spacing_xy_mm
    cavity = plane == Label.LV
    if cavity.sum() * dx_mm * dy_mm < MIN_CAVITY_MM2 or not (plane == Label.MYOCARDIUM).any():
        return None
    labels, radius_mm, degrees, area_mm2 = _samples(plane, cavity, dx_mm, dy_mm)
    inner_mm2 = _areas(degrees[labels == Label.LV], area_mm2)
    wall_mm2 = _areas(degrees[labels == Label.MYOCARDIUM], area_mm2)
    inner_mm, outer_mm = (np.sqrt(2 * area / _STEP) for area in (inner_mm2, inner_mm2 + wall_mm2))
    closed = outer_mm - inner_mm >= MIN_WALL_MM
    if not closed.any():
        return None
    rv_mm = np.full(DEGREES, np.inf)
    right = labels == Label.RV
    np.minimum.at(rv_mm, np.floor(degrees[right]).astype(np.intp) % DEGREES, radius_mm[right])
    return PolarWall(outer_mm, wall_mm2, _centreline((inner_mm + outer_mm) / 2, closed), closed, rv_mm)


def _samples(
    plane: Mask, cavity: NDArray[np.bool_], dx_mm: float, dy_mm: float
) -> tuple[Mask, NDArray[np.float64], NDArray[np.float64], float]:
    """Labels, distances from the cavity's centre, degrees, each (n,), of the parts of all heart pixels; and a part's area."""
    centre_y, centre_x = (indices.mean() for indices in np.nonzero(cavity))
    y, x = np.nonzero(plane)
    fine_y, fine_x = (math.ceil(width / _SAMPLE_MM) for width in (dy_mm, dx_mm))
    shift_y, shift_x = ((np.arange(count) + 0.5) / count - 0.5 for count in (fine_y, fine_x))
    shift_y, shift_x = np.repeat(shift_y, fine_x), np.tile(shift_x, fine_y)
    y_mm = ((y - centre_y)[:, None] + shift_y).ravel() * dy_mm
    x_mm = ((x - centre_x)[:, None] + shift_x).ravel() * dx_mm
    labels = np.repeat(plane[y, x], fine_y * fine_x)
    return labels, np.hypot(y_mm, x_mm), np.degrees(np.arctan2(y_mm, x_mm)) % DEGREES, dx_mm * dy_mm / (fine_x * fine_y)


def _areas(degrees: NDArray[np.float64], area_mm2: float) -> NDArray[np.float64]:
    """Area in each degree, as the mean over `_SMOOTH_DEGREES` around its middle.

    Near the centre the parts of pixels lie several degrees apart, and whole rows of them at round angles such as 45 degrees.
    """
    before = np.floor(degrees - 0.5)
    share = degrees - 0.5 - before
    index = before.astype(np.intp) % DEGREES
    area = np.bincount(index, 1 - share, DEGREES) + np.bincount((index + 1) % DEGREES, share, DEGREES)
    reach = _SMOOTH_DEGREES // 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(area, reach, mode="wrap"), _SMOOTH_DEGREES)
    mean: NDArray[np.float64] = windows.mean(axis=1) * area_mm2
    return mean


def _centreline(radius_mm: NDArray[np.float64], closed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Length in mm of the centreline in each degree; its radius is smoothed, and bridges what is open."""
    degrees = np.arange(DEGREES)
    bridged = np.interp(degrees, degrees[closed], radius_mm[closed], period=DEGREES)
    waves = np.fft.rfft(bridged)
    waves[_HARMONICS + 1 :] = 0
    smooth = np.fft.irfft(waves, DEGREES)
    slope = np.fft.irfft(waves * 1j * np.arange(len(waves)), DEGREES)
    length: NDArray[np.float64] = np.hypot(smooth, slope) * _STEP
    return length
