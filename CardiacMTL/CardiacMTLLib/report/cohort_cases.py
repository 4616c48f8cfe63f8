"""`read_cohort`: the cases of a batch's output folder, as its index shows them."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.report.csv_cells import safe_cell
from CardiacMTLLib.report.path_scrub import without_folders

RESULTS_FILE, FAILURES_FILE, RECORD_FILE, REPORT_FILE = "results.csv", "failures.csv", "result.json", "report.html"
"""What a batch writes, in its folder and in that of each case."""

SHOWN: Mapping[str, tuple[str, str]] = {
    "lv_edv_ml": ("LV EDV", "mL"),
    "lv_esv_ml": ("LV ESV", "mL"),
    "lv_ef_percent": ("LV EF", "%"),
    "lv_mass_g": ("LV mass", "g"),
    "rv_edv_ml": ("RV EDV", "mL"),
    "rv_esv_ml": ("RV ESV", "mL"),
    "rv_ef_percent": ("RV EF", "%"),
    "lv_wall_thickness_max_ed_mm": ("LV wall, max.", "mm"),
}
"""The measurements of the index by their names in the result record: title and unit."""

NO_LABEL, UNDEFINED, UNREADABLE = "no label", "undefined", "unreadable"


@dataclass(frozen=True, slots=True)
class Flag:
    """A quality flag: its code, and what was found."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """A case that was analysed; `link` leads to its report, None where it has none; `outside` names measurements."""

    LABELS: ClassVar[tuple[str, ...]] = (*(group.value for group in Group), NO_LABEL, UNDEFINED, UNREADABLE)

    name: str
    link: str | None
    label: str
    probability: float | None = None
    reason: str | None = None
    values: Mapping[str, float | None] = field(default_factory=dict)
    outside: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()

    @property
    def needs_look(self) -> bool:
        """Whether a reader should look at it before the others."""
        return bool(self.flags) or self.label in (NO_LABEL, UNDEFINED, UNREADABLE)


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that could not be analysed, and why."""

    name: str
    error: str


@dataclass(frozen=True, slots=True)
class Cohort:
    """All cases of a batch in the order of its tables; `models` are those that gave the results, the most frequent first."""

    cases: tuple[Case, ...]
    failures: tuple[Failure, ...]
    models: tuple[str, ...]


def read_cohort(out: Path) -> Cohort:
    """The cohort in the output folder of a batch. A case whose record cannot be read is there, and says so.

    The errors of failed cases come without the folders that they name. Raises `InputError` without a readable results.csv.
    """
    results = out / RESULTS_FILE
    if not results.is_file():
        raise InputError(f"{out} holds no {RESULTS_FILE}; expected the output folder of a batch; check the name")
    models: Counter[str] = Counter()
    cases = tuple(_case(out, row.get("case") or "", models) for row in _rows(results))
    failures = tuple(
        Failure(_unquoted(row.get("case") or ""), without_folders(_unquoted(row.get("error") or "")))
        for row in (_rows(out / FAILURES_FILE) if (out / FAILURES_FILE).is_file() else ())
    )
    return Cohort(cases, failures, tuple(name for name, _ in models.most_common()))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as opened:
            yield from csv.DictReader(opened)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read ({error}); expected the table of a batch; run the batch again") from error


def _case(out: Path, cell: str, models: Counter[str]) -> Case:
    name = _unquoted(cell)
    folder = out / name
    if Path(name).name != name or name in ("", ".", ".."):
        return Case(name, None, UNREADABLE, reason="the name of the case is no name of a folder")
    link = f"./{quote(name, safe='')}/{REPORT_FILE}" if (folder / REPORT_FILE).is_file() else None
    try:
        case, model = _of_record(name, link, json.loads((folder / RECORD_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Case(name, link, UNREADABLE, reason=f"{RECORD_FILE} is missing or damaged")
    models[model] += 1
    return case


def _of_record(name: str, link: str | None, record: Mapping[str, Any]) -> tuple[Case, str]:
    diagnosis, measured, model = record["diagnosis"], record["measurements"], record["model"]
    shares, label = diagnosis["probabilities"], diagnosis["label"]
    if label is not None:
        label = Group(label).value
    shown = {key: measured[key] for key in SHOWN if key in measured}
    case = Case(
        name,
        link,
        label or (UNDEFINED if shares is None else NO_LABEL),
        None if label is None else float(shares[label]),
        None if diagnosis["reason"] is None else str(diagnosis["reason"]),
        {key: _number(entry["value"]) for key, entry in shown.items()},
        {key: str(entry["outside"]) for key, entry in shown.items() if entry["outside"]},
        tuple(Flag(str(flag["code"]), str(flag["text"])) for flag in record["quality"]["flags"]),
    )
    return case, f"{model['name']} {model['version']} (SHA-256 {model['sha256']})"


def _number(value: object) -> float | None:
    number = None if value is None else float(str(value))
    return number if number is not None and math.isfinite(number) else None


def _unquoted(cell: str) -> str:
    """The text that `safe_cell` made a cell of: it quotes only what would be taken for a formula."""
    return cell[1:] if cell.startswith("'") and safe_cell(cell[1:]) == cell else cell
