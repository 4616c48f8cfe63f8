"""How cases are summed up, for machines and for a terminal."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from CardiacMTLLib.labels import STRUCTURE_PHASES
from CardiacMTLTraining.evaluation.case_figures import COMPARED, CaseFigures
from CardiacMTLTraining.evaluation.summary import summarise
from CardiacMTLTraining.evaluation.terminal import format_summary
from Testing.unit.evaluated import FOUR, ORIGIN, SURE, UNDEFINED, UNSURE


def without_masks(case: CaseFigures) -> CaseFigures:
    nothing = dict.fromkeys(STRUCTURE_PHASES)
    return replace(case, dice=nothing, hausdorff_mm=nothing, surface_distance_mm=nothing, expert=dict.fromkeys(COMPARED))


def test_overlaps_and_errors_are_means_over_the_cases_where_they_are_defined() -> None:
    record = summarise(FOUR).to_json(ORIGIN)
    assert record["n_patients"] == record["n_with_masks"] == 4
    assert record["patients"] == ["patient003", "patient008", "patient013", "patient018"]
    assert record["dice_mean"] == pytest.approx(0.6)
    low, high = record["dice_mean_interval_95"]
    assert low < 0.6 < high
    assert record["dice"] == pytest.approx(dict.fromkeys(STRUCTURE_PHASES, 0.6))
    assert record["hausdorff_mm"] == pytest.approx(dict.fromkeys(STRUCTURE_PHASES, 4.0))
    assert (record["hausdorff_mean_mm"], record["surface_distance_mean_mm"]) == pytest.approx((4.0, 0.4))
    error = record["errors"]["lv_ef_percent"]
    assert (error["n"], error["mean_absolute"], error["bias"], error["sd"]) == pytest.approx((3, 2.0, 2.0, 1.0))


def test_a_distance_says_over_how_many_patients_it_is_a_mean() -> None:
    summary = summarise(FOUR)
    assert summary.dice.by_structure["LV_ED"].n == 4
    spread = summary.hausdorff_mm.by_structure["LV_ED"]
    assert (spread.n, spread.median, spread.lowest, spread.highest) == pytest.approx((3, 4.0, 2.0, 6.0))


def test_the_record_is_plain_json_and_says_where_it_comes_from() -> None:
    record = json.loads(json.dumps(summarise(FOUR).to_json(ORIGIN), allow_nan=False))
    assert (record["kind"], record["weights"], record["only"], record["failed"]) == ("held out", ORIGIN.weights, "", {})
    assert record["diagnosis"]["confusion"]["RV"]["RV"] == 1
    assert record["flags"] == {"out_of_scope": 1}
    assert "predicted_dice" not in record


def test_the_summary_depends_on_cases_and_seed_alone() -> None:
    assert summarise(FOUR, seed=5) == summarise(FOUR, seed=5)
    assert summarise(FOUR, seed=5).dice.patients.interval_95 != summarise(FOUR[:3], seed=5).dice.patients.interval_95


def test_cases_of_no_known_group_have_masks_judged_and_no_diagnosis() -> None:
    summary = summarise([replace(case, group=None) for case in FOUR])
    assert summary.diagnosis is None
    assert "diagnosis" not in summary.to_json(ORIGIN)
    assert "diagnosis" not in format_summary(summary, ORIGIN)


def test_cases_without_masks_have_the_diagnosis_judged_alone() -> None:
    summary = summarise([without_masks(SURE), without_masks(UNSURE)])
    record = summary.to_json(ORIGIN)
    assert (record["n_with_masks"], record["dice_mean"], record["hausdorff_mean_mm_interval_95"]) == (0, None, None)
    assert record["errors"]["lv_edv_ml"]["n"] == 0
    text = format_summary(summary, ORIGIN)
    assert "Dice" not in text
    assert "2 of 2 right" in text


def test_the_terminal_says_undefined_and_never_nan() -> None:
    text = format_summary(summarise([UNDEFINED]), ORIGIN)
    assert "undefined" in text
    assert "nan" not in text.lower()
    text.encode("ascii")


def test_the_terminal_names_who_failed() -> None:
    text = format_summary(summarise(FOUR), replace(ORIGIN, failed={"patient023": "cannot be read"}))
    assert "patient023: cannot be read" in text
    assert "held out" in text
