"""Analytic hearts as masks: half ellipsoids whose volumes are closed forms, for tests of measurement and inference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import Label
from CardiacMTLLib.volume import CineStudy, Image, Mask, Patient, StoredGrid


@dataclass(frozen=True, slots=True)
class HalfEllipsoidHeart:
    """LV, its wall and RV as halves of ellipsoids of revolution that hang from one base plane.

    The RV stands clear of the wall, so that no voxel is claimed twice. `centre_xy_mm` is the LV's axis, from the middle
    of the plane.
    """

    lv_radius_mm: float = 24.0
    lv_length_mm: float = 72.0
    wall_mm: float = 9.0
    rv_radius_mm: float = 20.0
    rv_length_mm: float = 60.0
    centre_xy_mm: tuple[float, float] = (0.0, 0.0)

    @property
    def lv_ml(self) -> float:
        return _half_ellipsoid_ml(self.lv_radius_mm, self.lv_length_mm)

    @property
    def rv_ml(self) -> float:
        return _half_ellipsoid_ml(self.rv_radius_mm, self.rv_length_mm)

    @property
    def myocardium_ml(self) -> float:
        return _half_ellipsoid_ml(self.lv_radius_mm + self.wall_mm, self.lv_length_mm + self.wall_mm) - self.lv_ml

    def mask(self, geometry: Geometry, slices_above_base: int = 1) -> Mask:
        """The mask on `geometry`; the base plane is the lower end of the last `slices_above_base` slices."""
        n_slices, height, width = geometry.shape_zyx
        dx, dy, dz = geometry.spacing_xyz_mm
        below_mm = ((n_slices - slices_above_base - np.arange(n_slices)) - 0.5)[:, None, None] * dz
        x_mm = ((np.arange(width) - (width - 1) / 2) * dx - self.centre_xy_mm[0])[None, None, :]
        y_mm = ((np.arange(height) - (height - 1) / 2) * dy - self.centre_xy_mm[1])[None, :, None]
        rv_offset_mm = self.lv_radius_mm + self.wall_mm + self.rv_radius_mm + 2.5

        def inside(radius_mm: float, length_mm: float, shift_mm: float) -> np.ndarray:
            reach = ((x_mm + shift_mm) ** 2 + y_mm**2) / radius_mm**2 + (below_mm / length_mm) ** 2
            return np.asarray((reach <= 1) & (below_mm > 0))

        mask = np.zeros(geometry.shape_zyx, dtype=np.uint8)
        mask[inside(self.rv_radius_mm, self.rv_length_mm, rv_offset_mm)] = Label.RV
        mask[inside(self.lv_radius_mm + self.wall_mm, self.lv_length_mm + self.wall_mm, 0)] = Label.MYOCARDIUM
        mask[inside(self.lv_radius_mm, self.lv_length_mm, 0)] = Label.LV
        return mask


ED_HEART = HalfEllipsoidHeart()
ES_HEART = HalfEllipsoidHeart(18.0, 62.0, 12.5, 15.0, 50.0)


def study_of(frames: Image, spacing_xyz_mm: tuple[float, float, float], **fields: object) -> CineStudy:
    """A study with frames (t, z, y, x) as its file holds them."""
    _, z, y, x = frames.shape
    geometry = Geometry((x, y, z), spacing_xyz_mm)
    patient = fields.pop("patient", Patient(174.0, 78.0))
    return CineStudy(frames, geometry, StoredGrid(geometry, AxisOrder()), patient=patient, **fields)  # type: ignore[arg-type]


def _half_ellipsoid_ml(radius_mm: float, length_mm: float) -> float:
    return 2 / 3 * math.pi * radius_mm**2 * length_mm / 1000
