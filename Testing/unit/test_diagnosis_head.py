import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.diagnosis.head import AUXILIARY_LIMIT, HeadWeights, diagnose
from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.model import DiagnosisHead

N_INPUTS = len(FEATURES) + len(Group)
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=15, deadline=None)


def drawn(seed, temperature=1.7):
    """A head, features and auxiliary logits, some of them beyond the limit."""
    rng = np.random.default_rng(seed)
    head = HeadWeights(
        rng.normal(50, 30, len(FEATURES)),
        rng.uniform(0.5, 20, len(FEATURES)),
        rng.normal(0, 0.5, (len(Group), N_INPUTS)),
        rng.normal(0, 1, len(Group)),
        temperature,
    )
    return head, head.mean + head.sd * rng.normal(0, 1.5, len(FEATURES)), rng.normal(0, 4, len(Group))


def in_torch(head):
    module = DiagnosisHead().double()
    with torch.no_grad():
        module.feature_mean.copy_(torch.from_numpy(head.mean))
        module.feature_sd.copy_(torch.from_numpy(head.sd))
        module.linear.weight.copy_(torch.from_numpy(head.weight))
        module.linear.bias.copy_(torch.from_numpy(head.bias))
    return module


@few
@given(seeds)
def test_the_head_is_the_same_in_numpy_and_torch(seed):
    head, features, auxiliary = drawn(seed)
    with torch.inference_mode():
        logits = in_torch(head)(torch.from_numpy(features), torch.from_numpy(auxiliary))
        expected = torch.softmax(logits / head.temperature, dim=0).numpy()
    np.testing.assert_allclose(head.probabilities(features, auxiliary), expected, atol=1e-12)


@few
@given(seeds)
def test_probabilities_are_positive_and_add_up_to_1(seed):
    head, features, auxiliary = drawn(seed)
    diagnosis = diagnose(features, auxiliary, head, 0.0, indexed=True)
    assert list(diagnosis.probabilities) == list(Group)
    assert min(diagnosis.probabilities.values()) > 0
    assert sum(diagnosis.probabilities.values()) == pytest.approx(1, abs=1e-12)


@few
@given(seeds)
def test_contributions_add_up_to_the_label_s_centred_logit_over_the_temperature(seed):
    head, features, auxiliary = drawn(seed)
    diagnosis = diagnose(features, auxiliary, head, 0.0, indexed=False)
    logits = head.weight @ head.inputs(features, auxiliary) + head.bias
    expected = (logits.max() - logits.mean()) / head.temperature
    assert sum(c.logits for c in diagnosis.contributions) == pytest.approx(expected, abs=1e-9)
    log_odds = np.log(list(diagnosis.probabilities.values()))
    assert log_odds.max() - log_odds.mean() == pytest.approx(expected, abs=1e-9)


def test_contributions_are_those_of_every_feature_by_its_title_the_largest_first():
    head, features, auxiliary = drawn(5)
    contributions = diagnose(features, auxiliary, head, 0.0, indexed=True).contributions
    sizes = [abs(c.logits) for c in contributions]
    assert sizes == sorted(sizes, reverse=True)
    by_name = {c.feature: c for c in contributions}
    assert set(by_name) == {f.title for f in FEATURES} | {"what the network itself sees in the images", "constant of the model"}
    assert [by_name[f.title].value for f in FEATURES] == features.tolist()


def test_units_say_whether_volumes_are_indexed():
    head, features, auxiliary = drawn(5)
    for indexed, unit in ((True, "mL/m²"), (False, "mL")):
        contributions = diagnose(features, auxiliary, head, 0.0, indexed=indexed).contributions
        units = {c.feature: c.unit for c in contributions}
        assert units["LV volume at ED"] == unit
        assert units["LV ejection fraction"] == "%"


def test_the_label_is_the_most_likely_group():
    head, features, auxiliary = drawn(8)
    diagnosis = diagnose(features, auxiliary, head, 0.0, indexed=True)
    assert diagnosis.label is max(Group, key=diagnosis.probabilities.__getitem__)
    assert diagnosis.reason is None
    assert diagnosis.auxiliary_logits == tuple(auxiliary)


def test_below_the_threshold_the_label_is_withheld_with_the_reason_and_probabilities_stay():
    head, features, auxiliary = drawn(8, temperature=50.0)
    certain, uncertain = (diagnose(features, auxiliary, head, threshold, indexed=True) for threshold in (0.0, 0.9))
    largest = max(certain.probabilities.values())
    assert uncertain.label is None
    assert uncertain.reason == f"no group is likely enough: the largest probability is {100 * largest:.1f} %, below 90 %"
    assert uncertain.probabilities == certain.probabilities
    assert uncertain.contributions == certain.contributions


def test_a_higher_temperature_evens_the_probabilities_and_keeps_their_order():
    cold, hot = ([*drawn(3, temperature=t)[0].probabilities(*drawn(3)[1:])] for t in (1.0, 10.0))
    assert np.argsort(cold).tolist() == np.argsort(hot).tolist()
    assert max(hot) < max(cold)


def test_an_over_confident_embedding_is_limited():
    head, features, auxiliary = drawn(1)
    inputs = head.inputs(features, 1000 * auxiliary)[len(FEATURES) :]
    assert np.abs(inputs).max() == AUXILIARY_LIMIT


def test_auxiliary_logits_count_only_relative_to_each_other():
    head, features, auxiliary = drawn(2)
    np.testing.assert_allclose(head.probabilities(features, auxiliary + 7), head.probabilities(features, auxiliary), atol=1e-12)


def test_extreme_features_give_certainty_and_no_overflow():
    head, features, auxiliary = drawn(4)
    probabilities = head.probabilities(1e6 * features, auxiliary)
    assert np.isfinite(probabilities).all()
    assert probabilities.sum() == pytest.approx(1)


def test_inputs_are_not_changed():
    head, features, auxiliary = drawn(6)
    before = features.copy(), auxiliary.copy()
    diagnose(features, auxiliary, head, 0.5, indexed=True)
    assert (features == before[0]).all()
    assert (auxiliary == before[1]).all()
