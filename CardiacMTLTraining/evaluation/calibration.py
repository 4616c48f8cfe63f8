"""Probabilities against truth: log-loss, Brier score, calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.labels import Group
from CardiacMTLTraining.evaluation.case_figures import CaseFigures
from CardiacMTLTraining.evaluation.intervals import Interval

N_BINS = 10
_LEAST_PROBABILITY = 1e-12
_SIMULATIONS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class ProbabilityTable:
    """Patients whose group and probabilities are known: `truth` (n,) indices into `Group`, `chances` (n, 5)."""

    truth: NDArray[np.intp]
    chances: NDArray[np.float64]

    @classmethod
    def of(cls, cases: Sequence[CaseFigures]) -> ProbabilityTable:
        """The table of those cases of which both are known, in their order."""
        rows = [(list(Group).index(c.group), c.probabilities) for c in cases if c.group is not None and c.probabilities]
        truth = np.array([row[0] for row in rows], dtype=np.intp)
        return cls(truth, np.array([row[1] for row in rows], dtype=float).reshape(-1, len(Group)))

    def take(self, rows: NDArray[np.intp]) -> ProbabilityTable:
        """The table of these rows, which may repeat."""
        return ProbabilityTable(self.truth[rows], self.chances[rows])

    @property
    def top(self) -> NDArray[np.float64]:
        """(n,) largest probabilities."""
        return np.asarray(self.chances.max(axis=1))

    @property
    def right(self) -> NDArray[np.bool_]:
        """(n,) whether the most likely group is the true one."""
        return np.asarray(self.chances.argmax(axis=1) == self.truth)

    def log_losses(self) -> NDArray[np.float64]:
        """(n,) negative natural logarithms of the true group's probability, which counts as at least 1e-12."""
        return -np.log(np.clip(self.chances[np.arange(len(self.truth)), self.truth], _LEAST_PROBABILITY, 1))

    def brier_scores(self) -> NDArray[np.float64]:
        """(n,) sums over the five groups of the squared difference of probability and truth, 0 to 2.

        Source: Brier, Monthly Weather Review 1950;78:1.
        """
        return np.asarray(((self.chances - np.eye(len(Group))[self.truth]) ** 2).sum(axis=1))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Patients whose largest probability lies in (low, high]: how many, its mean, and the share that was right."""

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


def reliability(table: ProbabilityTable) -> tuple[ReliabilityBin, ...]:
    """Ten bins of equal width of the largest probability."""
    place = _bin_of(table.top)
    bins = []
    for number in range(N_BINS):
        inside = place == number
        n = int(inside.sum())
        confidence = float(table.top[inside].mean()) if n else None
        accuracy = float(table.right[inside].mean()) if n else None
        bins.append(ReliabilityBin(number / N_BINS, (number + 1) / N_BINS, n, confidence, accuracy))
    return tuple(bins)


def expected_calibration_error(table: ProbabilityTable) -> float | None:
    """Mean over patients of the bins' distance between confidence and accuracy, 0 to 1; None without patients.

    Source: Guo et al., ICML 2017, arXiv 1706.04599. Of few patients it is biased upwards: see `error_if_calibrated`.
    """
    return _calibration_error(table.top, table.right) if len(table.truth) else None


def error_if_calibrated(table: ProbabilityTable, seed: int) -> Interval | None:
    """Mean, and 95th percentile, of the calibration error that perfect calibration would show with these probabilities.

    The outcomes are drawn with exactly the stated probabilities (consistency resampling: Brocker and Smith, Weather and
    Forecasting 2007;22:651). An error below the second number is no evidence against calibration.
    """
    if not len(table.truth):
        return None
    top = table.top
    drawn = np.random.default_rng(seed).random((_SIMULATIONS, len(top))) < top
    errors = [_calibration_error(top, right) for right in drawn]
    return float(np.mean(errors)), float(np.percentile(errors, 95))


def _calibration_error(top: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    gaps = np.bincount(_bin_of(top), weights=top - right, minlength=N_BINS)
    return float(np.abs(gaps).sum() / len(top))


def _bin_of(top: NDArray[np.float64]) -> NDArray[np.intp]:
    """Number of the bin, 0 to 9; a limit belongs to the bin below it."""
    return np.clip(np.ceil(np.round(top * N_BINS, 9)).astype(np.intp) - 1, 0, N_BINS - 1)
