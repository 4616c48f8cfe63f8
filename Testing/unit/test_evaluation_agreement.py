"""Measurements and estimates against the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from CardiacMTLLib.labels import STRUCTURE_PHASES
from CardiacMTLTraining.evaluation.agreement import agreement
from CardiacMTLTraining.evaluation.mask_quality import mask_quality
from Testing.unit.evaluated import SURE, UNDEFINED, UNSURE, WRONG


def test_limits_of_agreement_lie_1_96_standard_deviations_about_the_bias() -> None:
    result = agreement([11.0, 22.0, 33.0], [10.0, 20.0, 30.0])
    assert (result.n, result.bias, result.sd, result.mean_absolute) == pytest.approx((3, 2.0, 1.0, 2.0))
    assert result.limits_of_agreement == pytest.approx((0.04, 3.96))
    assert result.pearson == pytest.approx(1.0)


def test_a_bias_keeps_its_sign_and_absolute_errors_do_not_cancel() -> None:
    result = agreement([6.0, 12.0], [10.0, 10.0])
    assert (result.bias, result.mean_absolute) == (-1.0, 3.0)
    assert result.pearson is None


def test_most_differences_of_a_normal_error_lie_within_the_limits() -> None:
    generator = np.random.default_rng(0)
    truth = generator.normal(100, 20, 4000)
    found = truth + generator.normal(3, 5, 4000)
    result = agreement(found.tolist(), truth.tolist())
    assert result.limits_of_agreement is not None
    low, high = result.limits_of_agreement
    assert np.mean((found - truth > low) & (found - truth < high)) == pytest.approx(0.95, abs=0.01)
    assert result.mean_absolute_interval_95 is not None
    assert result.mean_absolute_interval_95[0] < (result.mean_absolute or 0) < result.mean_absolute_interval_95[1]


def test_pairs_that_lack_a_side_are_left_out() -> None:
    assert agreement([1.0, None, 3.0], [1.0, 2.0, None]).n == 1
    nothing = agreement([None], [2.0])
    assert (nothing.n, nothing.bias, nothing.limits_of_agreement, nothing.mean_absolute_interval_95) == (0, None, None, None)


def test_one_pair_has_a_bias_but_no_spread() -> None:
    result = agreement([3.0], [1.0])
    assert (result.bias, result.sd, result.limits_of_agreement) == (2.0, None, None)


def test_estimates_of_the_overlap_are_set_against_the_real_one() -> None:
    estimates = (0.95, 0.85, 0.75)
    cases = [
        replace(case, predicted_dice=dict.fromkeys(STRUCTURE_PHASES, estimate))
        for case, estimate in zip((SURE, UNSURE, WRONG), estimates, strict=True)
    ]
    quality = mask_quality([*cases, UNDEFINED])
    assert quality is not None
    assert quality.all.n == 18
    assert quality.by_structure["RV_ES"].n == 3
    assert quality.by_structure["RV_ES"].pearson == pytest.approx(1.0)
    assert quality.by_structure["RV_ES"].spearman == pytest.approx(1.0)
    assert quality.all.bias == pytest.approx(0.05)
    assert mask_quality([SURE, UNSURE]) is None
