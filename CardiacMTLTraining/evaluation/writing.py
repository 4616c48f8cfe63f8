"""`write_evaluation`: summary.json, cases.csv, cases.json and evaluation.html, all or none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.report.publish import published
from CardiacMTLTraining.evaluation.case_figures import CaseFigures
from CardiacMTLTraining.evaluation.case_table import case_table
from CardiacMTLTraining.evaluation.origin import Origin
from CardiacMTLTraining.evaluation.summary import Summary
from CardiacMTLTraining.evaluation.worst import WorstPicture

SUMMARY_NAME, TABLE_NAME, CASES_NAME, PAGE_NAME = "summary.json", "cases.csv", "cases.json", "evaluation.html"


def write_evaluation(
    figures: Sequence[CaseFigures], summary: Summary, origin: Origin, out: Path, worst: Sequence[WorstPicture] = ()
) -> None:
    """Write the four files into the folder `out`; what an earlier evaluation left there is replaced when all are ready.

    Raises `OutputError` where `out` cannot be written. Needs matplotlib and Jinja2.
    """
    from CardiacMTLTraining.evaluation.page import draw_plots, render_page  # noqa: PLC0415 - matplotlib is slow to import

    page = render_page(figures, summary, origin, draw_plots(figures, summary), worst)
    texts = {
        SUMMARY_NAME: _json(summary.to_json(origin)),
        TABLE_NAME: case_table(figures),
        CASES_NAME: _json([case.to_json() for case in figures]),
        PAGE_NAME: page,
    }
    with published(out, tuple(texts)) as folder:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")


def read_cases(path: Path) -> list[CaseFigures]:
    """The figures of a `cases.json`, without loss; raises `InputError` where it is none."""
    try:
        return [CaseFigures.from_json(values) for values in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} cannot be read ({error}); expected cases.json of `cardiacmtl-train evaluate`") from error


def _json(values: object) -> str:
    return json.dumps(values, indent=1, allow_nan=False) + "\n"
