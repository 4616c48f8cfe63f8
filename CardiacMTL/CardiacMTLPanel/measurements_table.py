"""The measurements of a result record in the panel's table: value with unit, below it the original, and reference range."""

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

_CELL_PADDING_PX = 6


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `note` is shown when the mouse rests on it."""

    cells: tuple[str, ...]
    note: str


def measurement_rows(record: Record, original: Record | None = None) -> list[Row]:
    """A row for each measurement of `record`; below a value that differs from that of `original` stands what it was."""
    return [_row(name, record, original) for name in record["measurements"]]


def fill_measurements_table(table: Any, record: Record | None, original: Record | None = None) -> None:
    """Show `record` in a QTableWidget, or empty it."""
    titles = [_("Measurement"), _("Value"), _("Reference")]
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
    header, side = table.horizontalHeader(), table.verticalHeader()
    header.setDefaultAlignment(qt.Qt.AlignLeft | qt.Qt.AlignVCenter)
    for column in range(len(titles)):
        header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents if column else qt.QHeaderView.Stretch)
    side.setMinimumSectionSize(table.fontMetrics().height() + _CELL_PADDING_PX)
    side.setSectionResizeMode(qt.QHeaderView.ResizeToContents)


def _row(name: str, record: Record, original: Record | None) -> Row:
    entry = record["measurements"][name]
    value, unit = entry["value"], entry["unit"]
    sign = _SIGNS.get(entry["outside"], "")
    shown = " ".join(part for part in (_number(value, unit), "" if value is None else unit, sign) if part)
    title = short = measurement_title(name)
    for words, letters in _SHORT.items():
        short = short.replace(words, letters)
    before = value if original is None else original["measurements"].get(name, {"value": None})["value"]
    if _number(before, unit) != _number(value, unit):
        shown = "\n".join((shown, _("was {value}").format(value=_number(before, unit))))
    note, limits = entry["reason"] or "", ""
    if entry["reference"]:
        limits = _("reference range: {ranges} {unit}").format(ranges=ranges(entry["reference"]), unit=unit)
    if sign:
        note = {"above": _("above the reference range"), "below": _("below the reference range")}[entry["outside"]]
    sources = {range_["source"] for range_ in entry["reference"]}
    cited = [record["reference_sources"][key]["citation"] for key in sorted(sources)]
    cells = (short, shown, _limits(entry["reference"]))
    return Row(cells, "\n".join(text for text in (f"{title}: {shown}", note, limits, *cited) if text))


def _number(value: float | None, unit: str) -> str:
    return _("undefined") if value is None else number_text(value, unit)


def _limits(entries: Sequence[Record]) -> str:
    """Reference ranges, a line each with the sex as in the field above; without it where it is that of the patient."""
    texts = [f"{entry['low']}\u2013{entry['high']}" for entry in entries]
    if len(entries) == 1:
        return texts[0]
    return "\n".join(f"{entry['sex']} {text}" for entry, text in zip(entries, texts, strict=True))
