"""`Diagnosis`: what the network says about the group of a patient, and what it does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from CardiacMTLLib.diagnosis.explanation import Explanation
from CardiacMTLLib.labels import Group

MEANING = (
    "The label is the ACDC group whose pattern the study resembles most, among five: normal, previous infarction, dilated, "
    "hypertrophic, abnormal right ventricle. Probabilities are calibrated for equal group frequency. Other diseases "
    "(amyloid, myocarditis, athlete's heart and the rest) are not represented, and cine images cannot show scar."
)
"""What every display of a diagnosis says beside it."""

RESEARCH_USE = "For research use only. Not for clinical decisions."


@dataclass(frozen=True, slots=True)
class Contribution:
    """How much one feature moves the label's score against the mean of the five groups (in logits)."""

    feature: str
    value: float
    unit: str
    logits: float


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Calibrated probabilities of the five groups, and a label where they allow one.

    `label` None: `reason` says why it is withheld. `probabilities` None: the diagnosis is undefined, `reason` says why.
    `auxiliary_logits` are the five logits of the embedding (class order of `Group`), kept for recomputation. `explanation`
    says why the most probable group is so, whether or not it became the label.
    """

    probabilities: Mapping[Group, float] | None
    label: Group | None
    reason: str | None
    auxiliary_logits: tuple[float, ...] | None = None
    contributions: tuple[Contribution, ...] = ()
    explanation: Explanation | None = None
