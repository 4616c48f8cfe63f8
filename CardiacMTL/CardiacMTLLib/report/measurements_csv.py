"""`measurements_csv`: the measurements of a result record as a table for spreadsheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from CardiacMTLLib.report.csv_cells import csv_text

COLUMNS = ("name", "value", "unit", "reference_range", "outside", "reason", "original_value")

_PEOPLE = {"M": "men", "F": "women"}


def measurements_csv(record: Mapping[str, Any]) -> str:
    """A row a measurement, in the order of the record; a value that is undefined is empty, and `reason` says why.

    `original_value` is the value before a correction by hand, and empty where nothing was corrected.
    """
    correction = record["correction"]
    before = {} if correction is None else correction["original"]["measurements"]
    rows = (
        {
            "name": name,
            "value": entry["value"],
            "unit": entry["unit"],
            "reference_range": _ranges(entry["reference"]),
            "outside": entry["outside"],
            "reason": entry["reason"],
            "original_value": before.get(name, {}).get("value"),
        }
        for name, entry in record["measurements"].items()
    )
    return csv_text(COLUMNS, rows)


def _ranges(entries: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(f"{_PEOPLE[entry['sex']]} {entry['low']} to {entry['high']}" for entry in entries)
