"""In-plane resampling as two small matrices: one way to go into the network's window, one way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.geometry import Geometry

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """A square in-plane grid of `size` x `size` samples, `spacing_mm` apart, in the plane of a stack of slices.

    `centre_xy_mm` is the in-plane distance from the centre of voxel (0, 0) to the centre of the square, along x and y.
    """

    centre_xy_mm: tuple[float, float]
    size: int
    spacing_mm: float

    def sample_matrices(self, geometry: Geometry) -> tuple[Matrix, Matrix]:
        """Matrices Y (size, y) and X (size, x) so that `Y @ slice @ X.T` samples a slice of `geometry` in this window.

        Linear interpolation, widened to a triangle of one sample's width where the window is coarser than the image, so
        that nothing aliases. Samples outside the image are 0.
        """
        y, x = (self._positions(axis) / geometry.spacing_xyz_mm[axis] for axis in (1, 0))
        y_width, x_width = (self.spacing_mm / geometry.spacing_xyz_mm[axis] for axis in (1, 0))
        return _triangle(y, geometry.size_xyz[1], y_width), _triangle(x, geometry.size_xyz[0], x_width)

    def restore_matrices(self, geometry: Geometry) -> tuple[Matrix, Matrix]:
        """Matrices Y (y, size) and X (x, size) so that `Y @ window @ X.T` puts window values back on `geometry`'s slices.

        Voxels outside the window get 0.
        """
        y, x = (self._voxels(geometry, axis) for axis in (1, 0))
        y_width, x_width = (geometry.spacing_xyz_mm[axis] / self.spacing_mm for axis in (1, 0))
        return _triangle(y, self.size, y_width), _triangle(x, self.size, x_width)

    def inside(self, geometry: Geometry) -> tuple[slice, slice]:
        """Rows and columns of `geometry` whose voxels lie between the outermost samples of this window; may be empty."""
        spans = []
        for axis in (1, 0):
            voxels = self._voxels(geometry, axis)
            found = np.flatnonzero((voxels >= 0) & (voxels <= self.size - 1))
            spans.append(slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0))
        return spans[0], spans[1]

    def _voxels(self, geometry: Geometry, axis: int) -> NDArray[np.float64]:
        """Fractional sample indices of the voxel centres along an axis."""
        places_mm = np.arange(geometry.size_xyz[axis]) * geometry.spacing_xyz_mm[axis]
        indices: NDArray[np.float64] = (places_mm - self._positions(axis)[0]) / self.spacing_mm
        return indices

    def _positions(self, axis: int) -> NDArray[np.float64]:
        steps = np.arange(self.size, dtype=np.float64) - (self.size - 1) / 2
        return steps * self.spacing_mm + self.centre_xy_mm[axis]


def centre_of(geometry: Geometry) -> tuple[float, float]:
    """In-plane centre (x, y) of a stack, in millimetres from the centre of voxel (0, 0)."""
    x, y = ((geometry.size_xyz[axis] - 1) * geometry.spacing_xyz_mm[axis] / 2 for axis in (0, 1))
    return x, y


def _triangle(positions: NDArray[np.float64], n_inputs: int, step: float) -> Matrix:
    """(len(positions), n_inputs) weights of a triangle kernel around fractional indices `positions`, `step` inputs apart."""
    half_width = max(1.0, step)
    distance = np.abs(np.arange(n_inputs)[None, :] - positions[:, None])
    reach = int(np.ceil(half_width))
    offsets = np.arange(-reach, reach + 1)[None, :] - (positions - np.round(positions))[:, None]
    full = np.clip(1 - np.abs(offsets) / half_width, 0, None).sum(axis=1, keepdims=True)
    weights: Matrix = (np.clip(1 - distance / half_width, 0, None) / full).astype(np.float32)
    return weights
