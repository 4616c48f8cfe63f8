"""results.csv and failures.csv: always whole, in the order of the cases, and no more than what folders and failures say."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from CardiacMTLLib.batch.state import write_whole
from CardiacMTLLib.report.csv_cells import safe_cell
from CardiacMTLLib.report.record import Record

RESULTS_FILE, FAILURES_FILE = "results.csv", "failures.csv"

_REST = 20
"""A table is written again after so many times the time that writing takes: at most a twentieth of all time goes into it."""

Columns = tuple[str, ...]


class Table:
    """One table with a row for some of the cases `order`; it keeps the text of each row, some hundred bytes, and no record."""

    def __init__(self, path: Path, order: Sequence[str], least: Columns, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._order, self._least, self._clock = path, order, least, clock
        self._rows: dict[str, tuple[Columns, str]] = {}
        self._kinds: dict[Columns, Columns] = {}
        self._due = clock()
        self._stale = True

    def put(self, case: str, row: Mapping[str, object]) -> None:
        """Set the row of a case; its first column is `case`."""
        columns = ("case", *row)
        columns = self._kinds.setdefault(columns, columns)
        self._rows[case] = (columns, _line(safe_cell(value) for value in (case, *row.values())))
        self._stale = True

    def write(self, *, now: bool = False) -> None:
        """Write the table as it stands, where it has changed and it is time, or `now`. Raises `OutputError`."""
        started = self._clock()
        if not self._stale or (started < self._due and not now):
            return
        rows = [self._rows[case] for case in self._order if case in self._rows]
        kinds = dict.fromkeys(columns for columns, _ in rows)
        names = tuple(dict.fromkeys([*self._least, *(name for columns in kinds for name in columns)]))
        text = _line(map(safe_cell, names)) + "".join(_fitted(columns, line, names) for columns, line in rows)
        # A name of bytes that are no text is shown by their codes.
        write_whole(self._path, text.encode("utf-8", errors="backslashreplace"))
        ended = self._clock()
        self._due, self._stale = ended + _REST * (ended - started), False


def row_of(record: Record) -> dict[str, object]:
    """The row of a result record: label, reason, probabilities, measurements by their names, and the codes of the flags."""
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


def _fitted(columns: Columns, line: str, names: Columns) -> str:
    """`line`, whose cells are those of `columns`, with the cells of `names`."""
    if columns == names:
        return line
    (cells,) = csv.reader(io.StringIO(line, newline=""))
    known = dict(zip(columns, cells, strict=True))
    return _line(known.get(name, "") for name in names)
