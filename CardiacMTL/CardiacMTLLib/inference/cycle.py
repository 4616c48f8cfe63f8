"""All frames of a cine -> masks that agree over time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray

from CardiacMTLLib.inference.segment import restore_mask
from CardiacMTLLib.inference.views import segment_views
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.preprocess.resample import Window
from CardiacMTLLib.preprocess.windows import normalised_windows
from CardiacMTLLib.volume import CineStudy, Mask

MIN_SMOOTHED_FRAMES = 12
"""Fewest frames of a cycle that lend each other their probabilities: in coarser ones the heart moves too far between two."""

Probabilities = NDArray[np.float32]
"""(z, label, y, x) in the network's window."""

_HALF, _QUARTER = np.float32(0.5), np.float32(0.25)


def segment_cycle(study: CineStudy, window: Window, network: MultiTaskNetwork, device: torch.device) -> Mask:
    """(t, z, y, x) masks of all frames, each smoothed over its neighbours.

    A frame's probabilities are averaged with those of its neighbours (weights 1, 2, 1, the cycle closed) before the most
    likely label is taken (docs/decisions/0021). Below `MIN_SMOOTHED_FRAMES` frames each stands alone.
    """
    n_frames = len(study.frames)
    seen = (_probabilities(study, frame, window, network, device) for frame in range(n_frames))
    cine: Mask = np.empty((n_frames, *study.geometry.shape_zyx), dtype=np.uint8)
    smooth = n_frames >= MIN_SMOOTHED_FRAMES
    for frame, probabilities in _over_neighbours(seen, n_frames) if smooth else enumerate(seen):
        cine[frame] = restore_mask(probabilities, study, window)
    return cine


def _probabilities(
    study: CineStudy, frame: int, window: Window, network: MultiTaskNetwork, device: torch.device
) -> Probabilities:
    images = torch.from_numpy(normalised_windows(study, [frame], window)[0])[:, None].to(device)
    with torch.inference_mode():
        probabilities: Probabilities = segment_views(images, network).probabilities.cpu().numpy()
    return probabilities


def _over_neighbours(frames: Iterable[Probabilities], n_frames: int) -> Iterator[tuple[int, Probabilities]]:
    """Number and smoothed probabilities of each frame of a closed cycle of three or more; five are held at most."""
    first: list[Probabilities] = []
    held: deque[Probabilities] = deque(maxlen=3)
    for index, frame in enumerate(chain(frames, first)):
        if index < 2:
            first.append(frame)
        held.append(frame)
        if len(held) == 3:
            before, here, after = held
            yield (index - 1) % n_frames, _HALF * here + _QUARTER * (before + after)
