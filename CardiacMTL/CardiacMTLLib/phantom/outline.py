"""Outlines in a short-axis plane: radius from the left ventricular axis as a function of angle.

Angles are in radians around the axis of the left ventricle: 0 points to the septum (left in the image), positive
angles turn towards the anterior wall (up in the image).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.phantom.shape import BUMP_POWER

Plane = NDArray[np.float32]
"""Values on the pixels of one plane, (y, x)."""

RV_SECTOR = (math.radians(-75.0), math.radians(70.0))
"""Angles of the inferior and the anterior insertion of the right ventricle."""

_BASAL_LOBES = ((0.7, 0.65, 1.4), (0.3, 2.4, 0.35))
_APICAL_LOBES = ((1.0, 0.8, 2.0),)


def regional_bump(angle: Plane, centre: float) -> Plane:
    """The bump ((1 + cos(angle - centre)) / 2)^n, 1 at `centre`."""
    return np.asarray((0.5 + 0.5 * np.cos(angle - centre)) ** BUMP_POWER, dtype=np.float32)


def rv_lobes(angle: Plane) -> tuple[Plane, Plane]:
    """How the right cavity's area is spread over angle, at its base and at its apex.

    Both are densities: they integrate to one over angle and vanish outside `RV_SECTOR`. The basal one has an inferior and an
    outflow lobe, the apical one lies inferiorly.
    """
    return _lobes(angle, _BASAL_LOBES), _lobes(angle, _APICAL_LOBES)


def rv_outer_radius(epi_radius: Plane, area_mm2: float, density: Plane) -> Plane:
    """Radius of the right cavity's free wall over an epicardium of radius `epi_radius`.

    A crescent between radii a and b has the area of half the integral of b^2 - a^2; with b^2 = a^2 + 2 A density it is
    exactly A, whatever the epicardium's shape.
    """
    return np.asarray(np.sqrt(epi_radius**2 + np.float32(2 * area_mm2) * density), dtype=np.float32)


def _lobes(angle: Plane, lobes: tuple[tuple[float, float, float], ...]) -> Plane:
    low, high = RV_SECTOR
    share = np.clip((angle - low) / (high - low), 0, 1)
    total = np.zeros_like(share)
    for weight, rise, fall in lobes:
        integral = math.gamma(rise + 1) * math.gamma(fall + 1) / math.gamma(rise + fall + 2)
        total += weight / (integral * (high - low)) * share**rise * (1 - share) ** fall
    return np.asarray(total, dtype=np.float32)
