import json
from dataclasses import replace

import numpy as np
import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.inference.scope import EVIDENCE
from CardiacMTLLib.labels import STRUCTURE_PHASES
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.manifest import Calibration, Manifest, Provenance
from CardiacMTLTraining.quality.fit import GOOD_DICE, MAX_FLAGGED_GOOD, MAX_REFUSED, fit_mask_quality, fit_scope
from CardiacMTLTraining.quality.nested import nested_mask_quality, nested_scope
from CardiacMTLTraining.quality.report import mask_quality_report, scope_report
from CardiacMTLTraining.quality.rows import NegativeRow, PatientRow
from Testing.unit.quality_rows import negatives, patients, true_dice

CALIBRATING = negatives("reformat_across_x")


def test_rows_come_back_from_json_as_they_were():
    lost = PatientRow("p", 1, None, None, dict.fromkeys(STRUCTURE_PHASES, 0.0))
    for row in (patients(1)[0], lost, CALIBRATING[0], NegativeRow("n", "tube", 2, None)):
        assert type(row).from_json(json.loads(json.dumps(row.to_json()))) == row


@pytest.mark.parametrize("change", [{"colour": 1}, {"evidence": {"agreement": 1.0}}, {"dice": {"LV_ED": 1.0}}])
def test_rows_with_other_keys_are_refused(change):
    with pytest.raises(InputError, match="expected"):
        PatientRow.from_json(patients(1)[0].to_json() | change)


def test_the_lines_find_how_dice_follows_agreement():
    quality = fit_mask_quality(patients())
    for line in quality.lines.values():
        assert (line.intercept, line.slope) == (pytest.approx(-1), pytest.approx(2))
    assert quality.predicted_dice({"RV_ES": 0.93}) == {"RV_ES": pytest.approx(true_dice(0.93))}


def test_a_limit_flags_no_more_good_masks_than_it_may():
    for n in (20, 60, 200):
        rows = patients(n, noise=0.03)
        quality = fit_mask_quality(rows)
        for key, line in quality.lines.items():
            good = [line.dice(row.agreement[key]) for row in rows if row.dice[key] >= GOOD_DICE]
            flagged = sum(value < line.limit for value in good)
            assert flagged <= MAX_FLAGGED_GOOD * len(good)
            assert line.limit <= GOOD_DICE
            assert line.limit == GOOD_DICE or flagged == int(MAX_FLAGGED_GOOD * len(good))


def test_a_line_that_would_fall_is_flat_and_unknown_dice_is_left_out():
    rows = [replace(row, dice={key: 1 - value for key, value in row.agreement.items()}) for row in patients()]
    assert {line.slope for line in fit_mask_quality(rows).lines.values()} == {0.0}
    unknown = [replace(row, dice=dict.fromkeys(STRUCTURE_PHASES)) for row in patients(8, seed=3)]
    assert fit_mask_quality([*patients(), *unknown]) == fit_mask_quality(patients())


def test_too_few_rows_are_refused():
    with pytest.raises(InputError, match="has 4 patients; expected 5"):
        fit_mask_quality(patients(4))
    with pytest.raises(InputError, match="0 negatives for calibration"):
        fit_scope(patients(), negatives("tube"))
    with pytest.raises(InputError, match="two folds"):
        nested_mask_quality([replace(row, fold=0) for row in patients()])


def test_the_scope_tells_hearts_from_negatives_and_has_no_weight_against_a_heart():
    scope = fit_scope(patients(), CALIBRATING)
    assert min(scope.weight) >= 0
    assert all(scope.score(row.evidence) > scope.threshold for row in patients())
    assert all(scope.score(row.evidence) < scope.threshold for row in CALIBRATING)


def test_evidence_that_speaks_for_the_negatives_gets_no_weight():
    misled = [replace(row, evidence=replace(row.evidence, stacking=1.0)) for row in CALIBRATING]
    scope = fit_scope(patients(), misled)
    assert scope.weight[EVIDENCE.index("stacking")] == 0
    assert sum(weight > 0 for weight in scope.weight) == len(EVIDENCE) - 1


@pytest.mark.parametrize("n", [40, 100, 250])
def test_the_threshold_refuses_no_more_hearts_than_it_may_where_classes_overlap(n):
    rows = patients(n)
    scope = fit_scope(rows, negatives("white_noise", 60, mean=0.85))
    assert sum(scope.score(row.evidence) < scope.threshold for row in rows) <= MAX_REFUSED * n


def test_only_kinds_for_calibration_are_fitted_on():
    others = [*negatives("tube", mean=0.9), *negatives("shuffled_slices", mean=0.8), NegativeRow("n", "white_noise", 0, None)]
    assert fit_scope(patients(), [*CALIBRATING, *others]) == fit_scope(patients(), CALIBRATING)


def test_a_manifest_brings_what_was_fitted_back_as_it_was(tmp_path):
    calibration = Calibration(1.5, 2.5, 0.4, fit_mask_quality(patients()), fit_scope(patients(), CALIBRATING))
    Manifest("m", "1", "", NetworkConfiguration(), calibration, Provenance()).save(tmp_path / "manifest.json")
    assert Manifest.load(tmp_path / "manifest.json").calibration == calibration


def test_a_fold_is_judged_by_the_other_folds_alone():
    rows = patients(noise=0.02)
    changed = [replace(row, dice=dict.fromkeys(STRUCTURE_PHASES, 0.0)) if row.fold == 2 else row for row in rows]
    before, after = nested_mask_quality(rows), nested_mask_quality(changed)
    for one, other in zip(before, after, strict=True):
        assert (one.predicted_dice == other.predicted_dice) == (one.row.fold == 2)
    moved = [replace(row, evidence=CALIBRATING[0].evidence) if row.fold == 1 else row for row in rows]
    first, second = nested_scope(rows, CALIBRATING), nested_scope(moved, CALIBRATING)
    for (row, one), (_, other) in zip(first.negatives, second.negatives, strict=True):
        assert (one == other) == (row.fold == 1)


def test_negatives_of_a_fold_without_patients_are_refused():
    with pytest.raises(InputError, match=r"folds \[9\]"):
        nested_scope(patients(), [*CALIBRATING, replace(CALIBRATING[0], fold=9)])


def test_the_scope_report_counts_by_kind_and_says_what_the_kind_was_for():
    lost = [NegativeRow(f"n{index}", "tube", index % 4, None) for index in range(3)]
    report = scope_report(nested_scope(patients(), [*CALIBRATING, *negatives("tube", 5), *lost]))
    assert (report.passed.count, report.passed.n, report.refused_names) == (40, 40, ())
    assert report.passed.interval_95 == (pytest.approx(0.025 ** (1 / 40)), 1.0)
    tube, reformat = report.kinds["tube"], report.kinds["reformat_across_x"]
    assert (str(tube.use), tube.rejected.count, tube.rejected.n, tube.without_heart, tube.auc) == ("reported", 8, 8, 3, 1.0)
    assert (str(reformat.use), reformat.rejected.share) == ("calibration", 1.0)
    assert json.loads(json.dumps(report.to_json()))["kinds"]["tube"]["use"] == "reported"


def test_a_patient_in_whom_no_heart_is_found_counts_as_refused():
    lost = PatientRow("lost", 0, None, None, dict.fromkeys(STRUCTURE_PHASES, 0.0))
    report = scope_report(nested_scope([*patients(), lost], CALIBRATING))
    assert (report.passed.count, report.refused_names) == (40, ("lost",))
    assert nested_mask_quality([*patients(), lost])[-1].predicted_dice is None


def test_the_mask_quality_report_correlates_predicted_with_real_dice():
    exact = mask_quality_report(nested_mask_quality(patients()))
    noisy = mask_quality_report(nested_mask_quality(patients(noise=0.05)))
    for key in STRUCTURE_PHASES:
        assert (exact.dice[key].pearson, exact.dice[key].spearman) == (pytest.approx(1), pytest.approx(1))
        assert exact.dice[key].mean_absolute == pytest.approx(0, abs=1e-9)
        assert 0.5 < noisy.dice[key].pearson < 1
        assert noisy.dice[key].mean_absolute == pytest.approx(0.05 * np.sqrt(2 / np.pi), abs=0.02)
    shares = [*noisy.flagged_good.values(), *noisy.flagged_poor.values()]
    assert sum(share.n for share in shares) == 80
    assert noisy.flagged_poor["ES"].share > noisy.flagged_good["ES"].share
    assert json.loads(json.dumps(noisy.to_json()))["dice"]["LV_ED"]["n"] == 40


def test_estimates_that_do_not_vary_have_no_correlation():
    rows = [replace(row, agreement=dict.fromkeys(STRUCTURE_PHASES, 0.9)) for row in patients()]
    figures = mask_quality_report(nested_mask_quality([replace(row, dice=dict(row.agreement)) for row in rows])).dice["LV_ED"]
    assert (figures.n, figures.pearson, figures.spearman) == (40, None, None)
