"""Slices without signal: the network sees a study without them, and they hold no mask.

Some exports fill a stack up with blank slices. They would change the scale of the grey values, and a network that has never
seen one may find anything in it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.volume import CineStudy, Mask


def slices_with_signal(study: CineStudy) -> NDArray[np.bool_]:
    """(z,) whether a slice's pixels differ in any of the frames."""
    low, high = (find(study.frames, axis=(2, 3)) for find in (np.min, np.max))
    signal: NDArray[np.bool_] = (low < high).any(axis=0)
    return signal


def of_slices(study: CineStudy, kept: NDArray[np.bool_]) -> CineStudy:
    """The study with the `kept` slices (z,) alone; its grid is right within the slices only."""
    columns, rows, _ = study.geometry.size_xyz
    geometry = replace(study.geometry, size_xyz=(columns, rows, int(kept.sum())))
    return replace(study, frames=study.frames[:, kept], geometry=geometry, source=None)


def put_back(mask: Mask, kept: NDArray[np.bool_]) -> Mask:
    """A mask (..., z, y, x) of the kept slices -> one of all, background in the others."""
    whole = np.zeros((*mask.shape[:-3], len(kept), *mask.shape[-2:]), dtype=mask.dtype)
    whole[..., kept, :, :] = mask
    return whole
