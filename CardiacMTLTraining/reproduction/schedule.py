"""Which runs of the experiment are missing, and carrying them out, one after another or side by side."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import torch

from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLTraining.cache import load_cases
from CardiacMTLTraining.folds import stratified_folds
from CardiacMTLTraining.reproduction.arms import RunKey, planned_runs
from CardiacMTLTraining.reproduction.configuration import ReproductionConfiguration
from CardiacMTLTraining.reproduction.data import Studies
from CardiacMTLTraining.reproduction.record import check_records, load_records
from CardiacMTLTraining.reproduction.run import train_run

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Experiment:
    """What all runs share."""

    cache: Path
    records: Path
    configuration: ReproductionConfiguration
    accelerator: str = "cpu"


def run_missing(experiment: Experiment, seeds: Sequence[int], n_jobs: int) -> list[RunKey]:
    """Carry out the runs that have no record yet, `n_jobs` at a time on one thread each; returns their keys.

    Raises `InputError` for records of another configuration or other data, before anything is run.
    """
    studies = Studies(load_cases(experiment.cache), experiment.configuration)
    done = load_records(experiment.records)
    check_records(done, experiment.configuration, studies.sha256)
    there = {record.key for record in done}
    missing = [key for key in planned_runs(seeds, experiment.configuration.n_folds) if key not in there]
    del studies
    log.info("%d runs to do, %d done before", len(missing), len(there))
    if n_jobs == 1:
        for number, key in enumerate(missing, start=1):
            _report(number, len(missing), key, carry_out(experiment, key))
    elif missing:
        _side_by_side(experiment, missing, n_jobs)
    return missing


def carry_out(experiment: Experiment, key: RunKey) -> float:
    """One run on one thread, and its record; returns its CPU-seconds."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        cases = load_cases(experiment.cache)
        folds = stratified_folds(cases, experiment.configuration.n_folds, experiment.configuration.split_seed)
        record = train_run(key, Studies(cases, experiment.configuration), folds, experiment.accelerator)
    finally:
        torch.set_num_threads(threads)
    record.save(experiment.records)
    return record.cpu_seconds


def _side_by_side(experiment: Experiment, missing: Sequence[RunKey], n_jobs: int) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(n_jobs, len(missing)), mp_context=context) as pool:
        futures = {pool.submit(carry_out, experiment, key): key for key in missing}
        try:
            for number, future in enumerate(as_completed(futures), start=1):
                _report(number, len(missing), futures[future], future.result())
        except BrokenProcessPool as error:
            raise CardiacMTLError(
                "a run's process was ended from outside, perhaps for want of memory; expected it to finish; "
                "give the same command again to go on, with fewer --jobs if need be"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _report(number: int, total: int, key: RunKey, cpu_seconds: float) -> None:
    log.info("%d of %d runs done: %s, %.0f CPU-seconds", number, total, key.file_name, cpu_seconds)
