"""The error of both arms and their paired difference, from finished records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group
from CardiacMTLTraining.evaluation.intervals import Interval, bootstrap_interval, exact_interval
from CardiacMTLTraining.reproduction.arms import Arm
from CardiacMTLTraining.reproduction.record import RunRecord

BOOTSTRAP_SEED = 1
BOOTSTRAP_DRAWS = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """So many of `n` patients wrong, with the exact 95 % interval of the error."""

    wrong: int
    n: int

    @property
    def error(self) -> float:
        """Share of wrong patients."""
        return self.wrong / self.n

    @property
    def interval(self) -> Interval:
        """95 % Clopper-Pearson interval of the error."""
        return exact_interval(self.wrong, self.n)


@dataclass(frozen=True, slots=True)
class ArmError:
    """The error of one arm.

    `mean` over patients of each patient's error averaged over seeds, with its bootstrap `interval` over patients; `by_seed` the
    single networks' counts; `averaged` the count after each patient's probabilities were averaged over seeds.
    """

    mean: float
    interval: Interval
    by_seed: dict[int, Count]
    averaged: Count


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both arms on the same patients; `difference` is joint less alone, so below 0 where joint training errs less."""

    seeds: tuple[int, ...]
    n_patients: int
    arms: dict[Arm, ArmError]
    difference: float
    difference_interval: Interval


def complete_seeds(records: Sequence[RunRecord]) -> tuple[int, ...]:
    """The seeds of which every fold is there in both arms; raises `InputError` where there is none."""
    if not records:
        raise InputError("there are no records; expected those of at least one whole seed; run the experiment with --cache")
    n_folds = records[0].configuration.n_folds
    there = {record.key for record in records}
    seeds = sorted({key.seed for key in there})
    whole = tuple(seed for seed in seeds if sum(key.seed == seed for key in there) == n_folds * len(Arm))
    if not whole:
        raise InputError(
            f"no seed is complete in {len(records)} records; expected {n_folds} folds in {len(Arm)} arms of a seed; "
            "run the missing ones with --cache"
        )
    return whole


def of_seeds(records: Sequence[RunRecord], seeds: Sequence[int]) -> list[RunRecord]:
    """The records of these seeds."""
    return [record for record in records if record.seed in seeds]


def compare(records: Sequence[RunRecord]) -> Comparison:
    """Both arms over the complete seeds of `records`; raises `InputError` where the arms hold other patients."""
    seeds = complete_seeds(records)
    whole = of_seeds(records, seeds)
    _check_patients(whole, seeds)
    errors = {arm: patient_errors([record for record in whole if record.arm is arm]) for arm in Arm}
    names = sorted(errors[Arm.ALONE])
    differences = [errors[Arm.JOINT][name] - errors[Arm.ALONE][name] for name in names]
    arms = {arm: _arm_error([record for record in whole if record.arm is arm], errors[arm]) for arm in Arm}
    interval = bootstrap_interval(differences, BOOTSTRAP_SEED, BOOTSTRAP_DRAWS)
    return Comparison(seeds, len(names), arms, float(np.mean(differences)), interval)


def patient_errors(records: Sequence[RunRecord]) -> dict[str, float]:
    """Each patient's share of networks (one a seed) that were wrong about it."""
    wrong: dict[str, list[bool]] = {}
    for record in records:
        for patient in record.patients:
            wrong.setdefault(patient.name, []).append(not patient.is_right)
    return {name: sum(values) / len(values) for name, values in wrong.items()}


def averaged_count(records: Sequence[RunRecord]) -> Count:
    """Wrong patients after each patient's probabilities were averaged over seeds."""
    sums: dict[str, list[float]] = {}
    truths: dict[str, Group] = {}
    for record in records:
        for patient in record.patients:
            before = sums.get(patient.name, [0.0] * len(Group))
            sums[patient.name] = [a + b for a, b in zip(before, patient.probabilities, strict=True)]
            truths[patient.name] = patient.truth
    wrong = sum(list(Group)[int(np.argmax(total))] is not truths[name] for name, total in sums.items())
    return Count(wrong, len(sums))


def mean_dice(records: Sequence[RunRecord]) -> dict[str, float | None]:
    """Mean over the joint runs of each structure's Dice; None where no run has it."""
    found: dict[str, list[float]] = {}
    for record in records:
        for name, value in (record.dice or {}).items():
            found.setdefault(name, []).extend([] if value is None else [value])
    return {name: float(np.mean(values)) if values else None for name, values in found.items()}


def _arm_error(records: Sequence[RunRecord], errors: Mapping[str, float]) -> ArmError:
    values = [errors[name] for name in sorted(errors)]
    by_seed = {}
    for seed in sorted({record.seed for record in records}):
        patients = [patient for record in records if record.seed == seed for patient in record.patients]
        by_seed[seed] = Count(sum(not patient.is_right for patient in patients), len(patients))
    interval = bootstrap_interval(values, BOOTSTRAP_SEED, BOOTSTRAP_DRAWS)
    return ArmError(float(np.mean(values)), interval, by_seed, averaged_count(records))


def _check_patients(records: Sequence[RunRecord], seeds: Sequence[int]) -> None:
    """Every patient once in each arm and seed."""
    by_arm_and_seed = {
        (arm, seed): sorted(p.name for r in records if r.arm is arm and r.seed == seed for p in r.patients)
        for arm in Arm
        for seed in seeds
    }
    expected = by_arm_and_seed[Arm.ALONE, seeds[0]]
    for (arm, seed), names in by_arm_and_seed.items():
        if names != expected or len(set(names)) != len(names):
            raise InputError(
                f"the {arm} arm of seed {seed} holds other patients than that of seed {seeds[0]}; "
                "expected each patient once in each; remove the records that do not belong together"
            )
