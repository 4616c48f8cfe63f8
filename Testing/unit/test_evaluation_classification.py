"""The diagnosis against the truth, on tables of probabilities with known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from CardiacMTLLib.labels import Group
from CardiacMTLTraining.evaluation.calibration import (
    ProbabilityTable,
    error_if_calibrated,
    expected_calibration_error,
    reliability,
)
from CardiacMTLTraining.evaluation.case_figures import CaseFigures
from CardiacMTLTraining.evaluation.classification import DiagnosisSummary, diagnosis_summary, group_auc, macro_f1
from CardiacMTLTraining.evaluation.selective import labelled_point, point_at, selective_curve
from Testing.unit.evaluated import FOUR, diagnosed, figures_of


def said_normal(confidence: float, right: int, wrong: int) -> list[CaseFigures]:
    """So many patients who are all called normal with one probability, the wrong ones being DCM."""
    return [diagnosed(group, confidence) for group in [Group.NOR] * right + [Group.DCM] * wrong]


def summary_of(cases: list[CaseFigures]) -> DiagnosisSummary:
    summary = diagnosis_summary(cases)
    assert summary is not None
    return summary


def test_perfect_calibration_has_no_error() -> None:
    cases = said_normal(0.8, right=8, wrong=2) + said_normal(0.5, right=5, wrong=5)
    assert expected_calibration_error(ProbabilityTable.of(cases)) == pytest.approx(0.0, abs=1e-12)


def test_the_error_of_the_overconfident_is_the_distance_of_confidence_and_accuracy() -> None:
    table = ProbabilityTable.of(said_normal(0.95, right=6, wrong=4))
    assert expected_calibration_error(table) == pytest.approx(0.35)
    assert error_if_calibrated(table, seed=0) == error_if_calibrated(table, seed=0)
    expected = error_if_calibrated(table, seed=0)
    assert expected is not None
    assert 0 < expected[0] < expected[1] < 0.35


def test_patients_stand_in_ten_bins_of_equal_width_the_limits_belonging_below() -> None:
    cases = said_normal(0.3, 1, 0) + said_normal(0.31, 1, 1) + said_normal(1.0, 2, 0)
    bins = reliability(ProbabilityTable.of(cases))
    assert [item.n for item in bins] == [0, 0, 1, 2, 0, 0, 0, 0, 0, 2]
    assert (bins[3].low, bins[3].high, bins[3].accuracy) == (0.3, 0.4, 0.5)
    assert bins[3].confidence == pytest.approx(0.31)
    assert (bins[0].accuracy, bins[0].confidence) == (None, None)


def test_bins_weigh_by_their_patients() -> None:
    cases = said_normal(0.95, 9, 1) + said_normal(0.6, 30, 0)
    assert expected_calibration_error(ProbabilityTable.of(cases)) == pytest.approx((10 * 0.05 + 30 * 0.4) / 40)


def test_log_loss_and_brier_score_have_their_known_values() -> None:
    uniform = summary_of([diagnosed(group, 0.2) for group in Group])
    assert uniform.log_loss == pytest.approx(math.log(5))
    assert uniform.brier == pytest.approx(0.8**2 + 4 * 0.2**2)
    certain = [diagnosed(Group.NOR, 1.0), diagnosed(Group.DCM, 1.0)]
    assert summary_of(certain[:1]).brier == 0
    assert summary_of(certain[:1]).log_loss == 0
    assert summary_of(certain[1:]).brier == pytest.approx(2.0)
    assert summary_of(certain[1:]).log_loss == pytest.approx(-math.log(1e-12))


def test_intervals_hold_their_figures_and_depend_on_the_seed_alone() -> None:
    cases = said_normal(0.8, 14, 6) + said_normal(0.55, 4, 6)
    first, second, other = (diagnosis_summary(cases, seed=seed) for seed in (1, 1, 2))
    assert first is not None
    assert other is not None
    assert first == second
    assert first.log_loss_interval_95 != other.log_loss_interval_95
    for value, interval in (
        (first.log_loss, first.log_loss_interval_95),
        (first.brier, first.brier_interval_95),
        (first.macro_f1, first.macro_f1_interval_95),
    ):
        assert value is not None
        assert interval is not None
        assert interval[0] < value < interval[1]


def test_auc_ranks_a_group_against_the_rest() -> None:
    chances = [(Group.NOR, 0.9), (Group.NOR, 0.5), (Group.DCM, 0.6), (Group.RV, 0.1)]
    table = ProbabilityTable.of([diagnosed(group, p) for group, p in chances])
    assert group_auc(table, Group.NOR) == pytest.approx(0.75)
    assert group_auc(table, Group.HCM) is None
    assert summary_of([diagnosed(Group.NOR, 0.9)]).auc_mean is None


def test_macro_f1_is_the_mean_over_the_groups_that_occur() -> None:
    cases = said_normal(0.9, right=2, wrong=2)
    assert summary_of(cases).macro_f1 == pytest.approx((2 * 0.5 * 1 / 1.5 + 0) / 2)
    assert summary_of([diagnosed(group, *np.eye(5)[place]) for place, group in enumerate(Group)]).macro_f1 == 1


def test_macro_f1_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    for n in (1, 5, 40):
        truth, found = generator.integers(0, 5, n), generator.integers(-1, 5, n)
        expected = f1_score(truth, found, labels=np.unique(truth), average="macro", zero_division=0)
        assert macro_f1(truth, found) == pytest.approx(expected)


def test_an_undefined_diagnosis_counts_as_wrong_and_a_withheld_label_by_its_largest_probability() -> None:
    diagnosis = summary_of(list(FOUR))
    assert (diagnosis.right, diagnosis.n, diagnosis.accuracy) == (2, 4, 0.5)
    assert diagnosis.accuracy_interval_95 == pytest.approx((0.0676, 0.9324), abs=1e-3)
    assert (diagnosis.labelled, diagnosis.labelled_right, diagnosis.n_with_probabilities) == (2, 1, 3)
    assert diagnosis.log_loss == pytest.approx(-np.log([0.8, 0.45, 0.1]).mean())
    assert diagnosis.confusion["HCM"]["none"] == 1
    assert diagnosis.confusion["NOR"]["MINF"] == 1
    assert sum(sum(row.values()) for row in diagnosis.confusion.values()) == 4
    assert (diagnosis.groups["DCM"].sensitivity, diagnosis.groups["DCM"].precision) == (1.0, 1.0)
    assert (diagnosis.groups["MINF"].n, diagnosis.groups["MINF"].sensitivity, diagnosis.groups["MINF"].precision) == (
        0,
        None,
        0.0,
    )


def test_patients_of_no_known_group_have_no_diagnosis_judged() -> None:
    assert diagnosis_summary([diagnosed(None, 0.9)]) is None
    assert summary_of([diagnosed(None, 0.9), diagnosed(Group.NOR, 0.9)]).n == 1


def test_where_no_diagnosis_is_defined_only_the_counts_are() -> None:
    diagnosis = summary_of([figures_of("someone", None, Group.HCM, None)])
    assert (diagnosis.right, diagnosis.n, diagnosis.accuracy, diagnosis.macro_f1) == (0, 1, 0.0, 0.0)
    assert (diagnosis.log_loss, diagnosis.brier, diagnosis.ece, diagnosis.ece_if_calibrated) == (None,) * 4
    assert (diagnosis.selective, diagnosis.selective_at_90, diagnosis.labels_given) == ((), None, None)


def test_the_surest_are_right_more_often() -> None:
    cases = [diagnosed(Group.NOR, 0.9), diagnosed(Group.DCM, 0.4), diagnosed(Group.NOR, 0.8), diagnosed(Group.DCM, 0.7)]
    curve = selective_curve(cases)
    assert [point.coverage for point in curve] == [0.25, 0.5, 0.75, 1.0]
    assert [point.accuracy for point in curve] == pytest.approx([1.0, 1.0, 2 / 3, 0.5])
    assert selective_curve(cases[::-1]) == curve
    assert point_at(curve, 0.6) == curve[2]
    assert curve[2].accuracy_interval_95[0] < 2 / 3 < curve[2].accuracy_interval_95[1]


def test_equally_sure_patients_count_the_same_whatever_their_order() -> None:
    cases = said_normal(0.8, right=3, wrong=1)
    assert [point.accuracy for point in selective_curve(cases)] == pytest.approx([0.75] * 4)
    assert selective_curve(cases) == selective_curve(cases[::-1])


def test_ninety_percent_coverage_is_not_reached_where_too_many_are_undefined() -> None:
    cases = [*said_normal(0.8, 4, 0), figures_of("someone", None, Group.HCM, None)]
    assert selective_curve(cases)[-1].coverage == pytest.approx(0.8)
    assert point_at(selective_curve(cases)) is None
    nine_of_ten = [*said_normal(0.8, 9, 0), figures_of("someone", None, Group.HCM, None)]
    assert point_at(selective_curve(nine_of_ten)) is not None


def test_given_labels_are_an_operating_point_of_their_own() -> None:
    point = labelled_point(FOUR)
    assert point is not None
    assert (point.n, point.coverage, point.accuracy) == (2, 0.5, 0.5)
