"""`Bench`: the models of a finished cross-validation, and what they make of plain and changed studies."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from CardiacMTLLib.conclude import conclude
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.reading.acdc import AcdcCase, read_acdc_case
from CardiacMTLTraining.calibrate import ROWS_NAME, Calibrated
from CardiacMTLTraining.crossval import fold_folder
from CardiacMTLTraining.out_of_fold import find_out_of_fold, fold_model, look
from CardiacMTLTraining.stress.changes import CHANGES, generator_of
from CardiacMTLTraining.stress.record import PLAIN, Outcome, StressRecord
from CardiacMTLTraining.train import NETWORK_NAME

log = logging.getLogger(__name__)

RECORDS_NAME = "stress"


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """Where data and networks lie, the nested heads and calibrations by fold, and the names of the changes to be made."""

    data: Path
    crossval: Path
    calibrated: Mapping[int, Calibrated]
    changes: tuple[str, ...]


def source_of(crossval: Path, fold: int) -> str:
    """Checksum of the network of `fold` and of all rows: outcomes with another one are out of date."""
    digest = hashlib.sha256((fold_folder(crossval, fold) / NETWORK_NAME).read_bytes())
    digest.update((crossval / ROWS_NAME).read_bytes())
    return digest.hexdigest()


def examine(bench: Bench, records: Sequence[StressRecord]) -> int:
    """Add to the records of patients of one fold what they lack, on one thread; returns how many changes were made."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        model = calibrated_model(bench, records[0].fold)
        return sum(_examine_patient(bench, record, model) for record in records)
    finally:
        torch.set_num_threads(threads)


def calibrated_model(bench: Bench, fold: int) -> LoadedModel:
    """The network of a fold with the heads and the calibration that came from the other folds' rows."""
    model, calibrated = fold_model(bench.crossval, fold), bench.calibrated[fold]
    calibrated.install(model.network)
    return LoadedModel(model.network, replace(model.manifest, calibration=calibrated.calibration))


def changed_outcome(name: str, case: AcdcCase, change: str, model: LoadedModel) -> Outcome:
    """What the pipeline makes of one patient's study under one change."""
    made = CHANGES[change]
    study = made.study(case.study, generator_of(name, change))
    truth = {phase: made.mask(mask, case.study.geometry) for phase, mask in (case.masks or {}).items()}
    return Outcome.of(conclude(study, look(study, model.network), model), truth)


def _examine_patient(bench: Bench, record: StressRecord, model: LoadedModel) -> int:
    name, folder = record.name, bench.crossval / RECORDS_NAME
    case = read_acdc_case(bench.data / name)
    outcomes = dict(record.outcomes)
    if PLAIN not in outcomes:
        plain = find_out_of_fold(bench.data, bench.crossval, {name: record.fold})[name]
        outcomes[PLAIN] = Outcome.of(conclude(case.study, plain.found, model), case.masks or {})
    missing = [change for change in bench.changes if change not in outcomes]
    for change in missing:
        outcomes[change] = changed_outcome(name, case, change, model)
        replace(record, outcomes=dict(outcomes)).save(folder)
    return len(missing)
