"""What is computed from the records of both arms: errors, their paired difference, and epochs to 70 %."""

from __future__ import annotations

import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLTraining.evaluation.intervals import bootstrap_interval
from CardiacMTLTraining.reproduction.analysis import (
    BOOTSTRAP_DRAWS,
    BOOTSTRAP_SEED,
    Count,
    compare,
    complete_seeds,
    mean_dice,
    patient_errors,
)
from CardiacMTLTraining.reproduction.arms import Arm
from CardiacMTLTraining.reproduction.convergence import (
    arm_convergence,
    compare_convergence,
    first_epoch,
    restricted_mean,
    share_waiting,
)
from Testing.unit.reproduction_records import experiment, record

ALONE = [["0", "0", "1", "1"], ["0", "1", "1", "1"]]
JOINT = [["1", "0", "1", "1"], ["1", "1", "1", "0"]]
"""Two seeds of four patients: errors of the arm alone are 1, 1/2, 0, 0, of the joint arm 0, 1/2, 0, 1/2."""


def test_the_error_of_an_arm_is_the_mean_over_patients_of_their_mean_over_seeds() -> None:
    found = compare(experiment(ALONE, JOINT))
    assert found.n_patients == 4
    assert found.seeds == (1, 2)
    assert found.arms[Arm.ALONE].mean == pytest.approx(1.5 / 4)
    assert found.arms[Arm.JOINT].mean == pytest.approx(1.0 / 4)
    assert found.arms[Arm.ALONE].by_seed == {1: Count(2, 4), 2: Count(1, 4)}


def test_the_difference_is_paired_by_patient_and_joint_less_alone() -> None:
    found = compare(experiment(ALONE, JOINT))
    assert found.difference == pytest.approx(-0.125)
    by_patient = [-1.0, 0.0, 0.0, 0.5]
    assert found.difference_interval == bootstrap_interval(by_patient, BOOTSTRAP_SEED, BOOTSTRAP_DRAWS)


def test_the_interval_does_not_shrink_when_seeds_repeat_each_other() -> None:
    once = compare(experiment(ALONE[:1], JOINT[:1]))
    thrice = compare(experiment(ALONE[:1] * 3, JOINT[:1] * 3))
    assert thrice.difference_interval == once.difference_interval
    assert thrice.n_patients == once.n_patients


def test_arms_that_agree_on_every_patient_differ_by_exactly_nothing() -> None:
    found = compare(experiment(ALONE, ALONE))
    assert (found.difference, found.difference_interval) == (0.0, (0.0, 0.0))


def test_probabilities_are_averaged_over_seeds_before_they_are_judged() -> None:
    found = compare(experiment([["0", "1"]], [["1", "1"]], patients=1))
    assert found.arms[Arm.ALONE].averaged == Count(1, 2)
    mixed = compare(experiment([["0", "1"], ["1", "1"]], [["1", "1"], ["1", "1"]], patients=1))
    assert mixed.arms[Arm.ALONE].averaged == Count(0, 2)


def test_exact_intervals_are_those_of_clopper_and_pearson() -> None:
    low, high = Count(16, 50).interval
    assert (low, high) == pytest.approx((0.195, 0.467), abs=5e-4)
    assert Count(0, 10).interval == pytest.approx((0.0, 0.308), abs=1e-3)


def test_seeds_that_lack_a_run_are_left_out() -> None:
    records = experiment(ALONE, JOINT)
    assert complete_seeds(records[:-1]) == (1,)
    assert compare(records[:-1]).arms[Arm.ALONE].by_seed.keys() == {1}
    with pytest.raises(InputError, match="no seed is complete in 4 records"):
        complete_seeds(records[:4])
    with pytest.raises(InputError, match="there are no records"):
        complete_seeds([])


def test_arms_with_other_patients_are_refused() -> None:
    records = experiment(ALONE, JOINT)
    records[0] = record(Arm.ALONE, 1, 0, {"p0": "1", "stranger": "1"})
    with pytest.raises(InputError, match="holds other patients"):
        compare(records)


def test_errors_of_one_record_are_whole() -> None:
    assert patient_errors(experiment(ALONE, JOINT)[:1]) == {"p0": 1.0, "p1": 1.0}


def test_the_dice_of_a_structure_without_values_is_undefined() -> None:
    assert mean_dice(experiment(ALONE, JOINT)) == {"LV": 0.9, "RV": 0.8, "MYOCARDIUM": None}


@pytest.mark.parametrize(
    ("accuracy", "epoch"),
    [((0.1, 0.7, 0.2), 2), ((0.9,), 1), ((0.69, 0.69), None), ((14 / 20, 1.0), 1), ((), None)],
)
def test_the_first_epoch_at_seventy_percent_counts_whatever_comes_after(accuracy: tuple[float, ...], epoch: int | None) -> None:
    assert first_epoch(accuracy) == epoch


def test_runs_that_never_get_there_are_censored_and_not_dropped() -> None:
    epochs = [2, None, 4, None]
    assert restricted_mean(epochs, 10) == pytest.approx((2 + 10 + 4 + 10) / 4)
    assert share_waiting(epochs, 5) == [1.0, 1.0, 0.75, 0.75, 0.5, 0.5]
    found = arm_convergence(epochs, 10)
    assert (found.n_reached, found.median) == (2, 4)
    assert arm_convergence([2, None, None], 10).median is None


def test_the_restricted_mean_is_the_area_under_the_curve_of_waiting_runs() -> None:
    epochs = [2, None, 4, 7]
    assert sum(share_waiting(epochs, 10)[:-1]) == pytest.approx(restricted_mean(epochs, 10))


def test_pairs_of_runs_are_counted_by_which_arm_came_first() -> None:
    alone = [["0001", "0001", "0000", "0000", "0110", "0110"]]
    joint = [["0111", "0111", "0011", "0011", "0011", "0011"]]
    found = compare_convergence(experiment(alone, joint))
    assert found.arms[Arm.ALONE].epochs == (4, None, 2)
    assert found.arms[Arm.JOINT].epochs == (2, 3, 3)
    assert found.horizon == 4
    assert (found.joint_first, found.alone_first, found.undecided) == (2, 1, 0)
    assert found.difference == pytest.approx(8 / 3 - 10 / 3)


def test_a_run_that_arrives_in_the_last_epoch_is_earlier_than_one_that_never_does() -> None:
    found = compare_convergence(experiment([["00"] * 4], [["01"] * 4]))
    assert (found.joint_first, found.difference) == (2, 0.0)


def test_the_interval_of_the_epochs_follows_the_patients() -> None:
    alone, joint = [["0001"] * 8], [["0111"] * 8]
    same_for_all = compare_convergence(experiment(alone, joint, patients=4))
    assert same_for_all.difference_interval == (-2.0, -2.0)
    mixed = compare_convergence(experiment([(["0001"] * 2 + ["0111"] * 2) * 2], joint, patients=4))
    low, high = mixed.difference_interval
    assert low <= mixed.difference <= high
    assert low < high
