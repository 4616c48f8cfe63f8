"""`run_batch`: every study below a folder, by workers that may crash, with results that survive whatever ends this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from CardiacMTLLib import __version__
from CardiacMTLLib.batch.cases import Case, find_cases
from CardiacMTLLib.batch.cluster import done_on_cluster
from CardiacMTLLib.batch.dicom_out import check_dicom_folder, dicom_notes
from CardiacMTLLib.batch.finished import finished_record
from CardiacMTLLib.batch.local import done_here
from CardiacMTLLib.batch.pace import Pace
from CardiacMTLLib.batch.protocol import Orders
from CardiacMTLLib.batch.settings import BatchSettings, Workforce
from CardiacMTLLib.batch.state import BatchState, Plan, batch_state
from CardiacMTLLib.batch.tables import FAILURES_COLUMNS, FAILURES_FILE, RESULTS_COLUMNS, RESULTS_FILE, Table, row_of
from CardiacMTLLib.batch.task import End, Outcome, Task
from CardiacMTLLib.errors import InputError, MissingPackageError, OutputError, UsageError
from CardiacMTLLib.network.store import find_model, verify_model
from CardiacMTLLib.report.publish import check_output_folder
from CardiacMTLLib.support.log_file import log_event

_DEFAULTS, _ONE_WORKER = BatchSettings(), Workforce()


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """The cases that are done, one line of text for each that failed, by its name, and notes on what was left out.

    Those of the runs that this one went on from are among them.
    """

    done: tuple[str, ...]
    failed: Mapping[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told, on the caller's thread: progress (a sentence, and the fraction behind it), and a line for each failure."""

    progress: Callable[[str, float], None] = lambda _text, _fraction: None
    failure: Callable[[str], None] = lambda _text: None


_NOBODY = Watcher()


def run_batch(
    root: Path,
    out: Path,
    settings: BatchSettings = _DEFAULTS,
    workforce: Workforce = _ONE_WORKER,
    *,
    resume: bool = False,
    retry_failed: bool = False,
    watcher: Watcher = _NOBODY,
) -> BatchSummary:
    """Analyse every study below `root` and write `out/<case>/` as `cardiacmtl run` does, results.csv and failures.csv.

    A case is done when its folder is there, which appears whole. `resume` goes on with the batch in `out`, or begins one;
    cases that failed stay failed, unless `retry_failed`. Needs no torch: the network runs in the workers.

    Raises `InputError` where there is no study, `UsageError` for an `out` with another batch or one that is not to be resumed,
    `OutputError` where `out` cannot be written or another process writes there, `ModelError` for the model, `JobError` where no
    worker can be started. What was done until then stays, and a later run with `resume` goes on.
    """
    if retry_failed and not resume:
        raise UsageError("got --retry-failed without --resume; only a batch that goes on has cases that failed; add --resume")
    root, out = root.absolute(), out.absolute()
    if out.resolve() == root.resolve():
        raise UsageError(f"results would stand among the studies in {root}; expected another folder; change --out")
    if settings.dicom_out is not None:
        settings = replace(settings, dicom_out=str(Path(settings.dicom_out).absolute()))
        check_dicom_folder(Path(settings.dicom_out or ""), root, out)
    entry = find_model(settings.model)
    orders = Orders(settings, verify_model(entry))
    check_output_folder(out)
    watcher.progress("looking for studies", 0.0)
    with batch_state(out, resume=resume) as state:
        before = state.plan()
        cases = find_cases(root, leave_out=out, known={} if before is None else before.names)
        if not cases:
            raise InputError(
                f"{root} holds no study; expected patient folders, 4D image files or DICOM folders; check the name"
            )
        origin = _origin(root, entry.name, orders)
        if before is not None:
            _check_same(before.origin, origin, out)
        batch = _Batch(out, cases, state, watcher)
        batch.look_at_folders(begun=before is not None)
        state.begin(Plan(origin, {case.place: case.name for case in cases}))
        if retry_failed:
            state.forget_failures()
        return batch.run(orders, workforce)


class _Batch:
    """One run over the cases of one output folder."""

    def __init__(self, out: Path, cases: tuple[Case, ...], state: BatchState, watcher: Watcher) -> None:
        self._out, self._cases, self._state, self._watcher = out, cases, state, watcher
        order = [case.name for case in cases]
        self._results = Table(out / RESULTS_FILE, order, RESULTS_COLUMNS)
        self._failures = Table(out / FAILURES_FILE, order, FAILURES_COLUMNS)
        self._done: set[str] = set()
        self._failed: dict[str, str] = {}

    def look_at_folders(self, *, begun: bool) -> None:
        """Take in what a batch that was `begun` has done; raises `OutputError` for a folder that stands in the way."""
        for case in self._cases:
            folder = self._out / case.name
            record = finished_record(folder) if begun else None
            if record is not None:
                self._done.add(case.name)
                self._results.put(case.name, row_of(record))
            elif folder.exists():
                raise OutputError(
                    f"{folder} is there already, and is not of this batch; expected no such folder; move it away and go on "
                    "with --resume, or choose another output folder"
                )

    def run(self, orders: Orders, workforce: Workforce) -> BatchSummary:
        """Do what is left to do, and keep both tables up with it."""
        names = {case.name for case in self._cases}
        for name, text in self._state.failures().items():
            if name in names - self._done:
                self._keep_failure(name, text)
        pace = Pace(len(self._cases), len(self._done), len(self._failed))
        self._write_tables(now=True)
        try:
            for outcome in self._outcomes(orders, workforce):
                if outcome is not None:
                    self._take(outcome)
                    pace.count(failed=outcome.end is not End.DONE)
                    self._write_tables()
                self._watcher.progress(pace.text(), pace.fraction)
        finally:
            self._write_tables(now=True)
        notes = _cohort_notes(self._out)
        self._watcher.progress(pace.text(), 1.0)
        order = [case.name for case in self._cases]
        done = tuple(name for name in order if name in self._done)
        if orders.settings.dicom_out is not None:
            notes += dicom_notes(Path(orders.settings.dicom_out), done)
        return BatchSummary(
            done,
            {name: self._failed[name] for name in order if name in self._failed},
            notes,
        )

    def _outcomes(self, orders: Orders, workforce: Workforce) -> Iterator[Outcome | None]:
        left = [case for case in self._cases if case.name not in self._done and case.name not in self._failed]
        tasks = [
            Task(case.name, str(case.path), str(self._out / case.name), str(self._state.work / str(number)), case.files)
            for number, case in enumerate(left)
        ]
        if not tasks:
            return
        doing = done_here if workforce.scheduler is None else done_on_cluster
        with closing(doing(tasks, orders, workforce)) as outcomes:  # type: ignore[type-var]  # both are generators
            yield from outcomes

    def _take(self, outcome: Outcome) -> None:
        log_event("case", end=outcome.end, done=len(self._done), failed=len(self._failed), of=len(self._cases))
        if outcome.end is End.UNWRITABLE:
            raise OutputError(f"{outcome.text}; go on with --resume")
        record = finished_record(self._out / outcome.name) if outcome.end is End.DONE else None
        if record is not None:
            self._done.add(outcome.name)
            self._results.put(outcome.name, row_of(record))
            return
        text = outcome.text or "the result is not there though the worker wrote it; expected a shared file system; try again"
        self._state.add_failure(outcome.name, text)
        self._keep_failure(outcome.name, text)
        self._watcher.failure(f"{outcome.name} failed: {text}")

    def _keep_failure(self, name: str, text: str) -> None:
        self._failed[name] = text
        self._failures.put(name, {"error": text})

    def _write_tables(self, *, now: bool = False) -> None:
        self._results.write(now=now)
        self._failures.write(now=now)


def _origin(root: Path, model: str, orders: Orders) -> dict[str, Any]:
    """What must be the same for results that stand in one table."""
    return {
        "studies": str(root),
        "software": __version__,
        "model": f"{model} (SHA-256 {orders.model_sha256})",
        "--whole-cycle": orders.settings.whole_cycle,
        "--slice-spacing-mm": orders.settings.slice_spacing_mm,
        "--report-patient-data": orders.settings.report_patient_data or None,
        "--dicom-out": orders.settings.dicom_out,
    }


def _check_same(before: Mapping[str, Any], now: Mapping[str, Any], out: Path) -> None:
    for key, value in now.items():
        if before.get(key) != value:
            raise UsageError(
                f"{out} holds a batch with {key} {before.get(key)}, and this one has {value}; expected the same, so that one "
                "table holds like results; choose another output folder"
            )


def _cohort_notes(out: Path) -> tuple[str, ...]:
    """Write the page about all cases; what is said where it is left out."""
    try:
        from CardiacMTLLib.report.cohort import write_cohort_index  # noqa: PLC0415 - it needs packages of the extra `report`

        write_cohort_index(out)
    except (MissingPackageError, ImportError) as error:
        return (f"the page about all cases is left out: {error}",)
    return ()
