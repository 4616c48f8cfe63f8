"""`cardiacmtl-train reproduce`: its options, and what it does with them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CardiacMTLLib.errors import UsageError

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_command(commands: _SubParsersAction[Any]) -> None:
    """Add `reproduce` to the commands of `cardiacmtl-train`."""
    parser = commands.add_parser(
        "reproduce", help="train the paper's network with and without the loss of the masks, and compare"
    )
    parser.add_argument("--cache", type=Path, help="cache folder of `prepare`; left out, only finished records are analysed")
    parser.add_argument(
        "--records",
        type=Path,
        default=Path("docs/reproduction/records"),
        help="folder of one record a finished run; only missing runs are trained (%(default)s)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("docs"), help="folder for reproduction.md and its figure (%(default)s)"
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 1 to N, each with all folds (%(default)s)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="runs side by side, one thread each (%(default)s)")
    parser.add_argument("--config", type=Path, help="JSON file of choices that differ from the defaults")
    parser.add_argument("--accelerator", choices=("cpu", "cuda", "mps"), default="cpu")
    parser.set_defaults(run=run_command)


def run_command(options: argparse.Namespace) -> None:
    """Train the missing runs where there is a cache, then analyse all complete seeds and write the page."""
    for name in ("seeds", "jobs"):
        if getattr(options, name) < 1:
            raise UsageError(f"--{name} is {getattr(options, name)}; expected at least 1; raise it")
    # A command imports what it needs when it runs.
    from CardiacMTLTraining.reproduction.configuration import ReproductionConfiguration  # noqa: PLC0415
    from CardiacMTLTraining.reproduction.page import write_page  # noqa: PLC0415
    from CardiacMTLTraining.reproduction.record import check_records, load_records  # noqa: PLC0415

    configuration = ReproductionConfiguration.load(options.config) if options.config else None
    if options.cache:
        from CardiacMTLTraining.reproduction.schedule import Experiment, run_missing  # noqa: PLC0415

        experiment = Experiment(
            options.cache, options.records, configuration or ReproductionConfiguration(), options.accelerator
        )
        trained = run_missing(experiment, range(1, options.seeds + 1), options.jobs)
        sys.stdout.write(f"{len(trained)} runs trained, records in {options.records}\n")
    records = load_records(options.records)
    if records:
        check_records(records, configuration or records[0].configuration, records[0].data_sha256)
    path = write_page(records, options.out)
    sys.stdout.write(f"written: {path}\n")
