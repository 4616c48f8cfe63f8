"""The diagnosis head in numpy: features and auxiliary logits -> calibrated probabilities and their explanation.

It needs no torch, so that a diagnosis can be computed anew from corrected masks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.diagnosis.diagnosis import Contribution, Diagnosis
from CardiacMTLLib.diagnosis.distributions import Distributions
from CardiacMTLLib.diagnosis.explanation import explain
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
        return np.concatenate(((features - self.mean) / self.sd, _limited(auxiliary_logits)))

    def probabilities(self, features: Vector, auxiliary_logits: Vector) -> Vector:
        """(5,) calibrated probabilities."""
        logits = (self.weight @ self.inputs(features, auxiliary_logits) + self.bias) / self.temperature
        odds = np.exp(logits - logits.max())
        result: Vector = odds / odds.sum()
        return result

    def parts(self, features: Vector, auxiliary_logits: Vector) -> NDArray[np.float64]:
        """(5, 26) what each feature, the embedding and the constant add to each group's calibrated logit: exact and linear."""
        shares = self.weight * self.inputs(features, auxiliary_logits)
        embedding = shares[:, len(FEATURES) :].sum(axis=1)
        return np.column_stack((shares[:, : len(FEATURES)], embedding, self.bias)) / self.temperature


def diagnose(
    features: Vector,
    auxiliary_logits: Vector,
    head: HeadWeights,
    label_threshold: float,
    *,
    indexed: bool,
    distributions: Distributions | None = None,
) -> Diagnosis:
    """The diagnosis of one study, explained; the label is withheld where the largest probability is below `label_threshold`.

    `distributions` are those of the model, for the explanation.
    """
    probabilities = head.probabilities(features, auxiliary_logits)
    best = int(probabilities.argmax())
    label, reason = list(Group)[best], None
    if probabilities[best] < label_threshold:
        share, least = f"{100 * probabilities[best]:.1f} %", f"{100 * label_threshold:g} %"
        reason = f"no group is likely enough: the largest probability is {share}, below {least}"
    parts = head.parts(features, auxiliary_logits)
    explanation = explain(features, _limited(auxiliary_logits), parts, distributions, indexed=indexed)
    return Diagnosis(
        probabilities={group: float(p) for group, p in zip(Group, probabilities, strict=True)},
        label=None if reason else label,
        reason=reason,
        auxiliary_logits=tuple(float(value) for value in auxiliary_logits),
        contributions=tuple(Contribution(part.title, part.value, part.unit, part.logits) for part in explanation.parts),
        explanation=explanation,
    )


def _limited(auxiliary_logits: Vector) -> Vector:
    """(5,) auxiliary logits as the head takes them, centred and within `AUXILIARY_LIMIT`."""
    limited: Vector = np.clip(auxiliary_logits - auxiliary_logits.mean(), -AUXILIARY_LIMIT, AUXILIARY_LIMIT)
    return limited
