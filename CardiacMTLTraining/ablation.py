"""What the parts of the design are worth: heads on one part or both, joint against separate training; no winner assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLTraining.evaluation.case_figures import CaseFigures
from CardiacMTLTraining.evaluation.intervals import Interval, bootstrap_interval, exact_interval
from CardiacMTLTraining.head_fit import HeadRow, Inputs, nested_heads, nested_probabilities

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HeadFigures:
    """Out-of-fold figures of one head; `training` is joint or separate."""

    training: str
    inputs: str
    n: int
    right: int
    accuracy_interval_95: Interval
    log_loss: float
    log_loss_interval_95: Interval


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean of a paired difference (first less second) over the patients that both have, with its bootstrap interval."""

    what: str
    first: str
    second: str
    n: int
    mean: float
    interval_95: Interval


@dataclass(frozen=True, slots=True)
class Ablation:
    """Heads and their paired differences."""

    heads: tuple[HeadFigures, ...]
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def text(self) -> str:
        """For a terminal."""
        lines = [
            f"{head.training}, {head.inputs}: {head.right} of {head.n} right, log-loss {head.log_loss:.3f}"
            for head in self.heads
        ]
        lines += [
            f"{pair.what}, {pair.first} less {pair.second}: {pair.mean:+.4f} "
            f"(95 % {pair.interval_95[0]:+.4f} to {pair.interval_95[1]:+.4f}, n {pair.n})"
            for pair in self.differences
        ]
        return "\n".join(lines)


def ablation(rows: Mapping[str, Sequence[HeadRow]], figures: Mapping[str, Sequence[CaseFigures]], seed: int) -> Ablation:
    """Compare heads on `rows` and masks in `figures`, both by training, `joint` and `separate`.

    Every head is nested: penalty, share and temperature of a fold come from the other folds' rows.
    """
    heads: list[HeadFigures] = []
    right: dict[str, dict[str, float]] = {}
    losses: dict[str, dict[str, float]] = {}
    for training, of_training in rows.items():
        truth = {row.patient: row.group for row in of_training}
        for inputs in Inputs:
            found = nested_probabilities(of_training, nested_heads(of_training, seed, inputs))
            name = f"{training}, {inputs.value}"
            right[name] = {patient: float(p.argmax() == truth[patient]) for patient, p in found.items()}
            losses[name] = {patient: float(-np.log(max(p[truth[patient]], 1e-12))) for patient, p in found.items()}
            values = list(losses[name].values())
            count = int(sum(right[name].values()))
            heads.append(
                HeadFigures(
                    training,
                    inputs.value,
                    len(found),
                    count,
                    exact_interval(count, len(found)),
                    float(np.mean(values)),
                    bootstrap_interval(values, seed),
                )
            )
    pairs = [(f"joint, {Inputs.BOTH.value}", f"joint, {other.value}") for other in (Inputs.CLINICAL, Inputs.EMBEDDING)]
    pairs += [(f"joint, {inputs.value}", f"separate, {inputs.value}") for inputs in Inputs]
    differences = [_difference("accuracy", right, *pair, seed) for pair in pairs]
    differences += [_difference("log-loss", losses, *pair, seed) for pair in pairs]
    overlap = {
        training: {case.name: case.mean_dice for case in of_training if case.mean_dice is not None}
        for training, of_training in figures.items()
    }
    differences.append(_difference("mean Dice", overlap, "joint", "separate", seed))
    return Ablation(tuple(heads), tuple(differences))


def _difference(what: str, values: Mapping[str, Mapping[str, float]], first: str, second: str, seed: int) -> Difference:
    common = [name for name in values[first] if name in values[second]]
    paired = [values[first][name] - values[second][name] for name in common]
    return Difference(what, first, second, len(common), float(np.mean(paired)), bootstrap_interval(paired, seed))
