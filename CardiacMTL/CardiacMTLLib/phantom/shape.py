"""`HeartShape`: both ventricles at one instant as a few lengths, and their volumes in closed form.

Heights h run from the epicardial apex of the left ventricle (0) towards the base plane, along a straight axis. Cross-sections
are star-shaped around that axis: every outline is a radius that depends on height and angle (see `outline`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from CardiacMTLLib.errors import UsageError

BASE_ABOVE_EQUATOR = 0.3
"""Height of the base plane above the cavity's equator, in semi-axes: the left ventricle is a truncated ellipsoid."""

BUMP_POWER = 4
"""Exponent of the regional bump ((1 + cos a) / 2)^n; 4 gives a full width at half maximum of 94 degrees."""


@dataclass(frozen=True, slots=True)
class HeartShape:
    """Left cavity, left wall and right cavity at one instant.

    The left cavity is an ellipsoid of revolution of equatorial radius `lv_radius_mm`, cut by the base plane `lv_length_mm`
    above its apex; the epicardium is a concentric one, `wall_mm` wider at the equator and `apex_wall_mm` longer. Around
    one angle of the anatomy, both are scaled regionally: the radius by 1 + `endo_bump` and 1 + `epi_bump` at the centre
    of the region. The right cavity lies on the epicardium; its cross-section has `rv_base_area_mm2` at the base plane and
    shrinks to nothing `rv_length_mm` below it.

    Raises `UsageError` where a length is not positive, the wall vanishes in the region, or the right cavity is the longer one.
    """

    lv_length_mm: float
    lv_radius_mm: float
    wall_mm: float
    apex_wall_mm: float
    rv_length_mm: float
    rv_base_area_mm2: float
    endo_bump: float = 0.0
    epi_bump: float = 0.0

    def __post_init__(self) -> None:
        for name in ("lv_length_mm", "lv_radius_mm", "wall_mm", "apex_wall_mm", "rv_length_mm", "rv_base_area_mm2"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} of a phantom is {getattr(self, name)}; expected a positive number; enlarge it")
        if self.rv_length_mm > self.base_height_mm:
            raise UsageError(
                f"rv_length_mm of a phantom is {self.rv_length_mm}; expected at most "
                f"{self.base_height_mm} mm, the left ventricle's; shorten it"
            )
        thinnest_mm = self.epi_radius_mm * (1 + self.epi_bump) - self.lv_radius_mm * (1 + self.endo_bump)
        if thinnest_mm <= 0:
            raise UsageError(
                f"the phantom's wall is {thinnest_mm:.1f} mm thick in its region; expected a positive number; reduce endo_bump"
            )

    @property
    def epi_radius_mm(self) -> float:
        """Equatorial radius of the epicardium, away from the region."""
        return self.lv_radius_mm + self.wall_mm

    @property
    def base_height_mm(self) -> float:
        """Height of the base plane above the epicardial apex."""
        return self.apex_wall_mm + self.lv_length_mm

    @property
    def lv_semi_axis_mm(self) -> float:
        """Long semi-axis of the left cavity's ellipsoid."""
        return self.lv_length_mm / (1 + BASE_ABOVE_EQUATOR)

    @property
    def epi_semi_axis_mm(self) -> float:
        """Long semi-axis of the epicardium's ellipsoid."""
        return self.lv_semi_axis_mm + self.apex_wall_mm

    @property
    def lv_ml(self) -> float:
        """Volume of the left cavity, closed form."""
        volume = truncated_ellipsoid_mm3(self.lv_radius_mm, self.lv_semi_axis_mm, self.lv_length_mm)
        return volume * angular_factor(self.endo_bump) / 1000

    @property
    def epi_ml(self) -> float:
        """Volume inside the left epicardium, closed form."""
        volume = truncated_ellipsoid_mm3(self.epi_radius_mm, self.epi_semi_axis_mm, self.base_height_mm)
        return volume * angular_factor(self.epi_bump) / 1000

    @property
    def myocardium_ml(self) -> float:
        """Volume of the left wall, closed form."""
        return self.epi_ml - self.lv_ml

    @property
    def rv_ml(self) -> float:
        """Volume of the right cavity: `rv_area_share` integrates to one half."""
        return self.rv_base_area_mm2 * self.rv_length_mm / 2000

    def lv_radius_at(self, height_mm: float) -> float:
        """Radius of the left cavity at a height, away from the region; 0 outside the cavity."""
        return self._ellipse_at(height_mm - self.apex_wall_mm, self.lv_radius_mm, self.lv_semi_axis_mm, height_mm)

    def epi_radius_at(self, height_mm: float) -> float:
        """Radius of the epicardium at a height, away from the region; 0 outside the left ventricle."""
        return self._ellipse_at(height_mm, self.epi_radius_mm, self.epi_semi_axis_mm, height_mm)

    def rv_level_at(self, height_mm: float) -> float:
        """Height within the right cavity: 0 at its apex and below, 1 at the base plane."""
        return min(max(1 - (self.base_height_mm - height_mm) / self.rv_length_mm, 0.0), 1.0)

    def rv_area_at(self, height_mm: float) -> float:
        """Cross-section of the right cavity in mm2 at a height; 0 outside it."""
        if height_mm > self.base_height_mm:
            return 0.0
        return self.rv_base_area_mm2 * rv_area_share(self.rv_level_at(height_mm))

    def _ellipse_at(self, above_apex_mm: float, radius_mm: float, semi_axis_mm: float, height_mm: float) -> float:
        if above_apex_mm <= 0 or height_mm > self.base_height_mm:
            return 0.0
        return radius_mm * math.sqrt(max(1 - (above_apex_mm / semi_axis_mm - 1) ** 2, 0.0))


def between(start: HeartShape, end: HeartShape, fraction: float) -> HeartShape:
    """The shape `fraction` (0 to 1) of the way from `start` to `end`.

    Every length moves linearly but the wall's thickness, which follows from its volume: that moves linearly instead.
    """
    names = [item.name for item in fields(HeartShape)]
    values = {name: getattr(start, name) * (1 - fraction) + getattr(end, name) * fraction for name in names}
    moved = HeartShape(**values)
    wall_ml = start.myocardium_ml * (1 - fraction) + end.myocardium_ml * fraction
    epi_radius_mm = radius_of_volume_mm(moved.lv_ml + wall_ml, moved.epi_semi_axis_mm, moved.base_height_mm, moved.epi_bump)
    return replace(moved, wall_mm=epi_radius_mm - moved.lv_radius_mm)


def truncated_ellipsoid_mm3(radius_mm: float, semi_axis_mm: float, height_mm: float) -> float:
    """Volume of an ellipsoid of revolution from its apex up to `height_mm` above that apex."""
    cut = height_mm / semi_axis_mm - 1
    return math.pi * radius_mm**2 * semi_axis_mm * (2 / 3 + cut - cut**3 / 3)


def radius_of_volume_mm(volume_ml: float, semi_axis_mm: float, height_mm: float, bump: float) -> float:
    """Equatorial radius of the truncated ellipsoid that has a volume, with a regional `bump` on it."""
    return math.sqrt(1000 * volume_ml / (truncated_ellipsoid_mm3(1.0, semi_axis_mm, height_mm) * angular_factor(bump)))


def angular_factor(bump: float) -> float:
    """Mean over all angles of (1 + bump ((1 + cos a) / 2)^n)^2: what a regional bump does to a cross-section's area.

    The mean of ((1 + cos a) / 2)^m is binomial(2 m, m) / 4^m.
    """
    first, second = (math.comb(2 * m, m) / float(4**m) for m in (BUMP_POWER, 2 * BUMP_POWER))
    return 1 + 2 * bump * first + bump**2 * second


def rv_area_share(level: float) -> float:
    """Cross-section of the right cavity at `level` (0 apex, 1 base) as a share of that at the base; its integral is 1/2.

    The mean of a straight line and a smooth step, as the areas of expert masks run from apex to base.
    """
    return (level + 3 * level**2 - 2 * level**3) / 2
