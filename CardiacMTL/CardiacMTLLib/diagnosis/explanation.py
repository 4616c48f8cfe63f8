"""Why a diagnosis came out as it did: what each feature speaks for, against which group, and how the groups usually are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.diagnosis.distributions import Distributions, Spread
from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.labels import Group

EMBEDDING = "embedding"
CONSTANT = "constant"

MIN_LOGITS = 0.05
"""What moves a score by less than this is not named among that which speaks against a label or for the runner-up."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one input adds to the leading group's score, in logits.

    `name` is that of the feature, or `EMBEDDING` or `CONSTANT`, which have no distributions. `logits` counts against the mean
    of the five groups, `logits_over_runner_up` against the runner-up alone. `groups` are the feature's distributions.
    """

    name: str
    title: str
    value: float
    unit: str
    logits: float
    logits_over_runner_up: float
    groups: Mapping[Group, Spread] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The parts of a diagnosis, the weightiest first; `distribution_rows` says what the distributions are of, None without.

    The parts add up: `logits` to the leading group's score against the mean of the groups, `logits_over_runner_up` to
    `margin_logits`, the logarithm of the leading group's odds against the runner-up.
    """

    group: Group
    runner_up: Group
    margin_logits: float
    parts: tuple[Part, ...]
    distribution_rows: str | None

    @property
    def against(self) -> tuple[Part, ...]:
        """What speaks against the leading group, the weightiest first."""
        return tuple(part for part in self.parts if part.logits <= -MIN_LOGITS)

    @property
    def favouring_runner_up(self) -> tuple[Part, ...]:
        """What speaks for the runner-up more than for the leading group, the weightiest first."""
        parts = [part for part in self.parts if part.logits_over_runner_up <= -MIN_LOGITS]
        return tuple(sorted(parts, key=lambda part: part.logits_over_runner_up))


def explain(
    features: NDArray[np.float64],
    embedding: NDArray[np.float64],
    parts: NDArray[np.float64],
    distributions: Distributions | None,
    *,
    indexed: bool,
) -> Explanation:
    """The explanation of one study.

    `features` (24,) are not standardised; `embedding` (5,) are the auxiliary logits as the head takes them, centred and
    limited; `parts` (5, 26) are what each feature, the embedding and the constant add to each group's calibrated logit
    (`HeadWeights.parts`).
    """
    runner_up, best = (int(group) for group in parts.sum(axis=1).argsort(kind="stable")[-2:])
    relative, over = parts[best] - parts.mean(axis=0), parts[best] - parts[runner_up]
    spreads = {} if distributions is None else distributions.for_head(indexed=indexed)
    rows = [
        Part(
            feature.name,
            feature.title,
            float(features[index]),
            f"{feature.unit}/m²" if feature.by_size and indexed else feature.unit,
            float(relative[index]),
            float(over[index]),
            {group: spreads[group].spread(index) for group in Group if group in spreads},
        )
        for index, feature in enumerate(FEATURES)
    ]
    seen = float(embedding[best])
    rows.append(Part(EMBEDDING, "what the network itself sees in the images", seen, "", float(relative[-2]), float(over[-2])))
    rows.append(Part(CONSTANT, "constant of the model", 1.0, "", float(relative[-1]), float(over[-1])))
    return Explanation(
        list(Group)[best],
        list(Group)[runner_up],
        float(over.sum()),
        tuple(sorted(rows, key=lambda part: -abs(part.logits))),
        None if distributions is None or not spreads else distributions.rows,
    )
