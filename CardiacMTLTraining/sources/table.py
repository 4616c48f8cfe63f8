"""A CSV file as rows by column name, with every way in which it can be broken named."""

from __future__ import annotations

import csv
from pathlib import Path

from CardiacMTLLib.errors import InputError

Row = dict[str, str]
"""Cells without surrounding blanks, by column; an empty cell is an empty string."""


def read_table(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """Column names and non-empty rows of a comma-separated UTF-8 file with a header.

    Raises `InputError` for a file that cannot be read, a column named twice and a row with more cells than columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.reader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read ({error}); expected a comma-separated table in UTF-8; save it anew") from error
    columns = tuple(cell.strip() for cell in lines[0]) if lines else ()
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise InputError(f"{path} has more than one column {twice[0]!r}; expected each once; rename or remove one")
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) > len(columns):
            raise InputError(
                f"row {number} of {path} has {len(cells)} cells; expected {len(columns)}, one a column; quote cells with commas"
            )
        values = [cell.strip() for cell in cells] + [""] * (len(columns) - len(cells))
        if any(values):
            rows.append(dict(zip(columns, values, strict=True)))
    return columns, rows


def row_text(row: Row) -> str:
    """A row as one text, the same for the same cells in any order of columns."""
    return "\n".join(f"{column}={row[column]}" for column in sorted(row) if row[column])
