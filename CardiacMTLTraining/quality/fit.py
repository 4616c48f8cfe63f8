"""From rows to what a manifest ships: lines of predicted Dice with their limits, and the scope's score with its threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.inference.mask_quality import MaskQuality, QualityLine
from CardiacMTLLib.inference.scope import EVIDENCE, Scope, ScopeEvidence
from CardiacMTLLib.labels import STRUCTURE_PHASES
from CardiacMTLTraining.quality.negatives import Use, use_of
from CardiacMTLTraining.quality.rows import NegativeRow, PatientRow

GOOD_DICE = 0.8
"""From this overlap a mask counts as good: two experts agree on ACDC at 0.78 (RV at ES) to 0.96."""

MAX_FLAGGED_GOOD = 0.02
"""Largest share of the good masks of a structure and phase whose predicted Dice may lie below its limit."""

MAX_REFUSED = 0.01
"""Largest share of short-axis studies that the scope's threshold may refuse where it is set."""

_FEWEST = 5
"""Fewest rows to fit anything on."""

Matrix = NDArray[np.float64]


def fit_mask_quality(rows: Sequence[PatientRow]) -> MaskQuality:
    """Least-squares lines of real Dice on the views' agreement, and the limits below which a mask is flagged.

    A limit is the `MAX_FLAGGED_GOOD` quantile of the predicted Dice of the good masks (`GOOD_DICE`), midway between two
    patients, and the least of them where that is less than one patient; but never above `GOOD_DICE`, since a mask that is
    predicted to be good needs no flag. A line that would fall is flat. Raises `InputError`
    for fewer than five patients with a real Dice.
    """
    return MaskQuality({key: _line(rows, key) for key in STRUCTURE_PHASES})


def fit_scope(positives: Sequence[PatientRow], negatives: Sequence[NegativeRow]) -> Scope:
    """A logistic score of the evidence, both classes weighing alike; only negatives of kinds for calibration are used.

    Evidence that would count against a heart (a negative weight) is left out: its weight is 0. The threshold refuses at most
    `MAX_REFUSED` of the positives; where it may lie anywhere between a negative and a positive, it lies midway on the logit.
    Rows without evidence are settled before any score, and do not count here. Raises `InputError` for fewer than five rows
    of a class.
    """
    hearts = _evidence([row.evidence for row in positives])
    others = _evidence([row.evidence for row in negatives if use_of(row.kind) is Use.CALIBRATION])
    if min(len(hearts), len(others)) < _FEWEST:
        raise InputError(
            f"the scope has evidence of {len(hearts)} hearts and {len(others)} negatives for calibration; "
            f"expected {_FEWEST} of each; gather more"
        )
    mean = (hearts.mean(axis=0) + others.mean(axis=0)) / 2
    sd = np.sqrt((((hearts - mean) ** 2).mean(axis=0) + ((others - mean) ** 2).mean(axis=0)) / 2)
    sd = np.where(sd > 1e-6, sd, 1.0)
    table = (np.concatenate([hearts, others]) - mean) / sd
    truth = np.repeat([1, 0], [len(hearts), len(others)])
    weight, bias = _logistic(table, truth)
    logits = table @ weight + bias
    threshold = 1 / (1 + np.exp(-_threshold_logit(logits[truth == 1], logits[truth == 0])))
    return Scope(tuple(mean.tolist()), tuple(sd.tolist()), tuple(weight.tolist()), bias, float(threshold))


def _line(rows: Sequence[PatientRow], key: str) -> QualityLine:
    pairs = [(row.agreement[key], real) for row in rows if row.agreement and (real := row.dice[key]) is not None]
    if len(pairs) < _FEWEST:
        raise InputError(f"mask quality of {key} has {len(pairs)} patients; expected {_FEWEST} or more; gather more")
    agreement, real = np.array(pairs, dtype=np.float64).T
    centred = agreement - agreement.mean()
    spread = float(centred @ centred)
    slope = max(float(centred @ real) / spread, 0.0) if spread > 0 else 0.0
    line = QualityLine(float(real.mean() - slope * agreement.mean()), slope, 0.0)
    good = sorted(line.dice(float(value)) for value in agreement[real >= GOOD_DICE])
    return QualityLine(line.intercept, line.slope, _limit(good))


def _limit(good: Sequence[float]) -> float:
    """The limit below which at most `MAX_FLAGGED_GOOD` of the sorted predictions lie; 0 where no mask is good."""
    allowed = int(MAX_FLAGGED_GOOD * len(good))
    if not good:
        return 0.0
    return min((good[allowed - 1] + good[allowed]) / 2 if allowed else good[0], GOOD_DICE)


def _evidence(rows: Sequence[ScopeEvidence | None]) -> Matrix:
    """(row, evidence) of the rows that have some."""
    return np.array([astuple(row) for row in rows if row is not None], dtype=np.float64).reshape(-1, len(EVIDENCE))


def _logistic(table: Matrix, truth: NDArray[Any]) -> tuple[Matrix, float]:
    """Weights and bias of an L2-regularised logistic regression, without the columns whose weight would be negative."""
    used = np.ones(table.shape[1], dtype=np.bool_)
    while True:
        fitted = LogisticRegression(class_weight="balanced", max_iter=1000).fit(table[:, used], truth)
        found = fitted.coef_[0]
        if (found >= 0).all() or used.sum() == 1:
            break
        used[np.flatnonzero(used)[found.argmin()]] = False
    weight = np.zeros(table.shape[1])
    weight[used] = np.maximum(found, 0)
    return weight, float(fitted.intercept_[0])


def _threshold_logit(hearts: Matrix, others: Matrix) -> float:
    kept = float(np.sort(hearts)[int(MAX_REFUSED * len(hearts))])
    below = others[others < kept]
    return (kept + float(below.max())) / 2 if len(below) else kept
