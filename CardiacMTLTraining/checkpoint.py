"""`TrainingState`: all that a stage needs to go on exactly where it was killed."""

from __future__ import annotations

import logging
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from CardiacMTLTraining.averaging import WeightAverage
from CardiacMTLTraining.early_stop import Plateau

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class TrainingState:
    """Network, its running mean, optimiser, watch over the loss and step count of one stage.

    Random numbers are no part of it: those of a step follow from seed, stage, step and process (`seed_step`), so that a
    resumed run equals an uninterrupted one.
    """

    network: nn.Module
    average: WeightAverage[Any]
    optimizer: torch.optim.Optimizer
    plateau: Plateau
    step: int = 0

    def save(self, fabric: Fabric, path: Path) -> None:
        """Write the state; the file is whole or the old one."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "average_steps": self.average.steps,
            "optimizer": self.optimizer.state_dict(),
            "plateau": self.plateau.state(),
            "step": self.step,
        }
        temporary = path.with_suffix(".part")
        fabric.save(temporary, state)
        if fabric.is_global_zero:
            temporary.replace(path)
        fabric.barrier()

    def resume(self, fabric: Fabric, path: Path) -> None:
        """Take the state in `path`, if it is there."""
        if not path.exists():
            return
        state = fabric.load(path)
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.average.steps = state["average_steps"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.plateau.restore(state["plateau"])
        self.step = state["step"]
        log.info("%s: going on from step %d", path.stem, self.step)


def seed_step(seed: int, stage: str, step: int, rank: int) -> torch.Generator:
    """The generator of one step on one of several processes; seeds torch's own (dropout) with it."""
    entropy = (seed, zlib.crc32(stage.encode()), step, rank)
    own, common = (int(number >> 1) for number in np.random.SeedSequence(entropy).generate_state(2, np.uint64))
    torch.manual_seed(common)
    return torch.Generator().manual_seed(own)


def polynomial_rate(optimizer: torch.optim.Optimizer, step: int, n_steps: int, *, warm_up: int) -> None:
    """Set each group's rate to its `peak`, linearly warmed up, with polynomial decay (power 0.9) to zero."""
    factor = min(1.0, (step + 1) / warm_up) * (1 - step / n_steps) ** 0.9
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
