"""Hand-made records of reproduction runs, for the tests of what is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from CardiacMTLLib.labels import Group
from CardiacMTLTraining.reproduction.arms import Arm
from CardiacMTLTraining.reproduction.configuration import ReproductionConfiguration
from CardiacMTLTraining.reproduction.record import Curves, PatientRecord, RunRecord

CERTAIN, WRONG = (0.9, 0.1, 0.0, 0.0, 0.0), (0.4, 0.6, 0.0, 0.0, 0.0)


def record(arm: Arm, seed: int, fold: int, marks: Mapping[str, str], *, n_folds: int = 2) -> RunRecord:
    """A run on normal patients: `marks` gives each patient's right ('1') and wrong ('0') epochs, of which the last counts."""
    n_epochs = len(next(iter(marks.values())))
    accuracy = tuple(sum(mark[epoch] == "1" for mark in marks.values()) / len(marks) for epoch in range(n_epochs))
    patients = tuple(
        PatientRecord(name, Group.NOR, CERTAIN if mark.endswith("1") else WRONG, mark) for name, mark in marks.items()
    )
    joint = arm is Arm.JOINT
    return RunRecord(
        arm=arm,
        seed=seed,
        fold=fold,
        configuration=ReproductionConfiguration(n_folds=n_folds, epochs=n_epochs),
        patients=patients,
        curves=Curves(accuracy, accuracy, (1.0,) * n_epochs, (0.5,) * n_epochs if joint else ()),
        dice={"LV": 0.9, "RV": 0.8, "MYOCARDIUM": None} if joint else None,
        cpu_seconds=100.0,
        device="cpu",
        commit="abc",
        torch_version="2",
        data_sha256="d" * 64,
    )


def experiment(alone: Sequence[Sequence[str]], joint: Sequence[Sequence[str]], *, patients: int = 2) -> list[RunRecord]:
    """Records of both arms: for each seed the marks of all patients, `patients` a fold."""
    records = []
    for arm, by_seed in ((Arm.ALONE, alone), (Arm.JOINT, joint)):
        for seed, marks in enumerate(by_seed, start=1):
            n_folds = len(marks) // patients
            for fold in range(n_folds):
                places = range(fold * patients, (fold + 1) * patients)
                records.append(record(arm, seed, fold, {f"p{i}": marks[i] for i in places}, n_folds=n_folds))
    return records
