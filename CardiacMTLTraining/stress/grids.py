"""Changes of the grid of a study, each with its counterpart for a mask on that grid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label
from CardiacMTLLib.preprocess.resample import Matrix, Window, centre_of
from CardiacMTLLib.volume import CineStudy, Mask


def turned(study: CineStudy, quarters: int) -> CineStudy:
    """`study` seen turned by `quarters` of a turn in the plane of its slices, anticlockwise where y runs downwards.

    The patient is turned against the grid, as a turned field of view shows it in a file without orientation: directions and
    origin stay, size and spacing along x and y change places where the turn is odd.
    """
    geometry = study.geometry
    if quarters % 2:
        (x, y, z), (dx, dy, dz) = geometry.size_xyz, geometry.spacing_xyz_mm
        geometry = replace(geometry, size_xyz=(y, x, z), spacing_xyz_mm=(dy, dx, dz))
    return _on_grid(study, _turned(study.frames, quarters), geometry)


def turned_mask(mask: Mask, quarters: int) -> Mask:
    """The (z, y, x) mask on the grid that `turned` gives its study."""
    return _turned(mask, quarters)


def every_second_slice(study: CineStudy) -> CineStudy:
    """`study` with its first slice, at the apex, and each second one after it, twice as far apart."""
    (x, y, z), (dx, dy, dz) = study.geometry.size_xyz, study.geometry.spacing_xyz_mm
    geometry = replace(study.geometry, size_xyz=(x, y, (z + 1) // 2), spacing_xyz_mm=(dx, dy, 2 * dz))
    return _on_grid(study, study.frames[:, ::2], geometry)


def every_second_slice_mask(mask: Mask) -> Mask:
    """The (z, y, x) mask in the slices that `every_second_slice` keeps."""
    return mask[::2]


def coarser(study: CineStudy, pixel_mm: float) -> CineStudy:
    """`study` on pixels of `pixel_mm` about the same middle, without aliasing; an axis that is not finer stays as it is.

    Nothing is put back on the old grid: the study is what a scanner of that resolution would have stored.
    """
    to_y, to_x = _matrices(study.geometry, pixel_mm)
    darkest = study.frames.min()
    frames = to_y @ (study.frames - darkest).astype(np.float32) @ to_x.T + np.float32(darkest)
    return _on_grid(study, frames, _coarser_grid(study.geometry, pixel_mm))


def coarser_mask(mask: Mask, geometry: Geometry, pixel_mm: float) -> Mask:
    """The (z, y, x) mask of `geometry` on the grid that `coarser` gives its study: the label with the largest share there."""
    to_y, to_x = _matrices(geometry, pixel_mm)
    shares = np.stack([to_y @ (mask == label).astype(np.float32) @ to_x.T for label in Label])
    coarse: Mask = shares.argmax(axis=0).astype(np.uint8)
    return coarse


def _matrices(geometry: Geometry, pixel_mm: float) -> tuple[Matrix, Matrix]:
    """Matrices (new y, y) and (new x, x), the library's own, one window an axis."""
    grid, centre = _coarser_grid(geometry, pixel_mm), centre_of(geometry)
    (x, y, _), (dx, dy, _) = grid.size_xyz, grid.spacing_xyz_mm
    return Window(centre, y, dy).sample_matrices(geometry)[0], Window(centre, x, dx).sample_matrices(geometry)[1]


def _coarser_grid(geometry: Geometry, pixel_mm: float) -> Geometry:
    """As many whole pixels as fit into the plane; the outermost lie within it."""
    (x, y, z), (dx, dy, dz) = geometry.size_xyz, geometry.spacing_xyz_mm
    new_dx, new_dy = max(dx, pixel_mm), max(dy, pixel_mm)
    # The fraction is for an axis that stays as it is, whose size times spacing over spacing may fall short of the size.
    new_x, new_y = (max(1, int(size * old / new + 1e-6)) for size, old, new in ((x, dx, new_dx), (y, dy, new_dy)))
    start_mm = np.array([((x - 1) * dx - (new_x - 1) * new_dx) / 2, ((y - 1) * dy - (new_y - 1) * new_dy) / 2, 0.0])
    origin = np.asarray(geometry.origin_xyz_mm) + geometry.direction_matrix @ start_mm
    return Geometry(
        (new_x, new_y, z), (new_dx, new_dy, dz), geometry.direction, (float(origin[0]), float(origin[1]), float(origin[2]))
    )


def _turned(array: NDArray[Any], quarters: int) -> NDArray[Any]:
    return np.ascontiguousarray(np.rot90(array, quarters, axes=(-2, -1)))


def _on_grid(study: CineStudy, frames: NDArray[Any], geometry: Geometry) -> CineStudy:
    """`study` with other frames (t, z, y, x) on another grid, in whatever axes its file has."""
    stored = replace(study.stored, geometry=study.stored.order.inverse.geometry(geometry))
    return replace(study, frames=frames, geometry=geometry, stored=stored)
