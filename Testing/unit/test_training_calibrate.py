"""Rows of a cross-validation and what is fitted on them, for all patients and for each fold on the others."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from CardiacMTLLib.diagnosis.head import HeadWeights
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import STRUCTURE_PHASES
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLTraining import head_fit
from CardiacMTLTraining.calibrate import ROWS_NAME, Calibrated, Rows, calibrate, nested
from CardiacMTLTraining.head_fit import FittedHead, HeadRow
from CardiacMTLTraining.quality.rows import NegativeRow, PatientRow
from CardiacMTLTraining.threshold_fit import label_threshold
from Testing.unit.made_rows import rows_of
from Testing.unit.oracle import CONFIGURATION
from Testing.unit.quality_rows import N_FOLDS, negatives, patients


@pytest.fixture(autouse=True)
def few_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two penalties in place of four: the choice is still one, and takes half the time."""
    monkeypatch.setattr(head_fit, "STRENGTHS", (0.1, 1.0))
    monkeypatch.setattr(head_fit, "SHARES", (0.3,))


@pytest.fixture
def rows() -> Rows:
    head_rows = rows_of(40, separation=3.0, n_folds=N_FOLDS)
    unindexed = tuple(replace(row, features=row.features * 1.9) for row in head_rows)
    return Rows(tuple(head_rows), unindexed, tuple(patients()), tuple(negatives("white_noise") + negatives("sphere", mean=0.3)))


def weights_of(head: FittedHead | None) -> HeadWeights:
    assert head is not None
    return head.weights


def same(first: Calibrated, second: Calibrated) -> bool:
    """Whether both heads and the whole calibration are alike to the last bit."""
    pairs = [(weights_of(a), weights_of(b)) for a, b in ((first.indexed, second.indexed), (first.unindexed, second.unindexed))]
    heads = all(np.array_equal(getattr(a, name), getattr(b, name)) for a, b in pairs for name in HeadWeights.__slots__)
    return heads and first.calibration == second.calibration


def spoiled_head_row(row: HeadRow) -> HeadRow:
    return replace(row, features=row.features * -3, auxiliary_logits=row.auxiliary_logits + 5, group=(row.group + 1) % 5)


def spoiled_patient(row: PatientRow) -> PatientRow:
    return replace(row, dice=dict.fromkeys(STRUCTURE_PHASES, 0.1), evidence=None)


def with_fold_spoiled(rows: Rows, fold: int) -> Rows:
    """Everything that was said of the patients of one fold is wrong."""
    return Rows(
        tuple(spoiled_head_row(row) if row.fold == fold else row for row in rows.indexed),
        tuple(spoiled_head_row(row) if row.fold == fold else row for row in rows.unindexed),
        tuple(spoiled_patient(row) if row.fold == fold else row for row in rows.patients),
        tuple(replace(row, evidence=None) if row.fold == fold else row for row in rows.negatives),
    )


def test_rows_come_back_from_their_file_as_they_were(rows: Rows, tmp_path: Path) -> None:
    rows.save(tmp_path)
    loaded = Rows.load(tmp_path)
    assert (loaded.patients, loaded.negatives) == (rows.patients, rows.negatives)
    for kind in ("indexed", "unindexed"):
        for before, after in zip(getattr(rows, kind), getattr(loaded, kind), strict=True):
            np.testing.assert_array_equal(after.features, before.features)
            np.testing.assert_array_equal(after.auxiliary_logits, before.auxiliary_logits)
            plain = {"features": 0, "auxiliary_logits": 0}
            assert asdict(after) | plain == asdict(before) | plain


@pytest.mark.parametrize("text", [None, "{", "[]", '{"indexed": []}', '{"indexed": [{}], "unindexed": []}'])
def test_a_folder_without_whole_rows_is_no_finished_cross_validation(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / ROWS_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="holds no finished cross-validation"):
        Rows.load(tmp_path)


def test_rows_without_a_fold_are_all_those_of_the_others(rows: Rows) -> None:
    for fold in range(N_FOLDS):
        kept = rows.without(fold)
        for kind in ("indexed", "unindexed", "patients", "negatives"):
            everything: tuple[HeadRow | PatientRow | NegativeRow, ...] = getattr(rows, kind)
            assert list(getattr(kept, kind)) == [row for row in everything if row.fold != fold]
            assert 0 < len(getattr(kept, kind)) < len(everything)


def test_what_is_said_of_a_fold_changes_nothing_in_the_calibration_that_judges_it(rows: Rows) -> None:
    before, after = nested(rows, seed=1), nested(with_fold_spoiled(rows, 2), seed=1)
    assert list(before) == list(after) == list(range(N_FOLDS))
    assert same(before[2], after[2])
    assert not same(before[1], after[1])
    assert before[1].calibration.mask_quality != after[1].calibration.mask_quality
    assert before[1].calibration.scope != after[1].calibration.scope


def test_a_nested_calibration_is_that_of_the_other_folds_rows(rows: Rows) -> None:
    assert same(nested(rows, seed=1)[0], calibrate(rows.without(0), seed=1))


def test_temperatures_and_threshold_are_those_of_the_heads_that_are_shipped(rows: Rows) -> None:
    calibrated = calibrate(rows, seed=1)
    calibration = calibrated.calibration
    assert calibration.temperature_indexed == weights_of(calibrated.indexed).temperature
    assert calibration.temperature_unindexed == calibrated.unindexed.weights.temperature
    main = calibrated.indexed
    assert main is not None
    groups = {row.patient: row.group for row in rows.indexed}
    assert calibration.label_threshold == label_threshold(
        list(main.out_of_fold.values()), [groups[p] for p in main.out_of_fold]
    )


def test_without_any_body_size_the_unindexed_head_stands_in_for_the_other(rows: Rows) -> None:
    calibrated = calibrate(replace(rows, indexed=()), seed=1)
    assert calibrated.indexed is None
    network = MultiTaskNetwork(CONFIGURATION)
    calibrated.install(network)
    state = network.head_indexed.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in network.head_unindexed.state_dict().items())


def test_each_head_is_installed_in_its_place(rows: Rows) -> None:
    calibrated = calibrate(rows, seed=1)
    network = MultiTaskNetwork(CONFIGURATION)
    calibrated.install(network)
    for head, fitted in ((network.head_indexed, calibrated.indexed), (network.head_unindexed, calibrated.unindexed)):
        np.testing.assert_allclose(head.feature_mean.numpy(), weights_of(fitted).mean, rtol=1e-5)
    assert not torch.allclose(network.head_indexed.feature_mean, network.head_unindexed.feature_mean)


def table(*judged: tuple[float, bool]) -> tuple[list[np.ndarray], list[int]]:
    """Probabilities and groups of patients, each with its largest probability and whether that is right; group 1 is meant."""
    rows = [np.array([(1 - largest) / 4, largest, *[(1 - largest) / 4] * 3]) for largest, _ in judged]
    return rows, [1 if right else 3 for _, right in judged]


TWENTY = [(0.40 + 0.02 * place, True) for place in range(20)]


@pytest.mark.parametrize(
    ("judged", "threshold"),
    [
        pytest.param(TWENTY, 0.2, id="all right: every label is given"),
        pytest.param([(0.40, False), *TWENTY[1:]], 0.41, id="the least sure is wrong: it alone is withheld"),
        pytest.param([TWENTY[0], (0.42, False), *TWENTY[2:]], 0.43, id="the second is wrong: both are withheld"),
        pytest.param([*TWENTY[:19], (0.78, False)], 0.43, id="the surest is wrong: not more than a tenth is withheld"),
        pytest.param([(0.40, False), *TWENTY[1:9]], 0.2, id="a tenth of nine is nobody"),
        pytest.param([(0.40, False), *TWENTY[1:10]], 0.41, id="a tenth of ten is one"),
    ],
)
def test_labels_are_withheld_until_the_others_are_right_but_at_most_a_tenth(
    judged: list[tuple[float, bool]], threshold: float
) -> None:
    assert label_threshold(*table(*judged)) == pytest.approx(threshold)
    assert label_threshold(*table(*judged[::-1])) == pytest.approx(threshold)


def test_two_in_a_hundred_may_be_wrong() -> None:
    judged = [(0.40 + 0.005 * place, place not in (40, 60)) for place in range(100)]
    assert label_threshold(*table(*judged)) == pytest.approx(0.2)
    worse = [(largest, right and place != 80) for place, (largest, right) in enumerate(judged)]
    assert label_threshold(*table(*worse)) > 0.2


def test_a_file_of_rows_holds_plain_numbers(rows: Rows, tmp_path: Path) -> None:
    rows.save(tmp_path)
    values = json.loads((tmp_path / ROWS_NAME).read_text(encoding="utf-8"))
    assert {key: len(of_kind) for key, of_kind in values.items()} == {
        "indexed": 80,
        "unindexed": 80,
        "patients": 40,
        "negatives": 40,
    }
