"""Made-up rows of the diagnosis heads, for the tests of what is fitted on them."""

from __future__ import annotations

import numpy as np

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.labels import Group
from CardiacMTLTraining.head_fit import HeadRow

N_GROUPS, N_FEATURES = len(Group), len(FEATURES)
SCALES = np.linspace(1, 200, N_FEATURES)


def rows_of(
    n_patients: int, separation: float, seed: int = 0, n_folds: int = 3, auxiliary_separation: float = 0.0
) -> list[HeadRow]:
    """An expert and a predicted row of each patient; the groups' means lie `separation` SDs apart in five features.

    Those of the auxiliary logits lie `auxiliary_separation` apart. The two rows of a patient are nearly alike, as two sets of
    masks of one heart are.
    """
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(n_patients):
        group = number % N_GROUPS
        features = generator.normal(0, 1, N_FEATURES)
        features[group] += separation
        auxiliary = generator.normal(0, 0.3, N_GROUPS)
        auxiliary[group] += auxiliary_separation
        for is_prediction in (False, True):
            values = (features + generator.normal(0, 0.02, N_FEATURES)) * SCALES + 50
            rows.append(HeadRow(f"p{number}", values, auxiliary, group, number // N_GROUPS % n_folds, is_prediction))
    return rows
