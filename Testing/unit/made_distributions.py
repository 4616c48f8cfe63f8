"""Made-up distributions of features, for the tests of explanations, manifests and reports."""

from __future__ import annotations

import numpy as np

from CardiacMTLLib.diagnosis.distributions import Distributions, GroupSpreads
from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.labels import Group

N_PATIENTS = 101


def spreads_at(start: float) -> GroupSpreads:
    """101 patients whose features are `start`, `start` + 1, ... `start` + 100: percentile p is `start` + p."""
    spreads = GroupSpreads.of(np.arange(start, start + N_PATIENTS)[:, None] + np.zeros(len(FEATURES)))
    assert spreads is not None
    return spreads


def distributions_of(*groups: Group, indexed: bool = True) -> Distributions:
    """Group number k begins at 1000 k in the unindexed head, and at 1000 k + 500 in the indexed one."""
    groups = groups or tuple(Group)
    plain, divided = ({group: spreads_at(1000 * list(Group).index(group) + offset) for group in groups} for offset in (0, 500))
    return Distributions("101 made-up hearts a group", divided if indexed else None, plain)
