"""`Contender`: a network that is measured, as what it does for one frame of a study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Contender:
    """A network of random weights and its way of predicting.

    `prepare` puts (z, y, x) voxels `spacing_zyx_mm` apart on the network's own grid (not timed); `predict` is what is timed:
    the prepared frames of one study -> nothing of interest.
    """

    network: nn.Module
    prepare: Callable[[Tensor, tuple[float, float, float]], Tensor]
    predict: Callable[[list[Tensor]], object]
