"""The features' distributions in each group, from a cross-validation's rows, for a model's manifest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from CardiacMTLLib.diagnosis.distributions import Distributions, GroupSpreads
from CardiacMTLLib.labels import Group
from CardiacMTLTraining.calibrate import Rows
from CardiacMTLTraining.head_fit import HeadRow

_ROWS = "training patients, each measured on the masks of a network that had not seen it (out of fold)"


def feature_distributions(rows: Rows) -> Distributions | None:
    """Distributions of the features of the predicted masks, one row a patient, for both heads; None where no group has enough.

    The expert masks' rows, on which the heads are fitted too, are left out: a new study is measured on predicted masks.
    """
    indexed, unindexed = _spreads(rows.indexed), _spreads(rows.unindexed)
    return Distributions(f"{_n_patients(rows)} {_ROWS}", indexed or None, unindexed) if unindexed else None


def _n_patients(rows: Rows) -> int:
    return len({row.patient for row in rows.unindexed if row.is_prediction})


def _spreads(rows: Sequence[HeadRow]) -> dict[Group, GroupSpreads]:
    spreads = {}
    for index, group in enumerate(Group):
        features = [row.features for row in rows if row.is_prediction and row.group == index]
        if features and (found := GroupSpreads.of(np.stack(features))) is not None:
            spreads[group] = found
    return spreads
