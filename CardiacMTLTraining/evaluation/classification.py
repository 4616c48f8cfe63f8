"""The diagnosis against the true group: accuracy, F1, confusion, AUC, calibration, selective accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from CardiacMTLLib.labels import Group
from CardiacMTLTraining.evaluation.calibration import (
    ProbabilityTable,
    ReliabilityBin,
    error_if_calibrated,
    expected_calibration_error,
    reliability,
)
from CardiacMTLTraining.evaluation.case_figures import CaseFigures
from CardiacMTLTraining.evaluation.intervals import Interval, bootstrap_interval, bootstrap_statistic, exact_interval
from CardiacMTLTraining.evaluation.selective import SelectivePoint, labelled_point, point_at, selective_curve

UNDEFINED = "none"
"""Column of the confusion table for patients whose diagnosis is undefined."""


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """One group against the rest: patients, share of them that was found, share of those so called that are, AUC."""

    n: int
    sensitivity: float | None
    precision: float | None
    auc: float | None


@dataclass(frozen=True, slots=True)
class DiagnosisSummary:
    """Figures over the `n` patients of a known group; intervals are 95 %.

    An undefined diagnosis counts as wrong in accuracy, F1 and confusion, and has no part in `log_loss` (natural logarithm),
    `brier` (sum over groups), `ece`, `auc` and `reliability`, which stand on `n_with_probabilities`. `macro_f1` is the mean
    over the groups that occur. `ece_if_calibrated`: mean and 95th percentile that perfect calibration would show.
    """

    right: int
    n: int
    n_with_probabilities: int
    accuracy: float
    accuracy_interval_95: Interval
    macro_f1: float
    macro_f1_interval_95: Interval | None
    labelled: int
    labelled_right: int
    labels_given: SelectivePoint | None
    log_loss: float | None
    log_loss_interval_95: Interval | None
    brier: float | None
    brier_interval_95: Interval | None
    ece: float | None
    ece_interval_95: Interval | None
    ece_if_calibrated: Interval | None
    auc_mean: float | None
    groups: dict[str, GroupFigures]
    confusion: dict[str, dict[str, int]]
    reliability: tuple[ReliabilityBin, ...]
    selective_at_90: SelectivePoint | None
    selective: tuple[SelectivePoint, ...]


def diagnosis_summary(figures: Sequence[CaseFigures], seed: int = 0) -> DiagnosisSummary | None:
    """Figures over those cases whose group is known; None without any."""
    cases = [case for case in figures if case.group is not None]
    if not cases:
        return None
    right = sum(case.most_likely is case.group for case in cases)
    table = ProbabilityTable.of(cases)
    n = len(table.truth)
    losses, scores = table.log_losses(), table.brier_scores()
    truth, found = _places(cases)
    groups = _groups(cases, table)
    aucs = [group.auc for group in groups.values() if group.auc is not None]
    curve = selective_curve(cases)
    return DiagnosisSummary(
        right=right,
        n=len(cases),
        n_with_probabilities=n,
        accuracy=right / len(cases),
        accuracy_interval_95=exact_interval(right, len(cases)),
        macro_f1=macro_f1(truth, found),
        macro_f1_interval_95=bootstrap_statistic(len(cases), lambda rows: macro_f1(truth[rows], found[rows]), seed),
        labelled=sum(case.label is not None for case in cases),
        labelled_right=sum(case.label is case.group for case in cases),
        labels_given=labelled_point(cases),
        log_loss=float(losses.mean()) if n else None,
        log_loss_interval_95=bootstrap_interval(losses.tolist(), seed) if n else None,
        brier=float(scores.mean()) if n else None,
        brier_interval_95=bootstrap_interval(scores.tolist(), seed) if n else None,
        ece=expected_calibration_error(table),
        ece_interval_95=bootstrap_statistic(n, lambda rows: expected_calibration_error(table.take(rows)), seed) if n else None,
        ece_if_calibrated=error_if_calibrated(table, seed),
        auc_mean=float(np.mean(aucs)) if aucs else None,
        groups=groups,
        confusion=confusion(cases),
        reliability=reliability(table),
        selective_at_90=point_at(curve),
        selective=curve,
    )


def macro_f1(truth: NDArray[np.intp], found: NDArray[np.intp]) -> float:
    """Mean over the groups that occur in `truth` (n,) of the harmonic mean of sensitivity and precision, 0 to 1.

    Numbers that are no group count as found wrong. It is scikit-learn's `f1_score`, fast enough for a bootstrap.
    """
    scores = []
    for group in range(len(Group)):
        n = int((truth == group).sum())
        if n:
            hits = int(((truth == group) & (found == group)).sum())
            scores.append(2 * hits / (n + int((found == group).sum())))
    return float(np.mean(scores))


def group_auc(table: ProbabilityTable, group: Group) -> float | None:
    """Area under the ROC curve of the group's probability, the group against the rest; None where one side is empty.

    Source: Hanley and McNeil, Radiology 1982;143:29.
    """
    place = list(Group).index(group)
    positive = table.truth == place
    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, table.chances[:, place]))


def confusion(cases: Sequence[CaseFigures]) -> dict[str, dict[str, int]]:
    """Rows are true groups, columns the most likely ones; 'none' where the diagnosis was undefined."""
    columns = [*Group, None]
    return {
        truth.value: {
            UNDEFINED if found is None else found.value: sum(c.group is truth and c.most_likely is found for c in cases)
            for found in columns
        }
        for truth in Group
    }


def _places(cases: Sequence[CaseFigures]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(n,) index of the true and of the most likely group, -1 where undefined."""
    places: dict[Group | None, int] = {group: place for place, group in enumerate(Group)} | {None: -1}
    truth, found = ([places[group] for group in some] for some in zip(*((c.group, c.most_likely) for c in cases), strict=True))
    return np.array(truth, dtype=np.intp), np.array(found, dtype=np.intp)


def _groups(cases: Sequence[CaseFigures], table: ProbabilityTable) -> dict[str, GroupFigures]:
    groups = {}
    for group in Group:
        n = sum(case.group is group for case in cases)
        called = sum(case.most_likely is group for case in cases)
        hits = sum(case.group is group and case.most_likely is group for case in cases)
        groups[group.value] = GroupFigures(
            n, hits / n if n else None, hits / called if called else None, group_auc(table, group)
        )
    return groups
