"""Analytic short-axis stacks whose wall thickness is known in every segment, in any position, turn and mirroring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label
from CardiacMTLLib.measure.segments import PLACES
from CardiacMTLLib.volume import Mask

THICKNESS_MM = {number: 6.0 + 0.5 * number for number in range(1, 17)}
"""Every segment has its own, so that each exchange of two shows."""

LOST = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class RingHeart:
    """A cavity in a wall of `thickness_mm` by segment, and an RV over `septum_degrees` from the anterior insertion.

    Angles are those of the image, from the x axis towards the y axis (down). `towards_septum` -1 is the usual display: from the
    anterior insertion the septum follows counter-clockwise on the screen.
    """

    thickness_mm: Mapping[int, float]
    anterior_degrees: float = 240.0
    towards_septum: int = -1
    septum_degrees: float = 120.0
    radius_mm: float = 20.0
    centre_xy_mm: tuple[float, float] = (0.0, 0.0)
    rv_width_mm: float = 12.0

    def plane(self, third: int, geometry: Geometry) -> Mask:
        """The slice (y, x) of a third (0 basal, 2 apical)."""
        width, height, _ = geometry.size_xyz
        dx, dy, _ = geometry.spacing_xyz_mm
        x = (np.arange(width) - (width - 1) / 2)[None, :] * dx - self.centre_xy_mm[0]
        y = (np.arange(height) - (height - 1) / 2)[:, None] * dy - self.centre_xy_mm[1]
        radius = np.hypot(x, y)
        beyond = (self.towards_septum * (np.degrees(np.arctan2(y, x)) - self.anterior_degrees)) % 360
        outer = np.zeros_like(radius)
        for place in PLACES:
            if place.third == third:
                inside = (beyond - place.start) % 360 < place.width
                outer[inside] = self.radius_mm + self.thickness_mm[place.number]
        mask = np.zeros((height, width), np.uint8)
        mask[(radius < outer + self.rv_width_mm) & (beyond < self.septum_degrees)] = Label.RV
        mask[radius < outer] = Label.MYOCARDIUM
        mask[radius < self.radius_mm] = Label.LV
        return mask

    def stack(self, geometry: Geometry, *, base_first: bool = True) -> Mask:
        """Equal thirds of the slices (z, y, x), narrower towards the apex; the base lies at index 0 or at the end."""
        n_slices = geometry.size_xyz[2]
        thirds = [3 * i // n_slices for i in range(n_slices)]
        hearts = [
            replace(self, radius_mm=self.radius_mm - 4 * third, rv_width_mm=self.rv_width_mm - 3 * third) for third in thirds
        ]
        planes = [heart.plane(third, geometry) for heart, third in zip(hearts, thirds, strict=True)]
        return np.stack(planes if base_first else planes[::-1])


def grid(direction: tuple[float, ...] = LOST, spacing_mm: tuple[float, float] = (1.0, 1.0), n_slices: int = 6) -> Geometry:
    """A grid of 110 mm a side."""
    return Geometry((round(110 / spacing_mm[0]), round(110 / spacing_mm[1]), n_slices), (*spacing_mm, 8.0), direction)
