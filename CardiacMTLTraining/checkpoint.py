"""`TrainingState`: all that a stage needs to go on exactly where it was killed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from CardiacMTLTraining.averaging import WeightAverage

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class TrainingState:
    """Network, its running mean, optimiser, random generator and step count of one stage.

    `torch`'s own generator (dropout) is part of the state, so that a resumed run equals an uninterrupted one.
    """

    network: nn.Module
    average: WeightAverage
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    step: int = 0

    def save(self, fabric: Fabric, path: Path) -> None:
        """Write the state; the file is whole or the old one."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "average_steps": self.average.steps,
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "torch_generator": torch.get_rng_state(),
            "step": self.step,
        }
        temporary = path.with_suffix(".part")
        fabric.save(temporary, state)
        temporary.replace(path)

    def resume(self, fabric: Fabric, path: Path) -> None:
        """Take the state in `path`, if it is there."""
        if not path.exists():
            return
        state = fabric.load(path)
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.average.steps = state["average_steps"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        torch.set_rng_state(state["torch_generator"])
        self.step = state["step"]
        log.info("%s: going on from step %d", path.stem, self.step)


def polynomial_rate(optimizer: torch.optim.Optimizer, step: int, n_steps: int, *, warm_up: int) -> None:
    """Set each group's rate to its `peak`, linearly warmed up, with polynomial decay (power 0.9) to zero."""
    factor = min(1.0, (step + 1) / warm_up) * (1 - step / n_steps) ** 0.9
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
