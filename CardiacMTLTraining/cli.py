"""`cardiacmtl-train`: prepare, train, crossval, evaluate, agreement, reproduce, stress, export."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from CardiacMTLLib.errors import CardiacMTLError, InputError, MissingPackageError, UsageError
from CardiacMTLTraining.measurements.command import add_command as add_agreement
from CardiacMTLTraining.reproduction.command import add_command as add_reproduce
from CardiacMTLTraining.stress.command import add_command as add_stress

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from CardiacMTLTraining.cache import CachedCase
    from CardiacMTLTraining.configuration import TrainingConfiguration

PROGRAM = "cardiacmtl-train"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 2 bad input or usage, 130 interrupted."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
    except ModuleNotFoundError as error:
        package = MissingPackageError(f"{error.name} is not installed; training needs it; install `cardiacmtl[train]`")
        return _fail(package)
    except CardiacMTLError as error:
        return _fail(error)
    except OSError as error:
        where = error.filename or "a file"
        return _fail(InputError(f"{where} cannot be used ({error.strerror}); expected a path that can; choose another"))
    except KeyboardInterrupt:
        sys.stderr.write(f"{PROGRAM}: interrupted; give the same command again to go on\n")
        return 130
    return 0


def _fail(error: CardiacMTLError) -> int:
    sys.stderr.write(f"{PROGRAM}: error: {error}\n")
    return 2


def _prepare(options: argparse.Namespace) -> None:
    from CardiacMTLTraining.prepare import prepare
    from CardiacMTLTraining.sources.layouts import Layout

    layout = None if options.layout == "auto" else Layout(options.layout)
    done, failed = prepare(options.data, options.out, layout)
    sys.stdout.write(f"{len(done)} patients cached in {options.out}, {len(failed)} left out\n")
    for name, reason in failed.items():
        sys.stdout.write(f"  {name}: {reason}\n")


def _train(options: argparse.Namespace) -> None:
    from CardiacMTLTraining.train import train

    cases, rule = _kept_cases(options)
    fabric = _fabric(options)
    train(fabric, cases, options.out, _configuration(options), rule)
    if fabric.is_global_zero:
        sys.stdout.write(f"run finished: {options.out}\n")
        sys.stdout.write(f"next: cardiacmtl-train export --run {options.out} --crossval DIR --out MODELS/NAME\n")


def _crossval(options: argparse.Namespace) -> None:
    from CardiacMTLTraining.crossval import train_folds

    (cases, rule), config = _kept_cases(options), _configuration(options)
    only = _fold_numbers(options.folds, config.n_folds) if options.folds else ()
    fabric = _fabric(options)
    folds = train_folds(fabric, cases, options.out, config, only)
    if not fabric.is_global_zero:
        return
    if only:
        sys.stdout.write(f"trained: fold {options.folds}; give the command without --folds when all are trained\n")
        return
    from CardiacMTLTraining.crossval_report import report_out_of_fold

    text = report_out_of_fold(options.data, options.out, folds, config, rule)
    sys.stdout.write(f"{text}\nwritten: {options.out}\n")


def _kept_cases(options: argparse.Namespace) -> tuple[list[CachedCase], str]:
    """The cached cases that the hold-out rule leaves, and the rule as text, empty for none."""
    from CardiacMTLTraining.cache import load_cases
    from CardiacMTLTraining.folds import HoldOut

    rule = HoldOut.parse(options.hold_out) if options.hold_out else None
    return [case for case in load_cases(options.cache) if rule is None or not rule.keeps_out(case.name)], str(rule or "")


def _configuration(options: argparse.Namespace) -> TrainingConfiguration:
    from CardiacMTLTraining.configuration import TrainingConfiguration

    return TrainingConfiguration.load(options.config) if options.config else TrainingConfiguration()


def _fabric(options: argparse.Namespace) -> Fabric:
    from CardiacMTLTraining.devices import open_fabric

    curves = options.out / "curves"
    return open_fabric(curves, accelerator=options.accelerator, devices=options.devices, precision=options.precision)


def _fold_numbers(text: str, n_folds: int) -> tuple[int, ...]:
    numbers = [int(part) if part.strip().isdecimal() else -1 for part in text.split(",")]
    if not all(0 <= number < n_folds for number in numbers):
        raise UsageError(f"--folds is {text!r}; expected numbers from 0 to {n_folds - 1}, such as 0,1; correct it")
    return tuple(numbers)


def _evaluate(options: argparse.Namespace) -> None:
    from CardiacMTLTraining.evaluation.command import evaluate_model
    from CardiacMTLTraining.evaluation.origin import Kind
    from CardiacMTLTraining.folds import HoldOut

    rule = HoldOut.parse(options.only) if options.only else None
    text = evaluate_model(options.data, options.model, options.out, rule, Kind.of_option(options.kind))
    sys.stdout.write(f"{text}\nwritten: {options.out}\n")


def _export(options: argparse.Namespace) -> None:
    from CardiacMTLTraining.export import export

    manifest = export(options.run_folder, options.crossval, options.out, options.figures)
    sys.stdout.write(f"model {manifest.name} written to {options.out}, SHA-256 {manifest.weights_sha256}\n")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{PROGRAM}: error: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description="Train and evaluate CardiacMTL's networks.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    prepare = commands.add_parser("prepare", help="turn a folder of patients with expert masks into a training cache")
    prepare.add_argument("--data", type=Path, required=True, help="folder of the patients; see docs/training-data.md")
    prepare.add_argument("--out", type=Path, required=True, help="cache folder")
    prepare.add_argument(
        "--layout", choices=("auto", "acdc", "mnms", "generic"), default="auto", help="how the folder is laid out (auto)"
    )
    prepare.set_defaults(run=_prepare)
    train = commands.add_parser("train", help="train a network; goes on where an interrupted run stopped")
    _add_training_options(train)
    train.set_defaults(run=_train)
    crossval = commands.add_parser("crossval", help="train a network a fold, and measure each on the patients it has not seen")
    _add_training_options(crossval)
    crossval.add_argument("--data", type=Path, required=True, help="the folder the cache was made from, in ACDC form")
    crossval.add_argument("--folds", metavar="N,N", help="only train these folds (from 0), for folds side by side")
    crossval.set_defaults(run=_crossval)
    evaluate = commands.add_parser("evaluate", help="measure a model against expert masks and groups")
    evaluate.add_argument("--data", type=Path, required=True, help="folder with one folder a patient")
    evaluate.add_argument("--model", required=True, help="name of an installed model, or a model folder")
    evaluate.add_argument("--only", metavar="R/D", help="only patients whose number leaves R when divided by D")
    evaluate.add_argument("--out", type=Path, required=True, help="folder for summary.json, cases.csv and evaluation.html")
    evaluate.add_argument(
        "--kind",
        choices=("held-out", "out-of-fold", "in-sample", "not-stated"),
        default="not-stated",
        help="what the model knew of these patients; the page says it",
    )
    evaluate.set_defaults(run=_evaluate)
    add_agreement(commands)
    add_reproduce(commands)
    add_stress(commands)
    export = commands.add_parser("export", help="write a finished run as a model folder")
    export.add_argument(
        "--crossval", type=Path, required=True, help="folder of a finished `crossval`, for heads and thresholds"
    )
    export.add_argument("--run", dest="run_folder", type=Path, required=True, help="run folder of `train`")
    export.add_argument("--out", type=Path, required=True, help="model folder; its name is the model's")
    export.add_argument("--figures", type=Path, help="summary.json of `evaluate`, for manifest and card")
    export.set_defaults(run=_export)
    return parser


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cache", type=Path, required=True, help="cache folder of `prepare`")
    parser.add_argument("--out", type=Path, required=True, help="run folder for checkpoints, curves and results")
    parser.add_argument("--hold-out", metavar="R/D", help="keep out patients whose number leaves R when divided by D")
    parser.add_argument("--config", type=Path, help="JSON file of choices that differ from the defaults")
    parser.add_argument("--accelerator", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument(
        "--devices", type=int, default=1, metavar="N", help="devices, or processes on a CPU, that share each step"
    )
    parser.add_argument(
        "--precision", choices=("auto", "32-true", "bf16-mixed"), default="auto", help="auto: bfloat16 where it is faster"
    )
