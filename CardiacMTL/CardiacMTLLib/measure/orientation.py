"""What directions of a grid say about the patient: whether they say anything, where the base lies, which way is up."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.geometry import Geometry, points_to_base
from CardiacMTLLib.volume import Mask

_ALONG_AN_AXIS = 1e-4
"""Direction cosines within this of 0 and 1 lie along the patient's axes; headers are in single precision."""

_SUPERIOR_LPS = np.array([0.0, 0.0, 1.0])


class BaseKnownBy(Enum):
    """How it is known which end of a stack is the base."""

    ORIENTATION = "orientation"
    MASKS = "masks"
    UNKNOWN = "unknown"


def has_orientation(geometry: Geometry) -> bool:
    """Whether the directions can be those of a short-axis stack.

    Short-axis planes are oblique to all three axes of the patient. A grid that lies exactly along them (the identity, as in
    ACDC, or any exchange and reversal of axes) is what files hold that lost their orientation, and says nothing.
    """
    matrix = np.abs(geometry.direction_matrix)
    return not bool(np.minimum(matrix, np.abs(matrix - 1)).max() < _ALONG_AN_AXIS)


def base_first(geometry: Geometry, masks: Iterable[Mask]) -> tuple[list[int], BaseKnownBy]:
    """Indices of the slices (z) from the base to the apex, and how that is known; `masks` are (z, y, x).

    The slice axis tells it as in `standard_order`. Where the file lost its orientation the wider half of the segmented heart
    is the basal one (true of all 99 ACDC training patients), and without masks the stored order stays.
    """
    order = list(range(geometry.shape_zyx[0]))
    if has_orientation(geometry):
        towards_base = points_to_base(geometry.direction_matrix[:, 2])
        return order[::-1] if towards_base else order, BaseKnownBy.ORIENTATION
    area = np.sum([np.zeros(len(order)), *((mask > 0).sum(axis=(1, 2)) for mask in masks)], axis=0)
    inside = np.flatnonzero(area)
    half = len(inside) // 2
    if not half:
        return order, BaseKnownBy.UNKNOWN
    wider_last = area[inside[-half:]].sum() > area[inside[:half]].sum()
    return order[::-1] if wider_last else order, BaseKnownBy.MASKS


def superior_in_plane(geometry: Geometry) -> NDArray[np.float64]:
    """(2,) components along the x and y axes of the patient's superior direction; shorter than 1 by what leaves the plane.

    The wall that is called anterior is the superior one of the body (Partridge and Anderson, Clin Anat 2009;22:77), so that
    this direction tells the anterior from the inferior insertion of the right ventricle.
    """
    along: NDArray[np.float64] = geometry.direction_matrix[:, :2].T @ _SUPERIOR_LPS
    return along
