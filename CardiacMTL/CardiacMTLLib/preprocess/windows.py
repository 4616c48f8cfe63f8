"""Frames of a study -> what the network sees of them: sampled in a window, and normalised."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.preprocess.intensity import IntensityScale
from CardiacMTLLib.preprocess.resample import Window
from CardiacMTLLib.volume import CineStudy, Image


def above_darkest(voxels: Image) -> NDArray[np.float32]:
    """Intensities counted from the darkest voxel, which is also what is taken to lie outside the image."""
    above = np.empty(voxels.shape, dtype=np.float32)
    darkest = voxels.min()
    for slice_above, plane in zip(above, voxels, strict=True):
        slice_above[...] = np.subtract(plane, darkest, dtype=np.float64)
    return above


def normalised_windows(study: CineStudy, frames: Sequence[int], window: Window) -> NDArray[np.float32]:
    """(frame, z, y, x) windows, each frame with mean 0 and SD 1 over its window.

    Intensities count from the frame's darkest voxel, so that an offset changes nothing. Raises `InputError` for a frame
    without signal.
    """
    to_y, to_x = window.sample_matrices(study.geometry)
    windows = []
    for frame in frames:
        sampled = to_y @ above_darkest(study.frames[frame]) @ to_x.T
        windows.append(IntensityScale.of(sampled, f"frame {study.frame_number(frame)}").apply(sampled))
    return np.stack(windows)
