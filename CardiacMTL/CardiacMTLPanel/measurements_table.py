"""The measurements of a result record in the panel's table: value, unit, reference range, and the original beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import qt
from slicer.i18n import tr as _

from CardiacMTLLib.report.wording import measurement_title, number_text
from CardiacMTLPanel.result_texts import Record, ranges

_SIGNS = {"above": "\u25b2", "below": "\u25bc"}
"""Beside a value outside its reference range: a sign, so that colour is not needed."""


_SHORT = {
    "end-diastolic volume": "EDV",
    "end-systolic volume": "ESV",
    "stroke volume": "SV",
    "ejection fraction": "EF",
    ", indexed": " index",
}
"""What readers abbreviate, so that the names fit beside their values; the whole name is shown when the mouse rests on it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `note` is shown when the mouse rests on it."""

    cells: tuple[str, ...]
    note: str


def measurement_rows(record: Record, original: Record | None = None) -> list[Row]:
    """A row for each measurement of `record`; `original` adds a column with what stood there before a correction."""
    return [_row(name, record, original) for name in record["measurements"]]


def fill_measurements_table(table: Any, record: Record | None, original: Record | None = None) -> None:
    """Show `record` in a QTableWidget, or empty it."""
    titles = [_("Measurement"), _("Value"), _("Unit"), _("Reference")]
    if original is not None:
        titles.insert(2, _("Original"))
    rows = [] if record is None else measurement_rows(record, original)
    table.clearContents()
    table.setColumnCount(len(titles))
    table.setHorizontalHeaderLabels(titles)
    table.setRowCount(len(rows))
    for number, row in enumerate(rows):
        for column, text in enumerate(row.cells):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(row.note)
            table.setItem(number, column, item)
    header = table.horizontalHeader()
    for column in range(len(titles)):
        header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents if column else qt.QHeaderView.Stretch)


def _row(name: str, record: Record, original: Record | None) -> Row:
    entry = record["measurements"][name]
    value, unit = entry["value"], entry["unit"]
    sign = _SIGNS.get(entry["outside"], "")
    shown = _("undefined") if value is None else f"{number_text(value, unit)} {sign}".strip()
    title = short = measurement_title(name)
    for words, letters in _SHORT.items():
        short = short.replace(words, letters)
    cells = [short, shown, unit, _limits(entry["reference"])]
    if original is not None:
        before = original["measurements"].get(name, {"value": None})["value"]
        cells.insert(2, _("undefined") if before is None else number_text(before, unit))
    note = entry["reason"] or ""
    if sign:
        note = {"above": _("above the reference range"), "below": _("below the reference range")}[entry["outside"]]
    sources = {range_["source"] for range_ in entry["reference"]}
    cited = [record["reference_sources"][key]["citation"] for key in sorted(sources)]
    return Row(tuple(cells), "\n".join(text for text in (title, note, *cited) if text))


def _limits(entries: Sequence[Record]) -> str:
    """Reference ranges; without the sex where it is that of the patient."""
    return f"{entries[0]['low']}\u2013{entries[0]['high']}" if len(entries) == 1 else ranges(entries)
