"""The first stages: the heart locator, then masks on single slices. Neither sees a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.deep_supervision import DeeplySupervised, deep_mask_loss
from CardiacMTLTraining.loop import Schedule, run_stage
from CardiacMTLTraining.losses import heart_loss
from CardiacMTLTraining.slices import LocatorPool, SlicePool

_WARM_UP = 100


def train_locator(
    fabric: Fabric, network: MultiTaskNetwork, pool: LocatorPool, config: TrainingConfiguration, checkpoint: Path
) -> MultiTaskNetwork:
    """Train the coarse pass and return the averaged network; an interrupted run goes on from `checkpoint` exactly."""

    def backward(_: int, generator: torch.Generator) -> Mapping[str, Tensor]:
        images, hearts = pool.draw(_share(fabric, config), config.augmentation, generator)
        with fabric.autocast():
            logits = network.locate(fabric.to_device(images))
        loss = heart_loss(logits, fabric.to_device(hearts))
        fabric.backward(loss)
        return {"heart": loss.detach()}

    parts = nn.ModuleList([network.locator_encoder, network.locator_decoder])
    schedule = Schedule(config.locator_steps, config.seed, _WARM_UP, config.averaging, config.patience, config.save_every)
    return run_stage(fabric, network.train(), _optimizer(parts, config), schedule, backward, checkpoint)


def train_segmentation(
    fabric: Fabric, network: MultiTaskNetwork, pool: SlicePool, config: TrainingConfiguration, checkpoint: Path
) -> MultiTaskNetwork:
    """Train encoder and decoder on random slices and return the averaged network; resumes as `train_locator`.

    The first `early_share` of the steps see windows of `early_window` samples, shifted so far that all of the full window
    is seen in time: more steps for the same work.
    """
    supervised = DeeplySupervised(network)
    fabric.to_device(supervised)
    early_steps = round(config.early_share * config.segmentation_steps)
    beyond_mm = max(0, pool.size - config.early_window) / 2 * pool.spacing_mm
    early = replace(config.augmentation, shift_mm=config.augmentation.shift_mm + beyond_mm)

    def backward(step: int, generator: torch.Generator) -> Mapping[str, Tensor]:
        if step < early_steps:
            batch = pool.draw(_share(fabric, config), early, generator, size=config.early_window)
        else:
            batch = pool.draw(_share(fabric, config), config.augmentation, generator)
        with fabric.autocast():
            logits = supervised(fabric.to_device(batch.images))
        loss = deep_mask_loss(logits, fabric.to_device(batch.labels))
        fabric.backward(loss)
        return {"masks": loss.detach()}

    parts = nn.ModuleList([network.encoder, network.decoder, supervised.heads])
    schedule = Schedule(config.segmentation_steps, config.seed, _WARM_UP, config.averaging, config.patience, config.save_every)
    return run_stage(fabric, supervised.train(), _optimizer(parts, config), schedule, backward, checkpoint).network


def _share(fabric: Fabric, config: TrainingConfiguration) -> int:
    """Slices of a step for each of several processes."""
    return max(1, config.batch_size // fabric.world_size)


def _optimizer(parts: nn.ModuleList, config: TrainingConfiguration) -> torch.optim.Optimizer:
    groups = [{"params": list(parts.parameters()), "peak": config.learning_rate}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
