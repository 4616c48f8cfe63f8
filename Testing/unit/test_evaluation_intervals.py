"""Intervals, against published values and the normal approximation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from CardiacMTLTraining.evaluation.intervals import bootstrap_interval, bootstrap_statistic, exact_interval


def test_the_exact_interval_has_its_published_values() -> None:
    assert exact_interval(17, 20) == pytest.approx((0.621, 0.968), abs=5e-4)
    assert exact_interval(39, 50) == pytest.approx((0.640, 0.885), abs=5e-4)
    assert exact_interval(0, 20) == pytest.approx((0.0, 1 - 0.025 ** (1 / 20)))
    assert exact_interval(20, 20) == pytest.approx((0.025 ** (1 / 20), 1.0))


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_exact_interval_leaves_two_and_a_half_percent_on_each_side(counts: tuple[int, int]) -> None:
    right, n = counts
    low, high = exact_interval(right, n)
    assert 0 <= low <= right / n <= high <= 1
    if right:
        assert binom.sf(right - 1, n, low) == pytest.approx(0.025, abs=1e-6)
    if right < n:
        assert binom.cdf(right, n, high) == pytest.approx(0.025, abs=1e-6)


def test_the_bootstrap_depends_on_its_seed_alone_and_holds_the_mean() -> None:
    values = np.random.default_rng(1).normal(0.9, 0.03, 50).tolist()
    low, high = bootstrap_interval(values, seed=3)
    assert (low, high) == bootstrap_interval(values, seed=3)
    assert (low, high) != bootstrap_interval(values, seed=4)
    assert low < np.mean(values) < high
    half_width = 1.96 * np.std(values) / np.sqrt(50)
    assert high - low == pytest.approx(2 * half_width, rel=0.1)


def test_the_bootstrap_of_one_patient_has_no_width() -> None:
    assert bootstrap_interval([0.8], seed=0) == (0.8, 0.8)


def test_any_statistic_of_patients_has_an_interval_that_depends_on_its_seed_alone() -> None:
    values = np.random.default_rng(1).normal(0.9, 0.03, 50)

    def mean(rows: NDArray[np.intp]) -> float:
        return float(values[rows].mean())

    interval = bootstrap_statistic(50, mean, seed=3)
    assert interval == bootstrap_statistic(50, mean, seed=3)
    assert interval != bootstrap_statistic(50, mean, seed=4)
    assert interval == pytest.approx(bootstrap_interval(values.tolist(), seed=3), abs=2e-3)


def test_draws_in_which_a_statistic_is_undefined_are_left_out() -> None:
    assert bootstrap_statistic(5, lambda rows: 1.0 if 0 in rows else None, seed=0, draws=50) == (1.0, 1.0)
    assert bootstrap_statistic(5, lambda rows: None, seed=0, draws=5) is None
