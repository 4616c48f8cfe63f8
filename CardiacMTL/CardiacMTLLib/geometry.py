"""`Geometry`: where the voxels of a grid lie in the patient, and the one way to turn a grid into standard axes.

Index axes are named x, y, z (fastest first, as in ITK); arrays are (..., z, y, x). Physical space is LPS in
millimetres (left, posterior, superior positive); Slicer's RAS differs by the sign of the first two coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import GeometryError

Triple = tuple[float, float, float]

MAX_ROUNDING_DEGREES = 0.2
"""Directions that deviate less than this from a rotation are header rounding (real files reach 0.006 degrees)."""

_TOWARDS_BASE_LPS = np.array([-0.6, 0.6, 0.5])
"""Usual direction from the apex to the base of the heart: to the right, backwards and up.

True short-axis stacks lie within some 40 degrees of it, so its sign is a stable way to say which end of a stack is basal;
for a file that lost its orientation (identity direction, as in ACDC) it keeps the stored order.
"""

_TIE = 1e-4
"""Differences of direction cosines below this are header rounding and never decide an axis order."""

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


_BELIEVABLE_SPACING_MM = (1e-6, 1e6)
_FARTHEST_ORIGIN_MM = 1e9
"""A nanometre to a kilometre, and a thousand kilometres: beyond these, places of voxels get lost in rounding."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """A regular grid of voxels in patient space.

    `direction` is the row-major 3 x 3 matrix whose columns are the unit vectors of the x, y and z index axes in LPS;
    `origin_xyz_mm` is the LPS position of the centre of voxel (0, 0, 0). A left-handed grid (determinant -1) is allowed.

    Raises `GeometryError` for sizes below one, spacing that is not positive and finite, spacing and origins that no image
    has (see the limits above), and directions that are not orthonormal (see `nearest_rotation` for directions that come from
    a file).
    """

    size_xyz: tuple[int, int, int]
    spacing_xyz_mm: Triple
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    origin_xyz_mm: Triple = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if len(self.size_xyz) != 3 or min(self.size_xyz) < 1:
            raise GeometryError(f"grid size is {self.size_xyz}; expected three numbers of at least 1; check the file's header")
        spacing = np.asarray(self.spacing_xyz_mm, dtype=float)
        if spacing.shape != (3,) or not np.isfinite(spacing).all() or spacing.min() <= 0:
            raise GeometryError(
                f"voxel spacing is {self.spacing_xyz_mm} mm; expected three positive numbers; check the file's header"
            )
        smallest, largest = _BELIEVABLE_SPACING_MM
        if spacing.min() < smallest or spacing.max() > largest:
            raise GeometryError(
                f"voxel spacing is {self.spacing_xyz_mm} mm; expected {smallest:g} to {largest:g}; check the file's header"
            )
        if not (np.abs(np.asarray(self.origin_xyz_mm, dtype=float)) <= _FARTHEST_ORIGIN_MM).all():
            raise GeometryError(
                f"origin is {self.origin_xyz_mm} mm; expected finite numbers up to {_FARTHEST_ORIGIN_MM:g}; "
                "check the file's header"
            )
        matrix = np.asarray(self.direction, dtype=float)
        if matrix.size != 9 or not is_orthonormal(matrix.reshape(3, 3)):
            raise GeometryError("directions are not orthonormal; expected a rotation matrix; check the file's header")

    @property
    def shape_zyx(self) -> tuple[int, int, int]:
        """Shape of an array on this grid."""
        x, y, z = self.size_xyz
        return z, y, x

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(np.prod(self.spacing_xyz_mm)) / 1000.0

    @property
    def direction_matrix(self) -> NDArray[np.float64]:
        """(3, 3) matrix; column i is the LPS direction of index axis i."""
        return np.asarray(self.direction, dtype=float).reshape(3, 3)

    @property
    def is_left_handed(self) -> bool:
        """Whether x, y, z index axes form a left-handed system."""
        return bool(np.linalg.det(self.direction_matrix) < 0)

    @property
    def index_to_lps(self) -> NDArray[np.float64]:
        """(4, 4) matrix from homogeneous (x, y, z) indices to LPS millimetres."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.direction_matrix * np.asarray(self.spacing_xyz_mm)
        matrix[:3, 3] = self.origin_xyz_mm
        return matrix

    @property
    def ijk_to_ras(self) -> NDArray[np.float64]:
        """(4, 4) matrix from homogeneous (i, j, k) = (x, y, z) indices to RAS millimetres, as Slicer wants it."""
        return np.asarray(_LPS_TO_RAS @ self.index_to_lps, dtype=float)

    @classmethod
    def from_index_to_lps(cls, matrix: NDArray[np.float64], size_xyz: tuple[int, int, int]) -> Geometry:
        """Geometry of a (4, 4) index-to-LPS matrix; raises `GeometryError` where its axes are sheared or vanish."""
        spacing = np.linalg.norm(matrix[:3, :3], axis=0)
        if not np.isfinite(matrix).all() or spacing.min() <= 0:
            raise GeometryError(
                f"voxel spacing is {_triple(spacing)} mm; expected three positive numbers; check the file's header"
            )
        direction, _ = nearest_rotation(matrix[:3, :3] / spacing)
        return cls(size_xyz, _triple(spacing), direction, _triple(matrix[:3, 3]))

    @classmethod
    def from_ijk_to_ras(cls, matrix: NDArray[np.float64], size_xyz: tuple[int, int, int]) -> Geometry:
        """Geometry of a (4, 4) IJK-to-RAS matrix; raises as `from_index_to_lps`."""
        return cls.from_index_to_lps(_LPS_TO_RAS @ matrix, size_xyz)

    def matches(self, other: Geometry, tolerance_mm: float = 1e-2) -> bool:
        """Whether both grids have the same size and their corner voxels lie within `tolerance_mm` of each other."""
        if self.size_xyz != other.size_xyz:
            return False
        corners = np.array([[*corner, 1.0] for corner in product(*((0, n - 1) for n in self.size_xyz))])
        apart = (self.index_to_lps - other.index_to_lps) @ corners.T
        return bool(np.abs(apart).max() <= tolerance_mm)


@dataclass(frozen=True, slots=True)
class AxisOrder:
    """A signed permutation of axes: axis a of the result is axis `axes[a]` of the source, reversed where `flips[a]`.

    Axes count as x = 0, y = 1, z = 2. Both directions only rearrange voxels; nothing is interpolated.
    """

    axes: tuple[int, int, int] = (0, 1, 2)
    flips: tuple[bool, bool, bool] = (False, False, False)

    def apply(self, array: NDArray[Any]) -> NDArray[Any]:
        """Rearrange the last three axes (z, y, x) of `array`; leading axes stay; returns a view."""
        lead = array.ndim - 3
        order = [lead + 2 - self.axes[2 - position] for position in range(3)]
        turned = array.transpose(*range(lead), *order)
        steps: tuple[Any, ...] = tuple(slice(None, None, -1 if self.flips[2 - position] else 1) for position in range(3))
        return turned[(..., *steps)]

    def undo(self, array: NDArray[Any]) -> NDArray[Any]:
        """The inverse of `apply`."""
        return self.inverse.apply(array)

    @property
    def inverse(self) -> AxisOrder:
        """The order that turns a result back into its source."""
        axes = tuple(self.axes.index(axis) for axis in range(3))
        flips = tuple(self.flips[self.axes.index(axis)] for axis in range(3))
        return AxisOrder((axes[0], axes[1], axes[2]), (flips[0], flips[1], flips[2]))

    def geometry(self, source: Geometry) -> Geometry:
        """Geometry of the rearranged grid: every voxel keeps its place in the patient."""
        signs = np.where(self.flips, -1.0, 1.0)
        direction = source.direction_matrix[:, self.axes] * signs
        start = [source.size_xyz[axis] - 1 if flip else 0 for axis, flip in zip(self.axes, self.flips, strict=True)]
        corner = np.zeros(4)
        corner[list(self.axes)] = start
        corner[3] = 1.0
        x, y, z = self.axes
        return Geometry(
            (source.size_xyz[x], source.size_xyz[y], source.size_xyz[z]),
            (source.spacing_xyz_mm[x], source.spacing_xyz_mm[y], source.spacing_xyz_mm[z]),
            tuple(direction.ravel().tolist()),
            _triple((source.index_to_lps @ corner)[:3]),
        )


def slice_axis_of_spacing(spacing_xyz_mm: Triple) -> int:
    """The slice axis (0, 1 or 2) of a plain file: the axis of the coarsest spacing, the third where that ties."""
    coarsest = max(spacing_xyz_mm)
    ties = [axis for axis in range(3) if spacing_xyz_mm[axis] >= coarsest * (1 - 1e-4)]
    return ties[0] if len(ties) == 1 else 2


def standard_order(geometry: Geometry, slice_axis: int) -> AxisOrder:
    """The order that shows a stack as short-axis images are read: right-handed, apex first, patient's left to the right.

    `slice_axis` becomes z and keeps its planes; in-plane axes are only swapped and reversed. The outcome depends on the
    physical axes alone, so that any of the 48 ways to store one study gives the same array. A file without orientation
    (identity direction) stays as it is.
    """
    direction = geometry.direction_matrix
    towards_base = points_to_base(direction[:, slice_axis])
    normal = direction[:, slice_axis] * (1 if towards_base else -1)
    candidates = [
        (axis, flip, direction[:, axis] * (-1 if flip else 1))
        for axis in range(3)
        if axis != slice_axis
        for flip in (False, True)
    ]
    for component in range(3):
        furthest = max(vector[component] for _, _, vector in candidates)
        candidates = [candidate for candidate in candidates if candidate[2][component] >= furthest - _TIE]
    x_axis, x_flip, x_direction = candidates[0]
    y_axis = 3 - slice_axis - x_axis
    y_flip = bool(direction[:, y_axis] @ np.cross(normal, x_direction) < 0)
    return AxisOrder((x_axis, y_axis, slice_axis), (x_flip, y_flip, not towards_base))


def points_to_base(normal: NDArray[np.float64]) -> bool:
    """Whether a slice normal counts as pointing to the base; where it is square to the usual axis, its first sign decides."""
    along = float(normal @ _TOWARDS_BASE_LPS)
    if abs(along) > _TIE:
        return along > 0
    return bool(normal[np.abs(normal) > _TIE][0] > 0)


def is_orthonormal(direction: NDArray[np.float64]) -> bool:
    """Whether the columns of `direction` (3, 3) are unit vectors at right angles, to single precision."""
    return bool(np.abs(direction.T @ direction - np.eye(3)).max() <= 1e-6)


def nearest_rotation(direction: NDArray[np.float64]) -> tuple[tuple[float, ...], float]:
    """The orthonormal matrix nearest to `direction` (3, 3; unit columns), row-major, and the deviation in degrees.

    The deviation is the largest departure of a pair of axes from a right angle. Raises `GeometryError` naming the angle
    where it exceeds `MAX_ROUNDING_DEGREES`: such a grid is sheared, and volumes on it would be wrong.
    """
    if not np.isfinite(direction).all():
        raise GeometryError("directions are not finite; expected a rotation matrix; check the file's header")
    u, _, vt = np.linalg.svd(direction)
    cosines = direction.T @ direction - np.eye(3)
    deviation = float(np.degrees(np.abs(np.arcsin(np.clip(cosines, -1, 1))).max()))
    if deviation > MAX_ROUNDING_DEGREES:
        raise GeometryError(
            f"voxel axes are {90 - deviation:.1f} degrees apart; expected 90 (within {MAX_ROUNDING_DEGREES:g}); "
            "resample the image onto an unsheared grid"
        )
    return tuple((u @ vt).ravel().tolist()), deviation


def _triple(values: NDArray[np.float64]) -> Triple:
    x, y, z = (float(value) for value in values)
    return x, y, z
