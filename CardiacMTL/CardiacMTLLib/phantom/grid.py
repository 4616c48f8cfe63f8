"""`PhantomGrid`: where and how finely a phantom is sampled, as its file would say."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from CardiacMTLLib.geometry import Geometry, Triple
from CardiacMTLLib.phantom.anatomy import PhantomAnatomy


def _short_axis_direction() -> tuple[float, ...]:
    towards_base = np.array([-0.62, 0.60, 0.50])
    to_the_left = np.array([0.70, 0.71, 0.02])
    normal = towards_base / np.linalg.norm(towards_base)
    row = to_the_left - (to_the_left @ normal) * normal
    row /= np.linalg.norm(row)
    return tuple(np.column_stack([row, np.cross(normal, row), normal]).ravel().tolist())


SHORT_AXIS_DIRECTION = _short_axis_direction()
"""Orientation of a usual short-axis stack: x to the left and back, y down, z from apex to base; right-handed."""


@dataclass(frozen=True, slots=True)
class PhantomGrid:
    """Voxel grid of a phantom's file; z is the slice axis.

    The heart is placed relative to the grid, not to the patient: its axis runs `heart_xy_mm` from the middle of the plane
    (in standard axes) and its base plane at ED lies `above_base_mm` below the end of the basal slice. `direction` and
    `origin_xyz_mm` only say where the file puts the voxels (LPS); every orientation gives the same study in standard axes.
    """

    size_xyz: tuple[int, int, int] = (216, 216, 13)
    spacing_xyz_mm: Triple = (1.5, 1.5, 8.0)
    direction: tuple[float, ...] = SHORT_AXIS_DIRECTION
    origin_xyz_mm: Triple = (-100.0, -160.0, 170.0)
    heart_xy_mm: tuple[float, float] = (-4.0, -9.0)
    above_base_mm: float = 8.0

    @property
    def geometry(self) -> Geometry:
        """The grid as the file has it; raises `GeometryError` where it is not a regular grid."""
        return Geometry(self.size_xyz, self.spacing_xyz_mm, self.direction, self.origin_xyz_mm)

    @classmethod
    def covering(cls, anatomy: PhantomAnatomy, slice_distance_mm: float = 8.0) -> PhantomGrid:
        """The default grid with as many slices as reach from one below the apex to one above the base at ED."""
        n_slices = math.ceil(anatomy.ed.base_height_mm / slice_distance_mm - 1e-9) + 2
        width, height, _ = cls().size_xyz
        return cls(
            size_xyz=(width, height, n_slices),
            spacing_xyz_mm=(*cls().spacing_xyz_mm[:2], slice_distance_mm),
            above_base_mm=slice_distance_mm,
        )
