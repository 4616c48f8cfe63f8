"""results.csv and failures.csv: always whole, in the order of the cases, and no more than what folders and failures say."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from CardiacMTLLib.batch.state import write_whole
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Group
from CardiacMTLLib.measure.curve import measure_rates
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.measure.segments import undefined_segments
from CardiacMTLLib.measure.wall_table import wall_measurements
from CardiacMTLLib.report.csv_cells import safe_cell
from CardiacMTLLib.report.record import Record
from CardiacMTLLib.volume import Patient

RESULTS_FILE, FAILURES_FILE = "results.csv", "failures.csv"

_REST = 20
"""A table is written again after so many times the time that writing takes: at most a twentieth of all time goes into it."""

_NOWHERE = Geometry((1, 1, 1), (1.0, 1.0, 1.0))

_MEASUREMENTS = (
    *measure_function({}, _NOWHERE, Patient()),
    *measure_rates(None, {}),
    *wall_measurements(undefined_segments("", _NOWHERE)),
)
"""All that is measured, by the code that measures it: a record lacks the rates where it has no cycle."""

RESULTS_COLUMNS = ("case", "label", "reason", *(f"probability_{group}" for group in Group), *_MEASUREMENTS, "flags")
"""Columns of results.csv, the same whatever the cases hold."""

FAILURES_COLUMNS = ("case", "error")


class Table:
    """One table with a row for some of the cases `order`; it keeps the text of each row, some hundred bytes, and no record."""

    def __init__(
        self, path: Path, order: Sequence[str], columns: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path, self._order, self._columns, self._clock = path, order, columns, clock
        self._rows: dict[str, str] = {}
        self._due = clock()
        self._stale = True

    def put(self, case: str, row: Mapping[str, object]) -> None:
        """Set the row of a case, whose name stands in the column `case`; what it lacks, and None, is empty."""
        named = {"case": case, **row}
        self._rows[case] = _line(safe_cell(named.get(name)) for name in self._columns)
        self._stale = True

    def write(self, *, now: bool = False) -> None:
        """Write the table as it stands, where it has changed and it is time, or `now`. Raises `OutputError`."""
        started = self._clock()
        if not self._stale or (started < self._due and not now):
            return
        text = _line(self._columns) + "".join(self._rows[case] for case in self._order if case in self._rows)
        # A name of bytes that are no text is shown by their codes.
        write_whole(self._path, text.encode("utf-8", errors="backslashreplace"))
        ended = self._clock()
        self._due, self._stale = ended + _REST * (ended - started), False


def row_of(record: Record) -> dict[str, object]:
    """The row of a result record by `RESULTS_COLUMNS`: measurements by their names, the codes of the flags."""
    diagnosis = record["diagnosis"]
    shares = diagnosis["probabilities"] or {}
    return (
        {"label": diagnosis["label"], "reason": diagnosis["reason"]}
        | {f"probability_{group}": share for group, share in shares.items()}
        | {name: entry["value"] for name, entry in record["measurements"].items()}
        | {"flags": " ".join(flag["code"] for flag in record["quality"]["flags"])}
    )


def _line(cells: Iterable[object]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow(list(cells))
    return stream.getvalue()
