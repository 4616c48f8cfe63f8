"""The two arms of the experiment, and what names one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Arm(StrEnum):
    """Diagnosis trained alone, or jointly with the masks."""

    ALONE = "alone"
    JOINT = "joint"

    @property
    def words(self) -> str:
        """The arm as a reader knows it."""
        return "diagnosis alone" if self is Arm.ALONE else "joint with masks"


@dataclass(frozen=True, slots=True, order=True)
class RunKey:
    """One run: the network of `arm` that starts from `seed` and does not see the patients of `fold`."""

    seed: int
    fold: int
    arm: Arm

    @property
    def file_name(self) -> str:
        """Name of the run's record."""
        return f"{self.arm}-seed{self.seed}-fold{self.fold}.json"


def planned_runs(seeds: Sequence[int], n_folds: int) -> list[RunKey]:
    """All runs of an experiment, the two arms of one seed and fold next to each other."""
    return [RunKey(seed, fold, arm) for seed in seeds for fold in range(n_folds) for arm in Arm]
