"""Refitting the diagnosis heads: a regularised linear model on final features and out-of-fold auxiliary logits."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.diagnosis.head import HeadWeights
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.model import DiagnosisHead

log = logging.getLogger(__name__)

STRENGTHS = (0.1, 0.3, 1.0, 3.0)
"""Inverse strengths of the penalty that are tried; the one with the least out-of-fold log-loss is taken."""

SHARES = (0.1, 0.3, 1.0)
"""Scales of the auxiliary logits beside the standardised features that are tried likewise: the penalty acts harder on a
smaller one, which keeps an embedding that is surer than it is right from outweighing the measurements."""

JITTER_SD = 0.25
_JITTER_COPIES = 4


class Inputs(Enum):
    """What a head may look at; anything but `BOTH` is for comparison."""

    BOTH = "clinical layer and embedding"
    CLINICAL = "clinical layer only"
    EMBEDDING = "embedding only"

    @property
    def shares(self) -> tuple[tuple[float, float], ...]:
        """The scales of features and of auxiliary logits that are tried."""
        if self is Inputs.BOTH:
            return tuple((1.0, share) for share in SHARES)
        return ((1.0, 0.0),) if self is Inputs.CLINICAL else ((0.0, 1.0),)


@dataclass(frozen=True, slots=True)
class HeadRow:
    """One view of one patient: features (24,) of one set of masks, auxiliary logits (5,), class index, fold."""

    patient: str
    features: NDArray[np.float64]
    auxiliary_logits: NDArray[np.float64]
    group: int
    fold: int
    is_prediction: bool


@dataclass(frozen=True, slots=True)
class FittedHead:
    """The head on all rows, the choices behind it, and the out-of-fold probabilities (patient -> (5,)) that made them."""

    weights: HeadWeights
    strength: float
    share: float
    out_of_fold: dict[str, NDArray[np.float64]]
    out_of_fold_accuracy: float
    out_of_fold_log_loss: float


def fit_head(rows: Sequence[HeadRow], seed: int, inputs: Inputs = Inputs.BOTH) -> FittedHead:
    """Choose penalty and share by cross-validation over folds, fit the temperature on the out-of-fold logits, refit.

    All views of a patient lie in one fold; the figures are those of the predicted masks alone, and a little too good, for
    the choices were made on them (`nested_probabilities` has honest ones). Raises `InputError` where no predicted mask gave
    features, or a fold's complement lacks a group.
    """
    _check_rows(rows)
    choices = list(product(STRENGTHS, inputs.shares))
    predicted = [row for row in rows if row.is_prediction]
    groups = np.array([row.group for row in predicted])
    results = {choice: _out_of_fold(rows, *choice, seed) for choice in choices}
    temperatures = {choice: _temperature(logits, groups) for choice, logits in results.items()}
    losses = {choice: _log_loss(results[choice] / temperatures[choice], groups) for choice in choices}
    best = min(choices, key=lambda choice: losses[choice])
    strength, scales = best
    log.info("head: penalty %.2f, share of the embedding %.2f, log-loss %.3f", 1 / strength, scales[1], losses[best])
    probabilities = _softmax(results[best] / temperatures[best])
    return FittedHead(
        weights=_fit(rows, *best, temperatures[best], seed),
        strength=strength,
        share=scales[1],
        out_of_fold={row.patient: p for row, p in zip(predicted, probabilities, strict=True)},
        out_of_fold_accuracy=float((probabilities.argmax(axis=1) == groups).mean()),
        out_of_fold_log_loss=losses[best],
    )


def nested_heads(rows: Sequence[HeadRow], seed: int, inputs: Inputs = Inputs.BOTH) -> dict[int, FittedHead]:
    """For each fold the head, its choices and its temperature, all from the rows of the other folds alone."""
    folds = sorted({row.fold for row in rows})
    return {fold: fit_head([row for row in rows if row.fold != fold], seed, inputs) for fold in folds}


def nested_probabilities(rows: Sequence[HeadRow], heads: dict[int, FittedHead]) -> dict[str, NDArray[np.float64]]:
    """(5,) probabilities of each patient's predicted masks, from the head of its fold."""
    return {
        row.patient: heads[row.fold].weights.probabilities(row.features, row.auxiliary_logits)
        for row in rows
        if row.is_prediction
    }


def install_head(head: DiagnosisHead, weights: HeadWeights) -> None:
    """Put refitted weights into the network's head."""
    with torch.no_grad():
        head.feature_mean.copy_(torch.from_numpy(weights.mean))
        head.feature_sd.copy_(torch.from_numpy(weights.sd))
        head.linear.weight.copy_(torch.from_numpy(weights.weight))
        head.linear.bias.copy_(torch.from_numpy(weights.bias))


def _check_rows(rows: Sequence[HeadRow]) -> None:
    if not any(row.is_prediction for row in rows):
        raise InputError(
            "no training patient's predicted masks give all features; expected those of most; "
            "train the masks for longer, and give height and weight"
        )
    for fold in sorted({row.fold for row in rows}):
        there = {row.group for row in rows if row.fold != fold}
        if missing := [group for index, group in enumerate(Group) if index not in there]:
            raise InputError(
                f"without fold {fold} no patient of {', '.join(missing)} has features; expected all five groups in each "
                "training part; add patients or train the masks for longer"
            )


def _out_of_fold(rows: Sequence[HeadRow], strength: float, scales: tuple[float, float], seed: int) -> NDArray[np.float64]:
    """(predicted rows, 5) logits, each from a head fitted on the other folds."""
    logits: dict[int, NDArray[np.float64]] = {}
    for fold in sorted({row.fold for row in rows}):
        head = _fit([row for row in rows if row.fold != fold], strength, scales, 1.0, seed)
        for index, row in enumerate(rows):
            if row.fold == fold and row.is_prediction:
                logits[index] = head.weight @ head.inputs(row.features, row.auxiliary_logits) + head.bias
    return np.stack([logits[index] for index in sorted(logits)])


def _fit(rows: Sequence[HeadRow], strength: float, scales: tuple[float, float], temperature: float, seed: int) -> HeadWeights:
    generator = np.random.default_rng(seed)
    features = np.stack([row.features for row in rows])
    mean, sd = features.mean(axis=0), features.std(axis=0)
    empty = HeadWeights(mean, sd, np.zeros((len(Group), len(FEATURES) + len(Group))), np.zeros(len(Group)), temperature)
    scale = np.repeat(scales, (len(FEATURES), len(Group)))
    plain = np.stack([empty.inputs(row.features, row.auxiliary_logits) for row in rows])
    noise = generator.normal(0, JITTER_SD, (_JITTER_COPIES, *plain.shape))
    noise[0] = 0
    many = np.concatenate(list(plain + noise)) * scale
    groups = np.tile([row.group for row in rows], _JITTER_COPIES)
    model = LogisticRegression(C=strength / _JITTER_COPIES, max_iter=2000).fit(many, groups)
    return HeadWeights(mean, sd, model.coef_ * scale, model.intercept_, temperature)


def _temperature(logits: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    result = minimize_scalar(lambda t: _log_loss(logits / np.exp(t), groups), bounds=(-2, 2), method="bounded")
    return float(np.exp(result.x))


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
    return result


def _log_loss(logits: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    chances = _softmax(logits)[np.arange(len(groups)), groups]
    return float(-np.log(np.clip(chances, 1e-12, 1)).mean())
