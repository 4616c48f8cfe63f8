"""Training throughput: what loader and augmentation cost beside a bare step (forward, backward, optimiser)."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.preprocess.resample import Window, centre_of
from CardiacMTLTraining.cache import CachedCase, CaseScale, NativeGrid
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.deep_supervision import DeeplySupervised, deep_mask_loss
from CardiacMTLTraining.slices import SlicePool

MOST_SHARE = 0.10
"""The loader may cost this share of the bare step."""

_SIDE, _SLICES, _CASES = 224, 10, 8


def throughput(steps: int) -> dict[str, Any]:
    """By window size: processor seconds of a batch and of the bare step on it, samples a second of both, and their ratio."""
    configuration = TrainingConfiguration()
    network = configuration.network
    pool = SlicePool([_noise_case(index) for index in range(_CASES)], network.window_size, network.window_spacing_mm)
    generator = torch.Generator().manual_seed(0)
    return {
        f"window_{size}": _measured(pool, size, configuration, generator, steps)
        for size in (configuration.early_window, network.window_size)
    }


def _measured(
    pool: SlicePool, size: int, configuration: TrainingConfiguration, generator: torch.Generator, steps: int
) -> dict[str, Any]:
    network = MultiTaskNetwork(configuration.network)
    network.use_channels_last()
    supervised = DeeplySupervised(network).train()
    optimizer = torch.optim.AdamW(supervised.parameters(), lr=1e-4, fused=True)
    loading_s, stepping_s = [], []
    for step in range(steps + 1):
        started = time.process_time()
        batch = pool.draw(configuration.batch_size, configuration.augmentation, generator, size=size)
        loaded = time.process_time()
        optimizer.zero_grad()
        deep_mask_loss(supervised(batch.images), batch.labels).backward()
        optimizer.step()
        if step:
            loading_s.append(loaded - started)
            stepping_s.append(time.process_time() - loaded)
    loading, stepping = float(np.median(loading_s)), float(np.median(stepping_s))
    share, n = loading / stepping, configuration.batch_size
    return {
        "loading_cpu_s": round(loading, 4),
        "step_cpu_s": round(stepping, 4),
        "loader_samples_per_s": round(n / loading, 1),
        "step_samples_per_s": round(n / stepping, 1),
        "share": round(share, 4),
        "met": share <= MOST_SHARE,
    }


def _noise_case(index: int) -> CachedCase:
    """A case of a usual patient's size; what its images show costs nothing."""
    rng = np.random.default_rng(index)
    shape = (2, _SLICES, _SIDE, _SIDE)
    geometry = Geometry((_SIDE, _SIDE, _SLICES), (1.25, 1.25, 10.0))
    native = NativeGrid(geometry, Window(centre_of(geometry), _SIDE, 1.25), AxisOrder())
    images, masks = rng.integers(0, 256, shape, dtype=np.uint8), rng.integers(0, 4, shape, dtype=np.uint8)
    scale, middle = CaseScale(1.25, 10.0, 170.0, 70.0), (_SIDE - 1) / 2
    return CachedCase(
        f"noise{index}", images, masks, (-2.0, -2.0), (3.0, 3.0), (middle, middle), scale, Group.NOR, "noise", native
    )
