"""`cardiacmtl-train agreement`: its options, and what it does with them."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_command(commands: _SubParsersAction[Any]) -> None:
    """Add `agreement` to the commands of `cardiacmtl-train`."""
    parser = commands.add_parser(
        "agreement", help="compare every measurement of the masks of a `crossval` with that of the experts' masks"
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder that the cross-validation measured, in ACDC form")
    parser.add_argument("--crossval", type=Path, required=True, help="folder of a finished `crossval`")
    parser.add_argument("--out", type=Path, required=True, help="Markdown file for the tables, such as docs/measurements.md")
    parser.set_defaults(run=run_command)


def run_command(options: argparse.Namespace) -> None:
    """Measure both masks of every patient and write the page."""
    # A command imports what it needs when it runs.
    from CardiacMTLTraining.calibrate import Rows  # noqa: PLC0415
    from CardiacMTLTraining.configuration import TrainingConfiguration  # noqa: PLC0415
    from CardiacMTLTraining.crossval import fold_folder  # noqa: PLC0415
    from CardiacMTLTraining.evaluation.checksum import checksum_of_all  # noqa: PLC0415
    from CardiacMTLTraining.measurements.measured import measured_pairs  # noqa: PLC0415
    from CardiacMTLTraining.measurements.page import PageOrigin, markdown_page  # noqa: PLC0415
    from CardiacMTLTraining.measurements.summary import summarise_measurements  # noqa: PLC0415
    from CardiacMTLTraining.provenance import commit  # noqa: PLC0415
    from CardiacMTLTraining.train import CONFIGURATION_NAME, RunRecord  # noqa: PLC0415

    folds = {row.name: row.fold for row in Rows.load(options.crossval).patients}
    pairs = measured_pairs(options.data, options.crossval, folds)
    runs = [fold_folder(options.crossval, fold) for fold in sorted(set(folds.values()))]
    config = TrainingConfiguration.load(runs[0] / CONFIGURATION_NAME)
    origin = PageOrigin(
        command="cardiacmtl-train agreement --data ACDC --crossval CV --out PAGE",
        date=datetime.now(UTC).date().isoformat(),
        commit=commit(),
        network_commits=", ".join(sorted({RunRecord.load(run).commit for run in runs})),
        seed=config.seed,
        split_seed=config.split_seed,
        n_folds=config.n_folds,
        n_patients=len(pairs),
        data_sha256=checksum_of_all({pair.name: pair.source_sha256 for pair in pairs}),
    )
    summary = summarise_measurements(pairs, config.seed)
    temporary = options.out.with_name(f".{options.out.name}.part")
    temporary.write_text(markdown_page(summary, origin), encoding="utf-8")
    temporary.replace(options.out)
    for line in summary.pooled:
        error = line.error
        sys.stdout.write(f"segments, {line.title}: n {error.n}, bias {error.bias:+.2f} {line.unit}, r {error.pearson:.3f}\n")
    sys.stdout.write(f"written: {options.out}\n")
