import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CardiacMTLLib.diagnosis.distributions import MIN_PATIENTS, Distributions, GroupSpreads
from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.manifest import Calibration, Manifest, Provenance
from CardiacMTLLib.network.store import find_model
from Testing.unit.made_distributions import distributions_of, spreads_at

N = len(FEATURES)


def manifest_with(distributions):
    return Manifest("m", "1", "", NetworkConfiguration(), Calibration(), Provenance(), distributions=distributions)


def refusal(tmp_path, change):
    """The message about a manifest whose distributions `change` has spoilt."""
    path = tmp_path / "manifest.json"
    manifest_with(distributions_of()).save(path)
    values = json.loads(path.read_text())
    change(values["distributions"])
    path.write_text(json.dumps(values))
    with pytest.raises(ModelError) as refused:
        Manifest.load(path)
    return str(refused.value)


def test_mean_sd_and_percentiles_of_an_even_row_of_patients_are_the_known_ones():
    spread = spreads_at(10).spread(3)

    assert (spread.n, spread.mean) == (101, 60)
    assert (spread.p5, spread.p25, spread.p50, spread.p75, spread.p95) == (15, 35, 60, 85, 105)
    assert spread.sd == pytest.approx(np.sqrt(101 * 102 / 12), rel=1e-3)


def test_each_feature_keeps_its_own_figures():
    features = np.arange(MIN_PATIENTS)[:, None] * np.arange(N)[None, :]
    spreads = GroupSpreads.of(features.astype(float))

    assert [spreads.spread(index).p50 for index in range(N)] == [2 * index for index in range(N)]


def test_too_few_patients_have_no_distribution_so_that_none_can_be_told():
    features = np.ones((MIN_PATIENTS, N))

    assert GroupSpreads.of(features[1:]) is None
    assert GroupSpreads.of(features).n == MIN_PATIENTS


@settings(max_examples=25, deadline=None)
@given(st.integers(MIN_PATIENTS, 40), st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_any_patients_give_figures_in_order_that_a_manifest_takes(n_patients, seed, scale):
    features = np.random.default_rng(seed).normal(5, scale, (n_patients, N))
    spreads = GroupSpreads.of(features)
    read = GroupSpreads(**{key: value if key == "n" else tuple(value) for key, value in asdict(spreads).items()})

    assert read == spreads
    np.testing.assert_allclose(spreads.mean, features.mean(axis=0), rtol=1e-3)
    assert (np.array(spreads.p5) >= features.min(axis=0) - 1e-3 * np.abs(features.min(axis=0))).all()


@pytest.mark.parametrize(
    "distributions",
    [None, distributions_of(), distributions_of(indexed=False), distributions_of(Group.NOR, Group.RV)],
    ids=["none", "both heads", "unindexed only", "two groups"],
)
def test_a_manifest_gives_its_distributions_back(tmp_path, distributions):
    manifest = manifest_with(distributions)
    manifest.save(tmp_path / "manifest.json")

    assert Manifest.load(tmp_path / "manifest.json") == manifest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("rows"), "distributions has ['indexed', 'unindexed']"),
        (lambda d: d.update(colour=1), "'colour'"),
        (lambda d: d.update(indexed=5), "indexed '5'; expected a record or null"),
        (lambda d: d.update(unindexed=None), "unindexed 'None'; expected a record"),
        (lambda d: d["indexed"].update(XYZ=d["indexed"]["NOR"]), "indexed has the groups ['XYZ']"),
        (lambda d: d["unindexed"].update(DCM=3), "unindexed: DCM has int"),
        (lambda d: d["unindexed"]["HCM"].pop("p95"), "unindexed: HCM has ['mean', 'n'"),
        (lambda d: d["unindexed"]["HCM"].update(n=1.5), "HCM has n '1.5'; expected a whole number"),
        (lambda d: d["indexed"]["RV"].update(n=MIN_PATIENTS - 1), f"of {MIN_PATIENTS - 1} patients"),
        (lambda d: d["indexed"]["RV"]["mean"].pop(), f"[{N - 1}, {N}"),
        (lambda d: d["indexed"]["RV"]["mean"].__setitem__(0, float("nan")), "finite"),
        (lambda d: d["indexed"]["RV"]["sd"].__setitem__(0, -1), "a negative SD"),
        (lambda d: d["indexed"]["RV"]["p5"].__setitem__(2, 1e6), "percentiles out of order"),
    ],
)
def test_distributions_that_cannot_be_are_refused_by_name(tmp_path, change, words):
    message = refusal(tmp_path, change)

    assert words in message
    assert "install the model" in message


def test_a_head_without_distributions_has_none():
    distributions = replace(distributions_of(), indexed=None)

    assert distributions.for_head(indexed=True) == {}
    assert distributions.for_head(indexed=False) == distributions.unindexed


def test_the_shipped_model_carries_distributions_of_all_groups_that_fit_the_groups_definitions():
    distributions = find_model().manifest().distributions
    ef = [feature.name for feature in FEATURES].index("lv_ef")

    assert isinstance(distributions, Distributions)
    assert "out of fold" in distributions.rows
    for indexed in (True, False):
        spreads = distributions.for_head(indexed=indexed)
        assert list(spreads) == list(Group)
        assert spreads[Group.DCM].spread(ef).p75 < spreads[Group.NOR].spread(ef).p5
        assert all(spreads[group].n >= 15 for group in Group)
