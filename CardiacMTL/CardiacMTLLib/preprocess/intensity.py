"""Intensity normalisation of what the network sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import InputError

CLIP_PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True, slots=True)
class IntensityScale:
    """Clipping limits, and mean and SD after clipping, of a reference region."""

    low: float
    high: float
    mean: float
    sd: float

    @classmethod
    def of(cls, region: NDArray[Any], name: str = "the image") -> IntensityScale:
        """Scale of all voxels of `region`; raises `InputError` where it holds no signal (all voxels alike).

        Where nearly all voxels are alike, as about a tiny image, the limits are the extremes. `name` says in the error
        what `region` is.
        """
        low, high = (float(value) for value in np.percentile(region, CLIP_PERCENTILES))
        if low == high:
            low, high = float(region.min()), float(region.max())
        clipped = np.clip(region, low, high)
        sd = float(clipped.std(dtype=np.float64))
        if not sd > 1e-6 * max(abs(low), abs(high), 1e-30):
            raise InputError(f"no signal: all voxels of {name} are alike; expected an image of the heart; check the file")
        return cls(low, high, float(clipped.mean(dtype=np.float64)), sd)

    def apply(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """`values` clipped to the limits, then as float32 with the region's mean at 0 and its SD at 1."""
        clipped = np.clip(np.asarray(values, dtype=np.float32), self.low, self.high)
        return ((clipped - np.float32(self.mean)) / np.float32(self.sd)).astype(np.float32)
