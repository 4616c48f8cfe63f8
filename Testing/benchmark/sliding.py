"""Sliding-window prediction as nnU-Net does it: half overlapping patches, Gaussian weights, mirrored views averaged.

After `compute_steps_for_sliding_window` and `compute_gaussian` in nnunetv2/inference/sliding_window_prediction.py and
`_internal_maybe_mirror_and_predict` in nnunetv2/inference/predict_from_raw_data.py (github.com/MIC-DKFZ/nnUNet): one patch at a
time, step at most half a patch, sigma an eighth of a patch, logits summed. Our own code of that description.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations, product

import torch
from torch import Tensor
from torch.nn import functional as F

Predict = Callable[[Tensor], Tensor]
"""(1, 1, *patch) -> (1, label, *patch) logits."""

OVERLAP_STEP = 0.5
SIGMA_SHARE = 1 / 8


def starts(size: int, patch: int) -> list[int]:
    """First samples of the patches along an axis that is at least one patch long."""
    count = math.ceil((size - patch) / (patch * OVERLAP_STEP)) + 1
    step = (size - patch) / max(1, count - 1)
    return [round(index * step) for index in range(count)]


def gaussian(patch: Sequence[int]) -> Tensor:
    """Weights of a patch, 1 in its middle and nowhere 0."""
    weights = torch.ones(())
    for size in patch:
        places = torch.arange(size, dtype=torch.float64) - size // 2
        weights = weights[..., None] * torch.exp(-0.5 * (places / (size * SIGMA_SHARE)) ** 2)
    return weights.clamp_min(float(weights[weights > 0].min())).float()


def predicted(image: Tensor, predict: Predict, patch: Sequence[int], labels: int, *, mirrored: bool) -> Tensor:
    """(*size) normalised image, 2-D or 3-D -> (label, *size) logits; smaller images are padded around."""
    padded, inner = _padded(image, patch)
    total, weight = torch.zeros(labels, *padded.shape), torch.zeros(padded.shape)
    window = gaussian(patch)
    for corner in product(*(starts(size, length) for size, length in zip(padded.shape, patch, strict=True))):
        place = tuple(slice(start, start + length) for start, length in zip(corner, patch, strict=True))
        seen = _over_mirrors(padded[place][None, None], predict) if mirrored else predict(padded[place][None, None])
        total[(slice(None), *place)] += seen[0] * window
        weight[place] += window
    return (total / weight)[(slice(None), *inner)]


def _over_mirrors(patch: Tensor, predict: Predict) -> Tensor:
    """The mean over all mirrored views: 4 in two dimensions, 8 in three."""
    views = list(_axes(patch.ndim - 2))
    return sum((torch.flip(predict(torch.flip(patch, axes)), axes) for axes in views[1:]), predict(patch)) / len(views)


def _axes(dimensions: int) -> Iterator[tuple[int, ...]]:
    """All sets of the spatial axes, none first."""
    axes = range(2, 2 + dimensions)
    return chain.from_iterable(combinations(axes, count) for count in range(dimensions + 1))


def _padded(image: Tensor, patch: Sequence[int]) -> tuple[Tensor, tuple[slice, ...]]:
    missing = [max(0, length - size) for size, length in zip(image.shape, patch, strict=True)]
    before = [lack // 2 for lack in missing]
    pads = [pad for lack, first in zip(missing[::-1], before[::-1], strict=True) for pad in (first, lack - first)]
    inner = tuple(slice(first, first + size) for first, size in zip(before, image.shape, strict=True))
    return F.pad(image, pads), inner
