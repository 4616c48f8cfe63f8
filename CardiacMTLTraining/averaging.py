"""Exponential moving average of weights: the network that is kept is the mean of the last steps."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage:
    """A running mean of a network's parameters and BatchNorm statistics.

    The decay grows from 0 to `decay` over the first steps, so that the start is forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take the network's present weights into the mean."""
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 9))
        for mean, new in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(new, 1 - decay)
            else:
                mean.copy_(new)
