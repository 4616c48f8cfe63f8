"""Negatives that are real images of a heart, but no short-axis stack: reformats, shuffled slices, inverted intensities."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.geometry import Geometry, standard_order
from CardiacMTLLib.volume import CineStudy, StoredGrid

MAX_SLICES = 16
"""Most slices of a reformat, about the middle of the plane: they cover the heart, which lies there."""


def reformatted(study: CineStudy, across: Literal["x", "y"]) -> CineStudy:
    """`study` cut anew, with slices across its `x` or `y` axis: long-axis-like views of the same heart.

    In the new plane the old slice axis is interpolated (linearly) to the old pixel spacing; the new slices are as far apart
    as the old ones were, each the mean over its thickness.
    """
    fast, slow = (0, 1) if across == "x" else (1, 0)
    spacing_mm = study.geometry.spacing_xyz_mm
    thickness = max(1, round(spacing_mm[2] / spacing_mm[fast]))
    n_slices = max(2, min(MAX_SLICES, study.geometry.size_xyz[fast] // thickness))
    # (t, z, y, x) -> (t, across, z, along)
    frames = np.moveaxis(study.frames.astype(np.float32), -1 - fast, 1)
    if frames.shape[1] < 2 * thickness:
        thickness = 1
    start = (frames.shape[1] - n_slices * thickness) // 2
    slabs = frames[:, start : start + n_slices * thickness]
    slabs = slabs.reshape(len(frames), n_slices, thickness, *slabs.shape[2:]).mean(axis=2)
    cut = _interpolated(slabs, spacing_mm[2] / spacing_mm[slow])
    axes = study.geometry.direction_matrix[:, (slow, 2, fast)]
    geometry = Geometry(
        (cut.shape[3], cut.shape[2], n_slices),
        (spacing_mm[slow], spacing_mm[slow], spacing_mm[fast] * thickness),
        tuple(axes.ravel().tolist()),
        study.geometry.origin_xyz_mm,
    )
    return replaced_images(study, cut, geometry)


def interleaved_slices(study: CineStudy) -> CineStudy:
    """`study` with every other slice first and then the rest, in all frames: an order of acquisition taken for places."""
    n_slices = study.geometry.size_xyz[2]
    return replace(study, frames=study.frames[:, [*range(0, n_slices, 2), *range(1, n_slices, 2)]])


def shuffled_slices(study: CineStudy, generator: np.random.Generator) -> CineStudy:
    """`study` with its slices in a random order, the same in all frames, in which few neighbours stay neighbours.

    Of many random orders, one with the least pairs that were neighbours before.
    """
    orders = [generator.permutation(study.geometry.size_xyz[2]) for _ in range(200)]
    order = min(orders, key=lambda some: int((np.abs(np.diff(some)) == 1).sum()))
    return replace(study, frames=study.frames[:, order])


def inverted(study: CineStudy) -> CineStudy:
    """`study` with dark for bright: each intensity from the other end of its frame's range."""
    frames = study.frames.astype(np.float32)
    ends = frames.min(axis=(1, 2, 3), keepdims=True) + frames.max(axis=(1, 2, 3), keepdims=True)
    return replace(study, frames=ends - frames)


def replaced_images(study: CineStudy, frames: NDArray[Any], geometry: Geometry) -> CineStudy:
    """A study of the same patient and phases with other images (t, z, y, x) on another grid, in standard axes."""
    order = standard_order(geometry, slice_axis=2)
    return CineStudy(
        order.apply(frames),
        order.geometry(geometry),
        StoredGrid(geometry, order),
        ed_frame=study.ed_frame,
        es_frame=study.es_frame,
        patient=study.patient,
    )


def _interpolated(slabs: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """(t, slice, z, x) with z sampled `factor` times as densely, linearly."""
    n_old = slabs.shape[2]
    places = np.linspace(0, n_old - 1, max(2, round((n_old - 1) * factor) + 1))
    below = np.minimum(places.astype(int), max(n_old - 2, 0))
    share = (places - below).astype(np.float32)[:, None]
    above = np.minimum(below + 1, n_old - 1)
    result: NDArray[np.float32] = slabs[:, :, below] * (1 - share) + slabs[:, :, above] * share
    return result
