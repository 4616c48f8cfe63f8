from dataclasses import replace

import numpy as np
import pytest

from CardiacMTLLib.labels import Group
from CardiacMTLTraining.calibrate import Rows
from CardiacMTLTraining.distributions import feature_distributions
from Testing.unit.made_rows import rows_of


def rows(indexed, unindexed):
    return Rows(tuple(indexed), tuple(unindexed), (), ())


def test_the_figures_are_those_of_the_predicted_masks_of_each_group():
    unindexed = rows_of(50, separation=2.0)
    distributions = feature_distributions(rows([], unindexed))
    for index, group in enumerate(Group):
        features = np.stack([row.features for row in unindexed if row.is_prediction and row.group == index])
        spreads = distributions.unindexed[group]
        assert spreads.n == 10
        np.testing.assert_allclose(spreads.mean, features.mean(axis=0), rtol=1e-3)
        np.testing.assert_allclose(spreads.p50, np.median(features, axis=0), rtol=1e-3)
    assert distributions.rows.startswith("50 training patients")


def test_expert_masks_do_not_count():
    unindexed = rows_of(50, separation=2.0)
    spoilt = [row if row.is_prediction else replace(row, features=row.features + 1e6) for row in unindexed]

    assert feature_distributions(rows([], spoilt)) == feature_distributions(rows([], unindexed))


def test_the_indexed_head_has_its_own_figures_and_none_without_rows():
    indexed = [replace(row, features=row.features / 2) for row in rows_of(50, separation=2.0)]
    both = feature_distributions(rows(indexed, rows_of(50, separation=2.0)))

    assert both.indexed[Group.RV].mean[0] == pytest.approx(both.unindexed[Group.RV].mean[0] / 2, rel=1e-3)
    assert feature_distributions(rows([], rows_of(50, separation=2.0))).indexed is None


def test_a_group_with_few_patients_has_no_figures_and_where_all_have_few_there_are_none():
    few_of_one = [row for row in rows_of(50, separation=2.0) if row.group != 2 or int(row.patient[1:]) < 20]

    assert Group.DCM not in feature_distributions(rows([], few_of_one)).unindexed
    assert feature_distributions(rows([], rows_of(20, separation=2.0))) is None
    assert feature_distributions(rows([], [])) is None


def test_no_patient_is_named():
    text = repr(feature_distributions(rows([], rows_of(50, separation=2.0))))

    assert "p1" not in text.replace("p25", "")
