"""One slice as a square picture: plain, and with the outlines and a light fill of the structures.

Masks are drawn as smooth outlines, as a reader draws them: endocardium, epicardium, right ventricle. Each structure is
interpolated to twice the size of the tile, the strongest one wins, and the lines are averaged down; an outline stays within
about half a voxel of the mask's own border.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from CardiacMTLLib.labels import STRUCTURES, Label
from CardiacMTLLib.report.palette import STRUCTURE_COLORS
from CardiacMTLLib.report.slice_view import Crop

SIDE_PX = 240
"""Width and height of a tile."""

FILL_ALPHA = 0.12
LINE_ALPHA = 0.95
_FINE = 2
"""Outlines are drawn at this multiple of the tile's size, then averaged."""

_LINE_PX = 3
"""Width of an outline at the fine size: 1.5 pixels on the sheet."""


def plain_tile(grey: NDArray[np.uint8], crop: Crop, spacing_yx_mm: tuple[float, float]) -> NDArray[np.uint8]:
    """The `crop` of one slice (y, x) of 0 to 255, smoothly interpolated to (SIDE_PX, SIDE_PX); black beyond the image."""
    return np.asarray(_resample(grey, crop, spacing_yx_mm, SIDE_PX, Pillow.Resampling.BICUBIC))


def overlaid_tile(
    plain: NDArray[np.uint8], mask: NDArray[np.uint8], crop: Crop, spacing_yx_mm: tuple[float, float]
) -> NDArray[np.uint8]:
    """A plain tile with the structures of `mask` (y, x; values of `Label`) on it, as (SIDE_PX, SIDE_PX, 3) colours."""
    colours = np.repeat(plain[..., None].astype(np.float32), 3, axis=2)
    present = [label for label in STRUCTURES if (mask == label).any()]
    if not present:
        return colours.astype(np.uint8)
    winner = _finely_labelled(mask, present, crop, spacing_yx_mm)
    within_epicardium = (winner == Label.LV) | (winner == Label.MYOCARDIUM)
    for label in present:
        inside = winner == label
        outlined = within_epicardium if label is Label.MYOCARDIUM else inside
        cover = _coverage(inside, _core(outlined))[..., None]
        colours = colours * (1 - cover) + cover * np.array(STRUCTURE_COLORS[label], np.float32)
    return colours.round().astype(np.uint8)


def _resample(
    plane: NDArray[np.uint8], crop: Crop, spacing_yx_mm: tuple[float, float], side_px: int, how: Pillow.Resampling
) -> Pillow.Image:
    """The crop of `plane` at `side_px` pixels a side; only the part inside the image is interpolated, the rest is black."""
    dy_mm, dx_mm = spacing_yx_mm
    height, width = plane.shape
    px_per_mm = side_px / crop.side_mm
    left, top = max(crop.left_mm, 0.0), max(crop.top_mm, 0.0)
    right, bottom = min(crop.left_mm + crop.side_mm, width * dx_mm), min(crop.top_mm + crop.side_mm, height * dy_mm)
    size = (max(round((right - left) * px_per_mm), 1), max(round((bottom - top) * px_per_mm), 1))
    box = (left / dx_mm, top / dy_mm, min(right / dx_mm, width), min(bottom / dy_mm, height))
    part = Pillow.fromarray(plane).resize(size, how, box=box)
    if size == (side_px, side_px):
        return part
    whole = Pillow.new("L", (side_px, side_px))
    whole.paste(part, (round((left - crop.left_mm) * px_per_mm), round((top - crop.top_mm) * px_per_mm)))
    return whole


def _finely_labelled(
    mask: NDArray[np.uint8], present: list[Label], crop: Crop, spacing_yx_mm: tuple[float, float]
) -> NDArray[np.uint8]:
    """The crop of `mask` at the fine size, with smooth borders: where the smoothed structures overlap the strongest wins."""
    shares = []
    for label in present:
        share = _softened(np.where(mask == label, np.uint16(255), np.uint16(0)))
        fine = _resample(share, crop, spacing_yx_mm, SIDE_PX * _FINE, Pillow.Resampling.BILINEAR)
        shares.append(np.asarray(fine))
    winner = np.zeros(shares[0].shape, np.uint8)
    strongest = 255 - np.minimum(np.sum(shares, axis=0, dtype=np.uint16), 255).astype(np.uint8)
    for label, share in zip(present, shares, strict=True):
        ahead = share > strongest
        winner[ahead] = label
        strongest = np.maximum(strongest, share)
    return winner


def _softened(share: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """`share` (y, x; 0 to 255) with the weights (1, 10, 1) / 12 along both axes: less stairs; a lone voxel stays above half."""
    for axis in (0, 1):
        padded = np.pad(share, [(1, 1) if axis == along else (0, 0) for along in (0, 1)], mode="edge")
        before, after = (padded[:-2], padded[2:]) if axis == 0 else (padded[:, :-2], padded[:, 2:])
        share = (before + 10 * share + after) // 12
    return share.astype(np.uint8)


def _coverage(inside: NDArray[np.bool_], core: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Opacity at tile size of one structure (given at the fine size): light in the `core`, dense on the line around it."""
    opacity = np.where(inside, np.where(core, np.float32(FILL_ALPHA), np.float32(LINE_ALPHA)), np.float32(0))
    mean = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    for row in range(_FINE):
        for column in range(_FINE):
            mean += opacity[row::_FINE, column::_FINE]
    return mean / np.float32(_FINE**2)


def _core(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`inside` without the width of an outline; the picture's edge counts as inside."""
    core = inside.copy()
    for _ in range(_LINE_PX):
        outer = core.copy()
        core[1:] &= outer[:-1]
        core[:-1] &= outer[1:]
        core[:, 1:] &= outer[:, :-1]
        core[:, :-1] &= outer[:, 1:]
    return core
