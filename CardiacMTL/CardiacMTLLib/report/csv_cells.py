"""`safe_cell` and `csv_text`: tables that a spreadsheet shows as they are, and never runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

_WIDE = tuple("\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}")
"""The East Asian forms of the same signs."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", *_WIDE)
"""A text that begins so may be taken for a formula (OWASP, "CSV Injection")."""


def safe_cell(value: object) -> object:
    """`value` for a cell: a text that a spreadsheet may take for a formula gets a quote before it; all else stays."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA_STARTS) else value


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A table with a line of titles; what a row lacks, and None, is empty. Raises `ValueError` for a key that is no column."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns, restval="")
    writer.writerow({name: safe_cell(name) for name in columns})
    writer.writerows({name: safe_cell(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()
