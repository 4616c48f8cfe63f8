"""`cardiacmtl-train stress`: its options, and what it does with them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CardiacMTLLib import __version__
from CardiacMTLLib.errors import UsageError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from CardiacMTLTraining.stress.summary import ChangeSummary

SUMMARY_NAME, PAGE_NAME = "stress.json", "stress.md"
SCHEMA_VERSION = 1


def add_command(commands: _SubParsersAction[Any]) -> None:
    """Add `stress` to the commands of `cardiacmtl-train`."""
    parser = commands.add_parser(
        "stress", help="measure the networks of a `crossval` on images changed as other scanners might"
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder that the cross-validation measured, in ACDC form")
    parser.add_argument("--crossval", type=Path, required=True, help="folder of a finished `crossval`; results go there")
    parser.add_argument("--only", metavar="CHANGE,CHANGE", help="only these changes, such as noise,turn_90 (all)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes side by side, a thread each (%(default)s)")
    parser.set_defaults(run=run_command)


def run_command(options: argparse.Namespace) -> None:
    """Make the missing changes, then write the figures of all changes that were made of every patient."""
    if options.jobs < 1:
        raise UsageError(f"--jobs is {options.jobs}; expected at least 1; raise it")
    # A command imports what it needs when it runs.
    from CardiacMTLTraining.stress.changes import chosen_changes  # noqa: PLC0415
    from CardiacMTLTraining.stress.page import markdown_page, terminal_table  # noqa: PLC0415
    from CardiacMTLTraining.stress.run import run_stress  # noqa: PLC0415
    from CardiacMTLTraining.stress.summary import summarise_stress  # noqa: PLC0415

    records = run_stress(options.data, options.crossval, chosen_changes(options.only), options.jobs)
    summaries = summarise_stress(records)
    _write(options.crossval / SUMMARY_NAME, json.dumps(_values(summaries, len(records)), indent=1, allow_nan=False) + "\n")
    _write(options.crossval / PAGE_NAME, markdown_page(summaries))
    sys.stdout.write(f"{terminal_table(summaries)}\nwritten: {options.crossval / SUMMARY_NAME}\n")


def _values(summaries: Sequence[ChangeSummary], n_patients: int) -> dict[str, Any]:
    from CardiacMTLTraining.stress.changes import CHANGES  # noqa: PLC0415

    return {
        "schema_version": SCHEMA_VERSION,
        "software_version": __version__,
        "n_patients": n_patients,
        "all_met": len(summaries) == len(CHANGES) and all(summary.is_met for summary in summaries),
        "changes": {summary.name: summary.to_json() for summary in summaries},
    }


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
