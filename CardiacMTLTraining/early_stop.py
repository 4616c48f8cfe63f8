"""Early stop: a stage ends when its smoothed training loss has not fallen for a while."""

from __future__ import annotations

import math
from dataclasses import dataclass

_SMOOTHING = 0.98


@dataclass(slots=True)
class Plateau:
    """Watches an exponentially smoothed loss; `patience` steps without a fall by `least_fall` end a stage, 0 never does.

    The training loss is watched, not that of kept-out patients: their figures are reported, so nothing may be chosen on
    them.
    """

    patience: int
    least_fall: float = 1e-3
    smoothed: float = math.nan
    best: float = math.inf
    waited: int = 0

    def reached(self, loss: float) -> bool:
        """Take in the loss of one step; whether the stage should end."""
        self.smoothed = loss if math.isnan(self.smoothed) else _SMOOTHING * self.smoothed + (1 - _SMOOTHING) * loss
        if self.smoothed < self.best - self.least_fall:
            self.best, self.waited = self.smoothed, 0
        else:
            self.waited += 1
        return 0 < self.patience <= self.waited

    def state(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        return {"smoothed": self.smoothed, "best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, float]) -> None:
        """Go on from a checkpoint."""
        self.smoothed, self.best, self.waited = state["smoothed"], state["best"], int(state["waited"])
