"""Losses of the three tasks: masks, heart position, diagnosis features."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def mask_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy plus soft Dice over the batch for the three structures.

    `logits` (n, label, y, x); `labels` (n, y, x) integer. Dice: Milletari et al., 3DV 2016, arXiv 1606.04797.
    """
    logits = logits.float()
    cross_entropy = F.cross_entropy(logits, labels)
    probabilities = torch.softmax(logits, dim=1)
    wanted = F.one_hot(labels, logits.shape[1]).movedim(-1, 1).to(probabilities.dtype)
    overlap = (probabilities * wanted).sum(dim=(0, 2, 3))
    total = (probabilities + wanted).sum(dim=(0, 2, 3))
    dice = (2 * overlap + 1) / (total + 1)
    return cross_entropy + 1 - dice[1:].mean()


def heart_loss(logits: Tensor, heart: Tensor) -> Tensor:
    """Binary cross-entropy plus soft Dice; both arguments (n, y, x), `heart` between 0 and 1."""
    logits = logits.float()
    probabilities = torch.sigmoid(logits)
    dice = (2 * (probabilities * heart).sum() + 1) / (probabilities.sum() + heart.sum() + 1)
    return F.binary_cross_entropy_with_logits(logits, heart) + 1 - dice
