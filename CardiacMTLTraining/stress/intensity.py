"""Changes of the grey values of a study; its grid and its phases stay as they are.

Each takes its limits from all frames together, so that ED and ES are changed alike, and gives float32 intensities.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.volume import CineStudy

BRIGHT_PERCENTILE = 99
"""The percentile of all voxels that counts as the brightest tissue; a few voxels of inflow are brighter."""

_WAVES = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
"""Half periods along y and x of the cosines that a bias field is made of."""


def gamma_changed(study: CineStudy, exponent: float) -> CineStudy:
    """`study` with each intensity raised to `exponent` on the scale from its minimum (0) to its 99th percentile (1).

    What is brighter than that stays so: the curve goes on above 1. A study without signal is left as it is.
    """
    low, bright = float(study.frames.min()), _bright(study)
    if bright <= low:
        return study
    unit = (study.frames.astype(np.float32) - low) / (bright - low)
    return replace(study, frames=low + unit**exponent * (bright - low))


def biased(study: CineStudy, depth: float, generator: np.random.Generator) -> CineStudy:
    """`study` under a smooth gain across the plane, the same in all slices and frames, from 1 - `depth` to 1 + `depth`."""
    return replace(study, frames=study.frames * bias_field(study.geometry.shape_zyx[1:], depth, generator))


def bias_field(shape_yx: tuple[int, int], depth: float, generator: np.random.Generator) -> NDArray[np.float32]:
    """(y, x) gain made of cosines of at most one period across the plane; it reaches 1 - `depth` and 1 + `depth`."""
    y, x = (np.linspace(0, np.pi, size) for size in shape_yx)
    shares = generator.standard_normal(len(_WAVES))
    waves = [
        share * np.outer(np.cos(down * y), np.cos(across * x)) for share, (down, across) in zip(shares, _WAVES, strict=True)
    ]
    field = np.sum(waves, axis=0)
    unit = (field - field.min()) / (np.ptp(field) or 1.0)
    result: NDArray[np.float32] = (1 + depth * (2 * unit - 1)).astype(np.float32)
    return result


def noisy(study: CineStudy, share: float, generator: np.random.Generator) -> CineStudy:
    """`study` with Gaussian noise in each voxel, of an SD that is `share` of its 99th percentile.

    Nothing is cut off at 0, so that the SD is the same in dark voxels.
    """
    noise = generator.standard_normal(study.frames.shape, dtype=np.float32)
    return replace(study, frames=study.frames + np.float32(share * _bright(study)) * noise)


def stretched(study: CineStudy, factor: float) -> CineStudy:
    """`study` with the difference of each intensity from the mean of all voxels times `factor`, cut off at 0."""
    mean = np.float32(study.frames.mean(dtype=np.float64))
    frames = mean + np.float32(factor) * (study.frames.astype(np.float32) - mean)
    return replace(study, frames=np.maximum(frames, np.float32(0)))


def _bright(study: CineStudy) -> float:
    return float(np.percentile(study.frames, BRIGHT_PERCENTILE))
