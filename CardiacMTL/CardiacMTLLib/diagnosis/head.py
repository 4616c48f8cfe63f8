"""The diagnosis head in numpy: features and auxiliary logits -> calibrated probabilities and their explanation.

It needs no torch, so that a diagnosis can be computed anew from corrected masks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.diagnosis.diagnosis import Contribution, Diagnosis
from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.labels import Group

Vector = NDArray[np.float64]

AUXILIARY_LIMIT = 4.0
"""The centred auxiliary logits are limited to this before they enter the head."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadWeights:
    """Weights of one head: `mean`, `sd` (24,) of the features, `weight` (5, 29), `bias` (5,), groups in `Group` order.

    Logits are divided by `temperature` before the softmax (temperature scaling: Guo et al., ICML 2017, arXiv 1706.04599).
    """

    mean: Vector
    sd: Vector
    weight: NDArray[np.float64]
    bias: Vector
    temperature: float

    def inputs(self, features: Vector, auxiliary_logits: Vector) -> Vector:
        """(29,) standardised features, then centred and limited auxiliary logits."""
        auxiliary = np.clip(auxiliary_logits - auxiliary_logits.mean(), -AUXILIARY_LIMIT, AUXILIARY_LIMIT)
        return np.concatenate(((features - self.mean) / self.sd, auxiliary))

    def probabilities(self, features: Vector, auxiliary_logits: Vector) -> Vector:
        """(5,) calibrated probabilities."""
        logits = (self.weight @ self.inputs(features, auxiliary_logits) + self.bias) / self.temperature
        odds = np.exp(logits - logits.max())
        result: Vector = odds / odds.sum()
        return result


def diagnose(
    features: Vector, auxiliary_logits: Vector, head: HeadWeights, label_threshold: float, *, indexed: bool
) -> Diagnosis:
    """The diagnosis of one study; the label is withheld where the largest probability is below `label_threshold`."""
    probabilities = head.probabilities(features, auxiliary_logits)
    best = int(probabilities.argmax())
    label, reason = list(Group)[best], None
    if probabilities[best] < label_threshold:
        reason = f"no group is likely enough: the largest probability is {probabilities[best]:.2f}, below {label_threshold:.2f}"
    return Diagnosis(
        probabilities={group: float(p) for group, p in zip(Group, probabilities, strict=True)},
        label=None if reason else label,
        reason=reason,
        auxiliary_logits=tuple(float(value) for value in auxiliary_logits),
        contributions=_contributions(features, auxiliary_logits, head, best, indexed=indexed),
    )


def _contributions(
    features: Vector, auxiliary_logits: Vector, head: HeadWeights, group: int, *, indexed: bool
) -> tuple[Contribution, ...]:
    """Exact linear contributions to the group's logit, less the mean of all groups, over the temperature; the largest first.

    They add up to that logit: the part that no feature moves is the model's constant.
    """
    relative = (head.weight[group] - head.weight.mean(axis=0)) * head.inputs(features, auxiliary_logits) / head.temperature
    constant = (head.bias[group] - head.bias.mean()) / head.temperature
    rows = [
        Contribution(f.title, float(value), f"{f.unit}/m²" if f.by_size and indexed else f.unit, float(logits))
        for f, value, logits in zip(FEATURES, features, relative[: len(FEATURES)], strict=True)
    ]
    centred = float(auxiliary_logits[group] - auxiliary_logits.mean())
    rows.append(Contribution("image embedding of the network", centred, "", float(relative[len(FEATURES) :].sum())))
    rows.append(Contribution("constant of the model", 1.0, "", float(constant)))
    return tuple(sorted(rows, key=lambda row: -abs(row.logits)))
