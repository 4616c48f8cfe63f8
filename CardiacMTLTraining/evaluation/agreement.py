"""Agreement of measurements with the experts': correlation, bias, limits of agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardiacMTLTraining.evaluation.intervals import Interval, bootstrap_interval

LIMITS_SD = 1.96
"""Half the width of the limits of agreement, in standard deviations of the differences."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """`n` pairs in the measurement's unit: differences are ours less the experts'; None where undefined.

    `limits_of_agreement` = bias -+ 1.96 SD. Source: Bland and Altman, Lancet 1986;1:307.
    """

    n: int
    mean_absolute: float | None = None
    bias: float | None = None
    sd: float | None = None
    limits_of_agreement: Interval | None = None
    pearson: float | None = None
    mean_absolute_interval_95: Interval | None = None
    bias_interval_95: Interval | None = None


def agreement(ours: Sequence[float | None], theirs: Sequence[float | None], seed: int = 0) -> Agreement:
    """Agreement over the pairs where both are defined; intervals by bootstrap over the pairs."""
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
    if not pairs:
        return Agreement(0)
    measured, expert = np.array(pairs, dtype=float).T
    difference = measured - expert
    bias = float(difference.mean())
    sd = float(difference.std(ddof=1)) if len(pairs) > 1 else None
    return Agreement(
        n=len(pairs),
        mean_absolute=float(np.abs(difference).mean()),
        bias=bias,
        sd=sd,
        limits_of_agreement=None if sd is None else (bias - LIMITS_SD * sd, bias + LIMITS_SD * sd),
        pearson=pearson(measured.tolist(), expert.tolist()),
        mean_absolute_interval_95=bootstrap_interval(np.abs(difference).tolist(), seed),
        bias_interval_95=bootstrap_interval(difference.tolist(), seed),
    )


def pearson(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Pearson's correlation; None for fewer than three pairs, and where one side does not vary."""
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])
