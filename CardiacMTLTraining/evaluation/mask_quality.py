"""Estimates of the masks' quality against their real overlap with the experts'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import spearmanr

from CardiacMTLLib.labels import STRUCTURE_PHASES
from CardiacMTLTraining.evaluation.agreement import pearson
from CardiacMTLTraining.evaluation.case_figures import CaseFigures


@dataclass(frozen=True, slots=True)
class EstimateFigures:
    """`n` pairs of estimated and real Dice: correlations, and the mean of the difference and of its size."""

    n: int
    pearson: float | None
    spearman: float | None
    bias: float | None
    mean_absolute: float | None


@dataclass(frozen=True, slots=True)
class MaskQuality:
    """Estimates over all structures and phases of all patients, and for each structure and phase alone.

    Over all together the differences between structures alone correlate: judge an estimate by `by_structure`.
    """

    all: EstimateFigures
    by_structure: dict[str, EstimateFigures]


def mask_quality(figures: Sequence[CaseFigures]) -> MaskQuality | None:
    """Figures of the estimates; None where no case has one beside a real Dice."""
    pairs = {key: estimate_pairs(figures, key) for key in STRUCTURE_PHASES}
    together = [pair for some in pairs.values() for pair in some]
    return (
        MaskQuality(estimate_figures(together), {key: estimate_figures(some) for key, some in pairs.items()})
        if together
        else None
    )


def estimate_pairs(figures: Sequence[CaseFigures], key: str) -> list[tuple[float, float]]:
    """Estimated and real Dice of one structure and phase, for the cases that have both."""
    both = ((case.predicted_dice[key], case.dice[key]) for case in figures if case.predicted_dice is not None)
    return [(estimate, real) for estimate, real in both if estimate is not None and real is not None]


def estimate_figures(pairs: Sequence[tuple[float, float]]) -> EstimateFigures:
    """Figures of (estimated, real) pairs; None where undefined."""
    if not pairs:
        return EstimateFigures(0, None, None, None, None)
    estimates, reals = ([pair[side] for pair in pairs] for side in (0, 1))
    differences = [estimate - real for estimate, real in pairs]
    linear = pearson(estimates, reals)
    return EstimateFigures(
        len(pairs),
        linear,
        None if linear is None else float(spearmanr(estimates, reals).statistic),
        sum(differences) / len(pairs),
        sum(map(abs, differences)) / len(pairs),
    )
