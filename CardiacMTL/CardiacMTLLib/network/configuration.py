"""`NetworkConfiguration`: everything that fixes the shape of the network and of its input."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.network.json_values import checked_values

N_LABELS = 4
N_GROUPS = 5

_MAX_COUNT = 10_000_000
"""Far above any network, and low enough that sizes of tensors stay whole numbers of 64 bits."""


@dataclass(frozen=True, slots=True)
class NetworkConfiguration:
    """Architecture and input grids of the multi-task network.

    The heart is found on a window of `locator_size` squared samples `locator_spacing_mm` apart; masks and diagnosis come
    from a window of `window_size` squared samples `window_spacing_mm` apart around it, whose patches of `patch_size` squared
    samples are the inputs of the encoder. `channels` are the widths of its levels, each half the resolution of the one before;
    the window must be divisible by patch_size * 2**(levels - 1), the locator's by 2**(levels - 1).
    `embedding_dropout` acts on the pooled embedding while training.
    """

    window_size: int = 128
    window_spacing_mm: float = 1.5
    patch_size: int = 2
    channels: tuple[int, ...] = (32, 64, 128, 256)
    embedding_size: int = 64
    embedding_dropout: float = 0.5
    locator_size: int = 96
    locator_spacing_mm: float = 4.0
    locator_channels: tuple[int, ...] = (8, 16, 32, 32)

    def __post_init__(self) -> None:
        counts = (
            self.window_size,
            self.locator_size,
            self.embedding_size,
            self.patch_size,
            *self.channels,
            *self.locator_channels,
        )
        lengths = (self.window_spacing_mm, self.locator_spacing_mm)
        levels = min(len(self.channels), len(self.locator_channels))
        sizes_fit = all(0 < count <= _MAX_COUNT for count in counts)
        possible = sizes_fit and all(0 < length < math.inf for length in lengths) and levels > 0
        if not possible or not 0 <= self.embedding_dropout < 1:
            raise ModelError(
                f"network configuration is {self.to_json()}; expected positive sizes, one level or more and a dropout below 1; "
                "install the model again"
            )
        for size, patch_size, channels in (
            (self.window_size, self.patch_size, self.channels),
            (self.locator_size, 1, self.locator_channels),
        ):
            step = patch_size * 2 ** (len(channels) - 1)
            if size % step:
                raise ModelError(f"window size is {size}; expected a multiple of {step} for {len(channels)} levels")

    def to_json(self) -> dict[str, Any]:
        """Plain values for a manifest."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> NetworkConfiguration:
        """The configuration in a manifest; raises `ModelError` for unknown or missing keys and values that cannot be."""
        return cls(**checked_values(values, cls, "network configuration"))
