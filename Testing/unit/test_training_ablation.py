"""What the parts of the design are worth, on rows where it is known which part knows the answer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from CardiacMTLLib.labels import Group
from CardiacMTLTraining import head_fit
from CardiacMTLTraining.ablation import Ablation, Difference, HeadFigures, ablation
from CardiacMTLTraining.head_fit import HeadRow, Inputs
from Testing.unit.evaluated import figures_of
from Testing.unit.made_rows import rows_of

N = 40
KNOWING = rows_of(N, separation=12.0)
FELT = rows_of(N, separation=0.0, auxiliary_separation=4.0)
JOINT_CASES = [figures_of(f"p{number}", 0.8 + 0.002 * number, Group.NOR, None) for number in range(N)]
SEPARATE_CASES = [replace(case, dice={key: (value or 0) - 0.05 for key, value in case.dice.items()}) for case in JOINT_CASES]


@pytest.fixture(autouse=True)
def few_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_fit, "STRENGTHS", (1.0,))
    monkeypatch.setattr(head_fit, "SHARES", (1.0,))


def compared(joint: list[HeadRow], separate: list[HeadRow]) -> Ablation:
    return ablation({"joint": joint, "separate": separate}, {"joint": JOINT_CASES, "separate": SEPARATE_CASES}, seed=1)


def head(found: Ablation, training: str, inputs: Inputs) -> HeadFigures:
    return next(figures for figures in found.heads if (figures.training, figures.inputs) == (training, inputs.value))


def difference(found: Ablation, what: str, first: str, second: str) -> Difference:
    return next(pair for pair in found.differences if (pair.what, pair.first, pair.second) == (what, first, second))


@pytest.fixture(scope="module")
def found() -> Ablation:
    """Jointly trained, the features alone know the group; separately trained, the embedding alone does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head_fit, "STRENGTHS", (1.0,))
        patch.setattr(head_fit, "SHARES", (1.0,))
        return compared(KNOWING, FELT)


def test_the_head_that_looks_at_what_knows_the_group_is_right_and_the_other_guesses(found: Ablation) -> None:
    for training, knowing, guessing in (
        ("joint", Inputs.CLINICAL, Inputs.EMBEDDING),
        ("separate", Inputs.EMBEDDING, Inputs.CLINICAL),
    ):
        assert head(found, training, knowing).right > 0.9 * N
        assert head(found, training, guessing).right < 0.5 * N
        assert head(found, training, Inputs.BOTH).right > 0.9 * N
        assert head(found, training, knowing).log_loss < 0.3
        assert head(found, training, guessing).log_loss > 1.0
    assert all(figures.n == N for figures in found.heads)
    assert [(figures.training, figures.inputs) for figures in found.heads] == [
        (training, inputs.value) for training in ("joint", "separate") for inputs in Inputs
    ]


def test_an_interval_holds_its_figure(found: Ablation) -> None:
    for figures in found.heads:
        assert figures.accuracy_interval_95[0] <= figures.right / figures.n <= figures.accuracy_interval_95[1]
        assert figures.log_loss_interval_95[0] < figures.log_loss < figures.log_loss_interval_95[1]
    for pair in found.differences:
        assert pair.interval_95[0] <= pair.mean <= pair.interval_95[1]


def test_a_part_that_does_nothing_makes_no_difference_and_one_that_does_all_makes_a_large_one(found: Ablation) -> None:
    both, clinical, embedding = (f"joint, {inputs.value}" for inputs in Inputs)
    without_embedding = difference(found, "accuracy", both, clinical)
    without_clinical = difference(found, "accuracy", both, embedding)
    assert abs(without_embedding.mean) < 0.1
    assert without_clinical.mean > 0.4
    assert without_clinical.interval_95[0] > 0.2
    assert difference(found, "log-loss", both, embedding).mean < -1.0


def test_a_difference_is_the_mean_over_the_same_patients(found: Ablation) -> None:
    joint, separate = (head(found, training, Inputs.CLINICAL) for training in ("joint", "separate"))
    first, second = (f"{training}, {Inputs.CLINICAL.value}" for training in ("joint", "separate"))
    assert difference(found, "accuracy", first, second).mean == pytest.approx((joint.right - separate.right) / N)
    assert difference(found, "log-loss", first, second).mean == pytest.approx(joint.log_loss - separate.log_loss)


def test_masks_are_compared_patient_by_patient(found: Ablation) -> None:
    overlap = difference(found, "mean Dice", "joint", "separate")
    assert (overlap.n, overlap.mean) == (N, pytest.approx(0.05))
    assert overlap.interval_95 == pytest.approx((0.05, 0.05))


def test_patients_that_only_one_side_has_are_left_out_of_a_difference() -> None:
    fewer = [row for row in KNOWING if row.patient != "p3"]
    cases = {"joint": JOINT_CASES, "separate": [figures_of("p1", None, Group.NOR, None), *SEPARATE_CASES[2:]]}
    found = ablation({"joint": KNOWING, "separate": fewer}, cases, seed=1)
    both = [f"{training}, {Inputs.BOTH.value}" for training in ("joint", "separate")]
    assert difference(found, "accuracy", both[0], both[1]).n == N - 1
    assert difference(found, "mean Dice", "joint", "separate").n == N - 2


def test_the_comparison_is_plain_json_and_a_line_each_on_a_terminal(found: Ablation) -> None:
    values = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert values["heads"][0]["inputs"] == Inputs.BOTH.value
    assert values["differences"][-1]["what"] == "mean Dice"
    lines = found.text().splitlines()
    assert len(lines) == len(found.heads) + len(found.differences) == 6 + 11
    assert "mean Dice, joint less separate: +0.0500 (95 % +0.0500 to +0.0500, n 40)" in lines
