"""The loop that every stage runs through: rate, gradients, averaging, curves, checkpoints, early stop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from CardiacMTLTraining.averaging import WeightAverage
from CardiacMTLTraining.checkpoint import TrainingState, polynomial_rate, seed_step
from CardiacMTLTraining.early_stop import Plateau

log = logging.getLogger(__name__)

MAX_GRADIENT_NORM = 5.0

Network = TypeVar("Network", bound=nn.Module)

Backward = Callable[[int, torch.Generator], Mapping[str, Tensor]]
"""Computes and backpropagates the losses of the step with that number, on random numbers of that generator; returns them."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Length and habits of one stage; `averaging` is the decay of the weights' running mean, `patience` of early stop."""

    n_steps: int
    seed: int
    warm_up: int
    averaging: float
    patience: int = 0
    save_every: int = 100
    log_every: int = 50


def run_stage(
    fabric: Fabric,
    network: Network,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    backward: Backward,
    checkpoint: Path,
) -> Network:
    """Train `network` and return its running mean; an interrupted stage goes on from `checkpoint` exactly.

    With several processes (`fabric.world_size`) each backpropagates its own share of a step and the gradients are averaged;
    BatchNorm's statistics are those of the first process.
    """
    average = WeightAverage(network, schedule.averaging)
    state = TrainingState(network, average, optimizer, Plateau(schedule.patience))
    state.resume(fabric, checkpoint)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    stage = checkpoint.stem
    bar = tqdm(total=schedule.n_steps, initial=state.step, desc=stage, unit="step", disable=None)
    stopped = False
    while state.step < schedule.n_steps and not stopped:
        polynomial_rate(optimizer, state.step, schedule.n_steps, warm_up=schedule.warm_up)
        optimizer.zero_grad()
        losses = backward(state.step, seed_step(schedule.seed, stage, state.step, fabric.global_rank))
        _average_over_processes(fabric, parameters)
        nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT_NORM)
        optimizer.step()
        average.update(network)
        state.step += 1
        bar.update()
        values = {name: float(loss) for name, loss in losses.items()}
        stopped = state.plateau.reached(_common_mean(fabric, sum(values.values())))
        if state.step % schedule.log_every == 0 or stopped:
            said = " ".join(f"{name} {value:.3f}" for name, value in values.items())
            log.info("%s step %d of %d: %s%s", stage, state.step, schedule.n_steps, said, " (plateau)" if stopped else "")
            fabric.log_dict({f"{stage}/{name}": value for name, value in values.items()}, step=state.step)
            fabric.log_dict({f"{stage}/rate": optimizer.param_groups[0]["lr"]}, step=state.step)
        if stopped:
            log.info("%s ended early after %d steps: the loss no longer falls", stage, state.step)
            state.step = schedule.n_steps
        if state.step % schedule.save_every == 0 or state.step == schedule.n_steps:
            state.save(fabric, checkpoint)
    bar.close()
    mean: Network = average.network
    if fabric.world_size > 1:
        mean.load_state_dict(fabric.broadcast({key: value.cpu() for key, value in mean.state_dict().items()}))
    return mean


def _average_over_processes(fabric: Fabric, parameters: list[nn.Parameter]) -> None:
    """Average the gradients; a parameter that took no part in a process's share of the step counts as 0 there.

    Each keeps its memory layout: the fused optimiser takes it for that of the weights.
    """
    if fabric.world_size == 1:
        return
    there = torch.tensor([float(parameter.grad is not None) for parameter in parameters], device=parameters[0].device)
    gradients = [torch.zeros_like(parameter) if parameter.grad is None else parameter.grad for parameter in parameters]
    mean = _reduced(fabric, torch.cat([there, *(gradient.flatten() for gradient in gradients)]))
    anywhere, *pieces = mean.split([len(parameters), *(parameter.numel() for parameter in parameters)])
    for parameter, gradient, piece, share in zip(parameters, gradients, pieces, anywhere.tolist(), strict=True):
        parameter.grad = gradient.copy_(piece.view_as(gradient)) if share else None


def _common_mean(fabric: Fabric, value: float) -> float:
    if fabric.world_size == 1:
        return value
    return float(_reduced(fabric, torch.tensor(value)))


def _reduced(fabric: Fabric, values: Tensor) -> Tensor:
    mean = fabric.all_reduce(values, reduce_op="mean")
    assert isinstance(mean, Tensor)  # noqa: S101 - a tensor gives a tensor
    return mean
