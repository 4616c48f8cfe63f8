"""Epochs until 70 % of the held-out patients are right, with runs that never get there censored and not dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLTraining.evaluation.intervals import Interval
from CardiacMTLTraining.reproduction.analysis import BOOTSTRAP_SEED, complete_seeds, of_seeds
from CardiacMTLTraining.reproduction.arms import Arm
from CardiacMTLTraining.reproduction.record import RunRecord

THRESHOLD = 0.7
EPOCH_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class ArmConvergence:
    """How fast one arm came to the threshold.

    `epochs` of each run in order of seed and fold, None where it was never reached; `restricted_mean` counts those as all
    epochs trained, so it is at most the true mean; `median` is Kaplan and Meier's, None where fewer than half the runs
    reached it.
    """

    epochs: tuple[int | None, ...]
    restricted_mean: float
    median: int | None

    @property
    def n_reached(self) -> int:
        """Runs that reached the threshold."""
        return sum(epoch is not None for epoch in self.epochs)


@dataclass(frozen=True, slots=True)
class ConvergenceComparison:
    """Both arms; `difference` of the restricted means is joint less alone, below 0 where joint training is faster.

    Of the pairs of runs with the same seed and fold, `joint_first` and `alone_first` count where one arm was at the threshold
    earlier (a run that reached it is earlier than one that never did); `undecided` are ties and pairs without either.
    """

    horizon: int
    arms: dict[Arm, ArmConvergence]
    difference: float
    difference_interval: Interval
    joint_first: int
    alone_first: int
    undecided: int


def first_epoch(accuracy: Sequence[float], threshold: float = THRESHOLD) -> int | None:
    """The first epoch, counted from 1, with at least this accuracy; None where there is none."""
    return next((epoch for epoch, value in enumerate(accuracy, start=1) if value >= threshold - 1e-9), None)


def restricted_mean(epochs: Sequence[int | None], horizon: int) -> float:
    """Mean of the epochs, those never reached counted as `horizon`: the area under Kaplan and Meier's curve up to there."""
    return float(np.mean([horizon if epoch is None else epoch for epoch in epochs]))


def share_waiting(epochs: Sequence[int | None], horizon: int) -> list[float]:
    """Share of runs not yet at the threshold after 0, 1, ... `horizon` epochs.

    Kaplan and Meier's estimate (J Am Stat Assoc 1958;53:457), which is this share because runs are censored at the end only.
    """
    return [sum(epoch is None or epoch > now for epoch in epochs) / len(epochs) for now in range(horizon + 1)]


def arm_convergence(epochs: Sequence[int | None], horizon: int) -> ArmConvergence:
    """Figures of one arm from the epochs of its runs."""
    waiting = share_waiting(epochs, horizon)
    median = next((now for now, share in enumerate(waiting) if share <= 0.5), None)
    return ArmConvergence(tuple(epochs), restricted_mean(epochs, horizon), median)


def compare_convergence(records: Sequence[RunRecord]) -> ConvergenceComparison:
    """Both arms over the complete seeds of `records`.

    The interval is a percentile bootstrap: patients are drawn anew within each fold, the same for both arms and all seeds, and
    the curves of all runs are taken from those drawn.
    """
    whole = sorted(of_seeds(records, complete_seeds(records)), key=lambda record: record.key)
    horizon = whole[0].configuration.epochs
    by_arm = {arm: [record for record in whole if record.arm is arm] for arm in Arm}
    arms = {
        arm: arm_convergence([first_epoch(record.curves.validation_accuracy) for record in runs], horizon)
        for arm, runs in by_arm.items()
    }
    pairs = list(zip(arms[Arm.JOINT].epochs, arms[Arm.ALONE].epochs, strict=True))
    late = horizon + 1
    signs = [(late if joint is None else joint) - (late if alone is None else alone) for joint, alone in pairs]
    return ConvergenceComparison(
        horizon,
        arms,
        arms[Arm.JOINT].restricted_mean - arms[Arm.ALONE].restricted_mean,
        _difference_interval(by_arm, horizon),
        sum(sign < 0 for sign in signs),
        sum(sign > 0 for sign in signs),
        sum(sign == 0 for sign in signs),
    )


def _difference_interval(by_arm: dict[Arm, list[RunRecord]], horizon: int) -> Interval:
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    means: dict[Arm, list[NDArray[np.float64]]] = {arm: [] for arm in Arm}
    for fold in sorted({record.fold for record in by_arm[Arm.JOINT]}):
        names = sorted({patient.name for record in by_arm[Arm.JOINT] if record.fold == fold for patient in record.patients})
        drawn = generator.integers(0, len(names), (EPOCH_DRAWS, len(names)))
        for arm, runs in by_arm.items():
            means[arm] += [_drawn_epochs(run, names, drawn, horizon) for run in runs if run.fold == fold]
    differences = np.mean(means[Arm.JOINT], axis=0) - np.mean(means[Arm.ALONE], axis=0)
    low, high = np.percentile(differences, (2.5, 97.5))
    return float(low), float(high)


def _drawn_epochs(run: RunRecord, names: Sequence[str], drawn: NDArray[np.int64], horizon: int) -> NDArray[np.float64]:
    """(draw,) first epoch at the threshold of one run on each draw of its patients, `horizon` where there is none."""
    patients = {patient.name: patient.right_by_epoch for patient in run.patients}
    right = np.array([[mark == "1" for mark in patients[name]] for name in names], dtype=np.float64)
    counts = np.stack([np.bincount(row, minlength=len(names)) for row in drawn])
    reached = counts @ right / len(names) >= THRESHOLD - 1e-9
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, float(horizon))
