"""Which part of which slices a picture shows: their order from base to apex, the crop around the heart, the grey window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.measure.orientation import base_first, has_orientation
from CardiacMTLLib.volume import CineStudy, Image, Mask

MARGIN_MM = 18.0
"""Surroundings that stay visible about the heart."""

WINDOW_PERCENTILES = (1.0, 99.5)
"""Grey values that become black and white: a few bright vessels and fat voxels may saturate."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of the slice plane, the same in every slice: left and top edge and side, in mm from the image's corner.

    The square may reach beyond the image.
    """

    left_mm: float
    top_mm: float
    side_mm: float


class Ends(Enum):
    """How it is known which end of a stack is the base: the clause that a picture prints."""

    ORIENTATION = "slices from base to apex"
    MASKS = "slices from base to apex as the masks suggest (the file holds no orientation)"
    UNKNOWN = "slices as stored (the file holds no orientation)"


def reading_order(study: CineStudy, masks: Iterable[Mask]) -> tuple[list[int], Ends]:
    """Indices of the slices (z) in reading order, base first (`measure.orientation.base_first`), and what that rests on."""
    order, known_by = base_first(study.geometry, masks)
    return order, Ends[known_by.name]


def edge_letters(geometry: Geometry) -> tuple[str, str] | None:
    """Where the right and the lower edge of a picture lie in the patient, as in "LP" and "IA"; None where that is not known.

    Letters of both signs of the axes R-L, A-P, I-S, the largest component first, without those under a quarter.
    """
    if not has_orientation(geometry):
        return None
    names = (("R", "L"), ("A", "P"), ("I", "S"))
    right, lower = (
        "".join(
            names[axis][int(vector[axis] > 0)]
            for axis in sorted(range(3), key=lambda axis: -abs(vector[axis]))
            if abs(vector[axis]) >= 0.25
        )
        for vector in geometry.direction_matrix.T[:2].tolist()
    )
    return right, lower


def stored_slice_number(study: CineStudy, z: int) -> int:
    """Number of slice `z` in the file it came from, counted from 1."""
    return study.geometry.shape_zyx[0] - z if study.stored.order.flips[2] else z + 1


def crop_around(masks: Iterable[Mask], geometry: Geometry, margin_mm: float = MARGIN_MM) -> Crop:
    """The common crop of all slices: the square about all segmented voxels with a margin, or the whole image without any."""
    _, height, width = geometry.shape_zyx
    dx_mm, dy_mm, _ = geometry.spacing_xyz_mm
    seen = np.zeros((height, width), dtype=bool)
    for mask in masks:
        seen |= (mask > 0).any(axis=0)
    if not seen.any():
        side = max(width * dx_mm, height * dy_mm)
        return Crop((width * dx_mm - side) / 2, (height * dy_mm - side) / 2, side)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    left, right = columns[0] * dx_mm, (columns[-1] + 1) * dx_mm
    top, bottom = rows[0] * dy_mm, (rows[-1] + 1) * dy_mm
    side = max(right - left, bottom - top) + 2 * margin_mm
    return Crop(
        _inside((left + right - side) / 2, side, width * dx_mm), _inside((top + bottom - side) / 2, side, height * dy_mm), side
    )


def _inside(start_mm: float, side_mm: float, extent_mm: float) -> float:
    """`start_mm` moved so that a square of `side_mm` lies within `extent_mm`, or is centred on it where it is larger."""
    if side_mm >= extent_mm:
        return (extent_mm - side_mm) / 2
    return min(max(start_mm, 0.0), extent_mm - side_mm)


def grey_window(images: Iterable[Image], crop: Crop, geometry: Geometry) -> tuple[float, float]:
    """Intensities shown as black and as white, from the percentiles of all `images` (z, y, x) within `crop`."""
    dx_mm, dy_mm, _ = geometry.spacing_xyz_mm
    x0, x1 = (max(round(edge / dx_mm), 0) for edge in (crop.left_mm, crop.left_mm + crop.side_mm))
    y0, y1 = (max(round(edge / dy_mm), 0) for edge in (crop.top_mm, crop.top_mm + crop.side_mm))
    values = np.concatenate([image[:, y0:y1, x0:x1].ravel() for image in images])
    low, high = np.percentile(values[:: max(1, values.size // 200_000)], WINDOW_PERCENTILES)
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)


def to_grey(image: Image, window: tuple[float, float]) -> NDArray[np.uint8]:
    """`image` (any shape) as 0 to 255, the lower bound of `window` black and the upper white."""
    low, high = window
    scaled: NDArray[np.float32] = (image.astype(np.float32) - np.float32(low)) * np.float32(255 / (high - low))
    return np.clip(scaled, 0, 255).astype(np.uint8)
