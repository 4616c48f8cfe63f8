"""`run_stress`: which patients and changes are still missing, and carrying them out, one after another or side by side."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from itertools import groupby
from pathlib import Path

from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLTraining.calibrate import Rows, nested
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.crossval import fold_folder
from CardiacMTLTraining.stress.bench import RECORDS_NAME, Bench, examine, source_of
from CardiacMTLTraining.stress.record import StressRecord
from CardiacMTLTraining.train import CONFIGURATION_NAME, RunRecord

log = logging.getLogger(__name__)

_PATIENTS_AT_ONCE = 5
"""Patients for which a network is loaded once."""


def run_stress(data: Path, crossval: Path, changes: Sequence[str], n_jobs: int = 1) -> list[StressRecord]:
    """The records of all patients of a finished cross-validation, with the outcomes of `changes` and any of earlier calls.

    Only what is missing is computed, `n_jobs` processes side by side on one thread each. Raises `InputError` where the
    cross-validation is not finished or a patient is not in `data`.
    """
    rows = Rows.load(crossval)
    places = {row.name: row.fold for row in rows.patients}
    for fold in sorted(set(places.values())):
        RunRecord.load(fold_folder(crossval, fold))
    folder = crossval / RECORDS_NAME
    folder.mkdir(exist_ok=True)
    records = _records(crossval, places)
    missing = [record for record in records if not set(changes) <= set(record.outcomes)]
    log.info("%d patients to change, %d done before", len(missing), len(records) - len(missing))
    if not missing:
        return records
    seed = TrainingConfiguration.load(fold_folder(crossval, missing[0].fold) / CONFIGURATION_NAME).seed
    bench = Bench(data, crossval, nested(rows, seed), tuple(changes))
    parts = list(_parts(missing))
    if n_jobs == 1:
        for number, part in enumerate(parts, start=1):
            _report(number, len(parts), examine(bench, part))
    else:
        _side_by_side(bench, parts, n_jobs)
    return _records(crossval, places)


def _records(crossval: Path, places: dict[str, int]) -> list[StressRecord]:
    sources = {fold: source_of(crossval, fold) for fold in set(places.values())}
    folder = crossval / RECORDS_NAME
    return [StressRecord.load(folder, name, fold, sources[fold]) for name, fold in sorted(places.items())]


def _parts(records: Sequence[StressRecord]) -> Iterator[list[StressRecord]]:
    """Portions of patients that share a fold."""
    for _, of_fold in groupby(sorted(records, key=lambda record: record.fold), key=lambda record: record.fold):
        waiting = list(of_fold)
        for start in range(0, len(waiting), _PATIENTS_AT_ONCE):
            yield waiting[start : start + _PATIENTS_AT_ONCE]


def _side_by_side(bench: Bench, parts: Sequence[list[StressRecord]], n_jobs: int) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(n_jobs, len(parts)), mp_context=context) as pool:
        futures = [pool.submit(examine, bench, part) for part in parts]
        try:
            for number, future in enumerate(as_completed(futures), start=1):
                _report(number, len(parts), future.result())
        except BrokenProcessPool as error:
            raise CardiacMTLError(
                "a process was ended from outside, perhaps for want of memory; expected it to finish; "
                "give the same command again to go on, with fewer --jobs if need be"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _report(number: int, total: int, n_changes: int) -> None:
    log.info("%d of %d portions done, the last with %d changed studies", number, total, n_changes)
