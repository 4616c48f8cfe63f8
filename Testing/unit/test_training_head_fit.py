"""Refitting the diagnosis head, and what its cross-validation says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.network.model import DiagnosisHead
from CardiacMTLTraining import head_fit
from CardiacMTLTraining.head_fit import (
    SHARES,
    STRENGTHS,
    HeadRow,
    Inputs,
    fit_head,
    install_head,
    nested_heads,
    nested_probabilities,
)
from Testing.unit.made_rows import N_FEATURES, N_GROUPS, rows_of

EVEN = (1.0, 1.0)


def test_groups_that_are_apart_are_told_apart() -> None:
    rows = rows_of(60, separation=12.0)
    fitted = fit_head(rows, seed=1)
    assert fitted.out_of_fold_accuracy == 1
    assert fitted.out_of_fold_log_loss < 0.1
    assert fitted.strength in STRENGTHS
    assert 0 < fitted.weights.temperature < np.inf
    for row in rows_of(25, separation=12.0, seed=5):
        probabilities = fitted.weights.probabilities(row.features, row.auxiliary_logits)
        assert probabilities.argmax() == row.group
        assert probabilities.sum() == pytest.approx(1)


def test_the_figures_are_chance_where_the_features_say_nothing_although_a_patients_other_view_is_there() -> None:
    fitted = fit_head(rows_of(75, separation=0.0), seed=1)
    assert fitted.out_of_fold_accuracy < 0.4
    assert fitted.out_of_fold_log_loss == pytest.approx(np.log(N_GROUPS), abs=0.15)


def test_the_figures_count_predicted_masks_alone() -> None:
    judged = ("p0", "p6", "p12")
    rows = [row for row in rows_of(60, separation=12.0) if not row.is_prediction or row.patient in judged]
    assert fit_head(rows, seed=1).out_of_fold_accuracy == 1
    first = next(index for index, row in enumerate(rows) if row.is_prediction)
    other = next(row for row in rows if row.group == 3)
    rows[first] = replace(rows[first], features=other.features)
    assert fit_head(rows, seed=1).out_of_fold_accuracy == pytest.approx(2 / 3)


def test_no_row_of_a_fold_is_seen_by_the_head_that_judges_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted_on: list[set[str]] = []
    original = head_fit._fit

    def spying(rows: list[HeadRow], *arguments: object) -> object:
        fitted_on.append({row.patient for row in rows})
        return original(rows, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(head_fit, "_fit", spying)
    rows = rows_of(30, separation=3.0)
    fit_head(rows, seed=1)
    members = [{row.patient for row in rows if row.fold == fold} for fold in range(3)]
    everyone = set.union(*members)
    assert fitted_on[:-1] == [everyone - held for held in members] * (len(STRENGTHS) * len(SHARES))
    assert fitted_on[-1] == everyone


def test_standardisation_is_that_of_the_rows_the_head_is_fitted_on() -> None:
    rows = rows_of(30, separation=3.0)
    head = head_fit._fit(rows, 0.1, EVEN, 1.0, 1)
    features = np.stack([row.features for row in rows])
    np.testing.assert_allclose(head.mean, features.mean(axis=0))
    np.testing.assert_allclose(head.sd, features.std(axis=0))
    inputs = np.stack([head.inputs(row.features, row.auxiliary_logits) for row in rows])
    np.testing.assert_allclose(inputs[:, :N_FEATURES].std(axis=0), 1)


def test_the_jittered_copies_do_not_change_the_strength_of_the_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_fit, "JITTER_SD", 0.0)
    rows = rows_of(30, separation=2.0)
    head = head_fit._fit(rows, 0.1, EVEN, 1.0, 1)
    inputs = np.stack([head.inputs(row.features, row.auxiliary_logits) for row in rows])
    plain = LogisticRegression(C=0.1, max_iter=5000).fit(inputs, [row.group for row in rows])
    np.testing.assert_allclose(head.weight, plain.coef_, atol=2e-3)


def test_fitting_depends_on_the_seed_alone() -> None:
    rows = rows_of(30, separation=2.0)
    first, same, other = (head_fit._fit(rows, 0.1, EVEN, 1.0, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.weight, same.weight)
    assert not np.allclose(first.weight, other.weight)


def test_the_temperature_mends_logits_that_are_too_sure_or_too_shy() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 1.5, (4000, N_GROUPS))
    odds = np.exp(logits)
    chances = odds / odds.sum(axis=1, keepdims=True)
    groups = (chances.cumsum(axis=1) > generator.random((4000, 1))).argmax(axis=1)
    assert head_fit._temperature(logits, groups) == pytest.approx(1.0, abs=0.1)
    assert head_fit._temperature(logits * 4, groups) == pytest.approx(4.0, rel=0.1)
    assert head_fit._temperature(logits / 3, groups) == pytest.approx(1 / 3, rel=0.1)


def test_an_installed_head_says_in_torch_what_it_says_in_numpy() -> None:
    rows = rows_of(30, separation=3.0)
    weights = fit_head(rows, seed=1).weights
    head = DiagnosisHead()
    install_head(head, weights)
    for row in rows[:6]:
        logits = head(torch.from_numpy(row.features).float(), torch.from_numpy(row.auxiliary_logits).float())
        probabilities = torch.softmax(logits / weights.temperature, dim=0).detach().numpy()
        np.testing.assert_allclose(probabilities, weights.probabilities(row.features, row.auxiliary_logits), atol=1e-4)


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (lambda row: False, "no training patient's predicted masks give all features"),
        (lambda row: not row.is_prediction, "no training patient's predicted masks give all features"),
        (lambda row: row.group != 2, "without fold 0 no patient of DCM has features"),
        (lambda row: row.group != 4 or row.fold == 1, "without fold 1 no patient of RV has features"),
    ],
)
def test_rows_that_cannot_carry_a_head_are_refused(keep: object, words: str) -> None:
    rows = [row for row in rows_of(30, separation=3.0) if keep(row)]  # type: ignore[operator]
    with pytest.raises(InputError, match=words):
        fit_head(rows, seed=1)


@pytest.mark.parametrize(
    ("inputs", "unused"),
    [(Inputs.CLINICAL, slice(N_FEATURES, None)), (Inputs.EMBEDDING, slice(0, N_FEATURES)), (Inputs.BOTH, slice(0, 0))],
)
def test_a_head_for_comparison_looks_at_its_own_inputs_alone(inputs: Inputs, unused: slice) -> None:
    rows = rows_of(30, separation=3.0, auxiliary_separation=2.0)
    weight = fit_head(rows, seed=1, inputs=inputs).weights.weight
    assert not weight[:, unused].any()
    used = np.ones(weight.shape[1], dtype=bool)
    used[unused] = False
    assert weight[:, used].all()


def test_a_smaller_share_lets_the_embedding_say_less() -> None:
    rows = rows_of(30, separation=1.0, auxiliary_separation=2.0)
    sizes = [np.abs(head_fit._fit(rows, 0.1, (1.0, share), 1.0, 1).weight[:, N_FEATURES:]).mean() for share in SHARES]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 4


def test_what_is_wrong_in_a_fold_changes_nothing_in_the_head_that_judges_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_fit, "STRENGTHS", (0.1, 1.0))
    rows = rows_of(45, separation=2.0)
    spoiled = [
        replace(row, features=row.features * -7, auxiliary_logits=row.auxiliary_logits + 9, group=(row.group + 1) % N_GROUPS)
        if row.fold == 1
        else row
        for row in rows
    ]
    before, after = nested_heads(rows, seed=1), nested_heads(spoiled, seed=1)
    assert set(before) == set(after) == {0, 1, 2}
    for name in ("mean", "sd", "weight", "bias", "temperature"):
        np.testing.assert_array_equal(getattr(after[1].weights, name), getattr(before[1].weights, name))
    assert (after[1].strength, after[1].share) == (before[1].strength, before[1].share)
    assert not np.allclose(after[0].weights.weight, before[0].weights.weight)


def test_nested_probabilities_are_those_of_predicted_masks_by_the_head_of_their_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_fit, "STRENGTHS", (0.1,))
    rows = [row for row in rows_of(45, separation=3.0) if not (row.patient == "p7" and row.is_prediction)]
    heads = nested_heads(rows, seed=1)
    found = nested_probabilities(rows, heads)
    assert set(found) == {f"p{number}" for number in range(45)} - {"p7"}
    judged = next(row for row in rows if row.patient == "p20" and row.is_prediction)
    by_fold = [heads[fold].weights.probabilities(judged.features, judged.auxiliary_logits) for fold in range(3)]
    np.testing.assert_array_equal(found["p20"], by_fold[judged.fold])
    assert all(not np.allclose(found["p20"], by_fold[fold]) for fold in {0, 1, 2} - {judged.fold})
