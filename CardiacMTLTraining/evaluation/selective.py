"""Selective diagnosis: how often the answer is right where only the surest patients get one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardiacMTLTraining.evaluation.case_figures import CaseFigures
from CardiacMTLTraining.evaluation.intervals import Interval, exact_interval

_MARKED_COVERAGE = 0.9


@dataclass(frozen=True, slots=True)
class SelectivePoint:
    """`n` patients get an answer, a share `coverage` of all; `accuracy` of these answers are right (exact interval)."""

    n: int
    coverage: float
    accuracy: float
    accuracy_interval_95: Interval


def selective_curve(cases: Sequence[CaseFigures]) -> tuple[SelectivePoint, ...]:
    """A point for each number of answers, the largest probability first; `cases` are those of a known group.

    Patients without probabilities never get an answer but count in the coverage. Patients of one and the same largest
    probability share their mean, so that the order of the cases does not matter. Source: Geifman and El-Yaniv, NeurIPS 2017,
    arXiv 1705.08500.
    """
    answered = [case for case in cases if case.probabilities]
    if not answered:
        return ()
    top = np.array([max(case.probabilities or ()) for case in answered])
    right = np.array([case.most_likely is case.group for case in answered], dtype=float)
    _, place = np.unique(-top, return_inverse=True)
    shared = np.bincount(place, weights=right) / np.bincount(place)
    cumulated = np.cumsum(shared[np.sort(place)])
    return tuple(_point(n, float(cumulated[n - 1]), len(cases)) for n in range(1, len(answered) + 1))


def point_at(curve: Sequence[SelectivePoint], coverage: float = _MARKED_COVERAGE) -> SelectivePoint | None:
    """The first point that covers at least `coverage`; None where the curve ends before."""
    return next((point for point in curve if point.coverage >= coverage - 1e-9), None)


def labelled_point(cases: Sequence[CaseFigures]) -> SelectivePoint | None:
    """The operating point of the labels that were given; None where none was."""
    labelled = [case for case in cases if case.label is not None]
    if not labelled:
        return None
    return _point(len(labelled), float(sum(case.label is case.group for case in labelled)), len(cases))


def _point(n: int, right: float, of: int) -> SelectivePoint:
    right = min(right, float(n))
    return SelectivePoint(n, n / of, right / n, exact_interval(right, n))
