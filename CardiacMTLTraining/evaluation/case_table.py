"""`cases.csv`: one row a patient, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from CardiacMTLLib.labels import STRUCTURE_PHASES, Group
from CardiacMTLTraining.evaluation.case_figures import COMPARED, CaseFigures, Figures

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def case_table(figures: Sequence[CaseFigures]) -> str:
    """The table as CSV text: numbers with four decimals, an empty cell where undefined.

    Columns: case; dice_, hausdorff_mm_, surface_distance_mm_ and predicted_dice_ for each structure and phase; measured_,
    expert_ and error_ for each measurement; group, most_likely, label, the five probabilities; reason and flags.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    masks, measurements = list(STRUCTURE_PHASES), list(COMPARED)
    writer.writerow(
        [
            "case",
            *(f"{kind}_{key}" for kind in ("dice", "hausdorff_mm", "surface_distance_mm", "predicted_dice") for key in masks),
            *(f"{kind}_{key}" for kind in ("measured", "expert", "error") for key in measurements),
            *("group", "most_likely", "label", *Group, "reason", "flags"),
        ]
    )
    for case in figures:
        estimates: Figures = case.predicted_dice or {}
        values = [some.get(k) for some in (case.dice, case.hausdorff_mm, case.surface_distance_mm, estimates) for k in masks]
        values += [some[key] for some in (case.measured, case.expert, case.errors) for key in measurements]
        chances: Sequence[float | None] = case.probabilities or [None] * len(Group)
        writer.writerow(
            [
                safe_cell(case.name),
                *map(_number, values),
                *(group or "" for group in (case.group, case.most_likely, case.label)),
                *map(_number, chances),
                safe_cell(case.reason or ""),
                safe_cell(" ".join(case.flags)),
            ]
        )
    return stream.getvalue()


def safe_cell(text: str) -> str:
    """`text` with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
