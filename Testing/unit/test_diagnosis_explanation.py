import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CardiacMTLLib.diagnosis.explanation import CONSTANT, EMBEDDING, MIN_LOGITS
from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.diagnosis.head import AUXILIARY_LIMIT, HeadWeights, diagnose
from CardiacMTLLib.labels import Group
from Testing.unit.made_distributions import distributions_of

N = len(FEATURES)
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=20, deadline=None)


def drawn(seed, temperature=1.7):
    rng = np.random.default_rng(seed)
    head = HeadWeights(
        rng.normal(50, 30, N), rng.uniform(0.5, 20, N), rng.normal(0, 0.5, (5, N + 5)), rng.normal(0, 1, 5), temperature
    )
    return rng.normal(50, 30, N), rng.normal(0, 4, 5), head


def explained(features, auxiliary, head, *, threshold=0.0, indexed=True, distributions=None):
    return diagnose(features, auxiliary, head, threshold, indexed=indexed, distributions=distributions)


def simple_head(**weights):
    """A head of mean 0 and SD 1 without bias; `weights` name features and give the five groups' weights."""
    matrix = np.zeros((5, N + 5))
    for name, column in weights.items():
        matrix[:, [feature.name for feature in FEATURES].index(name)] = column
    return HeadWeights(np.zeros(N), np.ones(N), matrix, np.zeros(5), 1.0)


@few
@given(seeds)
def test_parts_add_up_to_the_logits_of_the_probabilities(seed):
    features, auxiliary, head = drawn(seed)
    logits = head.parts(features, auxiliary).sum(axis=1)
    odds = np.exp(logits - logits.max())

    np.testing.assert_allclose(odds / odds.sum(), head.probabilities(features, auxiliary), atol=1e-12)


@few
@given(seeds)
def test_parts_over_the_runner_up_add_up_to_the_log_odds_between_the_two(seed):
    diagnosis = explained(*drawn(seed))
    explanation = diagnosis.explanation
    first, second = sorted(diagnosis.probabilities, key=diagnosis.probabilities.__getitem__)[:-3:-1]
    log_odds = np.log(diagnosis.probabilities[first] / diagnosis.probabilities[second])

    assert (explanation.group, explanation.runner_up) == (first, second)
    assert explanation.margin_logits == pytest.approx(log_odds, abs=1e-8)
    assert sum(part.logits_over_runner_up for part in explanation.parts) == pytest.approx(log_odds, abs=1e-8)


@few
@given(seeds)
def test_the_parts_are_the_contributions_and_every_feature_is_one(seed):
    diagnosis = explained(*drawn(seed))
    parts = diagnosis.explanation.parts

    assert [(part.title, part.value, part.unit, part.logits) for part in parts] == [
        (item.feature, item.value, item.unit, item.logits) for item in diagnosis.contributions
    ]
    assert {part.name for part in parts} == {feature.name for feature in FEATURES} | {EMBEDDING, CONSTANT}


@few
@given(seeds)
def test_what_speaks_against_is_what_lowers_the_score_the_weightiest_first(seed):
    explanation = explained(*drawn(seed)).explanation

    assert list(explanation.against) == [part for part in explanation.parts if part.logits <= -MIN_LOGITS]
    assert [part.logits for part in explanation.against] == sorted(part.logits for part in explanation.against)
    over = [part.logits_over_runner_up for part in explanation.favouring_runner_up]
    assert over == sorted(over)
    assert len(over) == sum(part.logits_over_runner_up <= -MIN_LOGITS for part in explanation.parts)
    assert max(over, default=-MIN_LOGITS) <= -MIN_LOGITS


def test_one_feature_for_the_leader_and_one_for_the_runner_up_are_told_apart():
    head = simple_head(lv_ef=[0, 3, 0, 0, 0], lv_mass=[0, 0, 0, 2, 0])
    features = np.zeros(N)
    features[[2, 6]] = 1.0
    explanation = explained(features, np.zeros(5), head).explanation

    assert (explanation.group, explanation.runner_up) == (Group.MINF, Group.HCM)
    assert explanation.margin_logits == pytest.approx(1)
    assert [(part.name, part.logits) for part in explanation.against] == [("lv_mass", pytest.approx(-0.4))]
    assert [(part.name, part.logits_over_runner_up) for part in explanation.favouring_runner_up] == [("lv_mass", -2)]
    assert explanation.parts[0].logits == pytest.approx(3 - 3 / 5)


@pytest.mark.parametrize(("scale", "value"), [(1, 1.6), (10, AUXILIARY_LIMIT)])
def test_the_value_of_the_embedding_is_the_leader_s_as_the_head_takes_it(scale, value):
    auxiliary = scale * np.array([0.0, 0.0, 2.0, 0.0, 0.0])
    head = simple_head()
    head.weight[:, N:] = np.eye(5)
    explanation = explained(np.zeros(N), auxiliary, head).explanation
    (part,) = [part for part in explanation.parts if part.name == EMBEDDING]

    assert explanation.group is Group.DCM
    assert part.value == pytest.approx(value)


def test_what_weighs_next_to_nothing_is_not_named():
    small = MIN_LOGITS / 10
    explanation = explained(
        np.ones(N), np.zeros(5), simple_head(lv_ef=[1, 0, 0, 0, 0], lv_mass=[-small, small, 0, 0, 0])
    ).explanation

    assert explanation.against == explanation.favouring_runner_up == ()


@pytest.mark.parametrize("indexed", [True, False])
def test_each_feature_has_the_distribution_of_each_group_for_its_own_head(indexed):
    explanation = explained(*drawn(3), indexed=indexed, distributions=distributions_of()).explanation
    for part in explanation.parts:
        if part.name in {EMBEDDING, CONSTANT}:
            assert part.groups == {}
        else:
            medians = [spread.p50 for spread in part.groups.values()]
            assert list(part.groups) == list(Group)
            assert medians == [1000 * k + 50 + (500 if indexed else 0) for k in range(5)]
    assert explanation.distribution_rows == "101 made-up hearts a group"


def test_groups_without_a_distribution_are_left_out():
    explanation = explained(*drawn(3), distributions=distributions_of(Group.RV, Group.NOR)).explanation

    assert {tuple(part.groups) for part in explanation.parts if part.groups} == {(Group.NOR, Group.RV)}


@pytest.mark.parametrize("distributions", [None, distributions_of(indexed=False)])
def test_without_distributions_for_the_head_the_parts_remain(distributions):
    explanation = explained(*drawn(3), distributions=distributions).explanation

    assert all(part.groups == {} for part in explanation.parts)
    assert explanation.distribution_rows is None
    assert len(explanation.parts) == N + 2


def test_a_withheld_label_is_explained_too():
    with_label, without = (explained(*drawn(8, 50.0), threshold=threshold) for threshold in (0.0, 0.9))

    assert without.label is None
    assert without.explanation == with_label.explanation
