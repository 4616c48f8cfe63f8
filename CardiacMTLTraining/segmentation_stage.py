"""The first stages: the heart locator, then masks on single slices. Neither sees a diagnosis."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLTraining.averaging import WeightAverage
from CardiacMTLTraining.checkpoint import TrainingState, polynomial_rate
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.losses import heart_loss, mask_loss
from CardiacMTLTraining.slices import LocatorPool, SlicePool

log = logging.getLogger(__name__)

_SAVE_EVERY = 200
_LOG_EVERY = 50
_WARM_UP = 100
_MAX_GRADIENT_NORM = 5.0


def train_locator(
    fabric: Fabric, network: MultiTaskNetwork, pool: LocatorPool, config: TrainingConfiguration, checkpoint: Path
) -> MultiTaskNetwork:
    """Train the coarse pass and return the averaged network; an interrupted run goes on from `checkpoint` exactly."""
    parts = nn.ModuleList([network.locator_encoder, network.locator_decoder])
    state = _start(fabric, network, parts, config, config.seed, checkpoint)
    while state.step < config.locator_steps:
        images, hearts = pool.draw(config.batch_size, config.augmentation, state.generator)
        loss = heart_loss(network.locate(fabric.to_device(images)), fabric.to_device(hearts))
        _advance(fabric, state, parts, loss, config.locator_steps, checkpoint)
    return _averaged(state)


def train_segmentation(
    fabric: Fabric, network: MultiTaskNetwork, pool: SlicePool, config: TrainingConfiguration, checkpoint: Path
) -> MultiTaskNetwork:
    """Train encoder and decoder on random slices and return the averaged network; resumes as `train_locator`."""
    parts = nn.ModuleList([network.encoder, network.decoder])
    state = _start(fabric, network, parts, config, config.seed + 1, checkpoint)
    started, first = time.monotonic(), state.step
    while state.step < config.segmentation_steps:
        batch = pool.draw(config.batch_size, config.augmentation, state.generator)
        images = fabric.to_device(batch.images)
        with fabric.autocast():
            logits, _ = network.segment(images)
        loss = mask_loss(logits, fabric.to_device(batch.labels))
        _advance(fabric, state, parts, loss, config.segmentation_steps, checkpoint)
        if state.step % _LOG_EVERY == 0:
            log.info("%.2f s a step", (time.monotonic() - started) / (state.step - first))
    return _averaged(state)


def _start(
    fabric: Fabric, network: MultiTaskNetwork, parts: nn.ModuleList, config: TrainingConfiguration, seed: int, checkpoint: Path
) -> TrainingState:
    optimizer = torch.optim.AdamW(
        [{"params": list(parts.parameters()), "peak": config.learning_rate}],
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
    )
    generator = torch.Generator().manual_seed(seed)
    state = TrainingState(network, WeightAverage(network, config.averaging), optimizer, generator)
    state.resume(fabric, checkpoint)
    network.train()
    return state


def _advance(
    fabric: Fabric, state: TrainingState, parts: nn.ModuleList, loss: torch.Tensor, n_steps: int, checkpoint: Path
) -> None:
    polynomial_rate(state.optimizer, state.step, n_steps, warm_up=_WARM_UP)
    state.optimizer.zero_grad()
    fabric.backward(loss)
    nn.utils.clip_grad_norm_(parts.parameters(), _MAX_GRADIENT_NORM)
    state.optimizer.step()
    state.average.update(state.network)
    state.step += 1
    if state.step % _LOG_EVERY == 0:
        log.info("%s step %d of %d: loss %.4f", checkpoint.stem, state.step, n_steps, loss.item())
    if state.step % _SAVE_EVERY == 0 or state.step == n_steps:
        state.save(fabric, checkpoint)


def _averaged(state: TrainingState) -> MultiTaskNetwork:
    network = state.average.network
    assert isinstance(network, MultiTaskNetwork)  # noqa: S101 - it is a copy of the network that was handed in
    return network
