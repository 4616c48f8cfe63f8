"""Cleaning a mask: one heart, without islands and holes."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from CardiacMTLLib.labels import Label
from CardiacMTLLib.volume import Mask


def clean_mask(mask: Mask) -> Mask:
    """A new (z, y, x) mask with one LV cavity, the wall that hangs on it, one RV, and no holes.

    The largest connected piece of the LV stays, with all of the wall that is connected to it (without an LV, the largest
    piece of wall), and the largest piece of the RV; pieces hang together through faces, edges and corners. Holes of a slice
    inside LV and wall become LV cavity where they hang on it, and wall elsewhere, unless the RV lies there.
    """
    box = _bounding_box(mask > 0)
    if box is None:
        return mask.copy()
    part = mask[box]
    cavity = _largest_piece(part == Label.LV)
    left = _largest_piece(cavity | (part == Label.MYOCARDIUM), core=cavity)
    right = _largest_piece(part == Label.RV)
    cleaned = np.where(left, part, Label.BACKGROUND).astype(np.uint8)
    holes = _holes(left) & ~right
    cleaned[holes] = Label.MYOCARDIUM
    cleaned[holes & _largest_piece(cavity | holes, core=cavity)] = Label.LV
    cleaned[right] = Label.RV
    result = np.zeros_like(mask)
    result[box] = cleaned
    return result


def _largest_piece(region: NDArray[np.bool_], core: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """The largest connected piece of `region`, or the one that holds `core`, where there is one."""
    if not region.any():
        return region
    pieces = sitk.ConnectedComponent(sitk.GetImageFromArray(region.astype(np.uint8)), True)
    numbers = sitk.GetArrayFromImage(pieces)
    counted = numbers[core] if core is not None and core.any() else numbers[region]
    largest: NDArray[np.bool_] = numbers == np.bincount(counted).argmax()
    return largest


def _holes(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    holes = np.zeros_like(region)
    for index, plane in enumerate(region):
        if plane.any():
            framed = sitk.GetImageFromArray(np.pad(plane, 1).astype(np.uint8))
            filled = sitk.GetArrayFromImage(sitk.BinaryFillhole(framed))[1:-1, 1:-1]
            holes[index] = (filled > 0) & ~plane
    return holes


def _bounding_box(region: NDArray[np.bool_]) -> tuple[slice, ...] | None:
    if not region.any():
        return None
    spans = (np.flatnonzero(region.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3))
    return tuple(slice(int(span[0]), int(span[-1]) + 1) for span in spans)
