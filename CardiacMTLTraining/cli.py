"""`cardiacmtl-train`: prepare, train, evaluate, export."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from CardiacMTLLib.errors import CardiacMTLError, InputError, MissingPackageError

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

    done, failed = prepare(options.data, options.out)
    sys.stdout.write(f"{len(done)} patients cached in {options.out}, {len(failed)} left out\n")
    for name, reason in failed.items():
        sys.stdout.write(f"  {name}: {reason}\n")


def _train(options: argparse.Namespace) -> None:
    from CardiacMTLTraining.configuration import TrainingConfiguration
    from CardiacMTLTraining.folds import HoldOut
    from CardiacMTLTraining.train import train

    config = TrainingConfiguration.load(options.config) if options.config else TrainingConfiguration()
    hold_out = HoldOut.parse(options.hold_out) if options.hold_out else None
    train(options.cache, options.data, options.out, config, hold_out, accelerator=options.accelerator)
    sys.stdout.write(f"run finished: {options.out}\nnext: cardiacmtl-train export --run {options.out} --out MODELS/NAME\n")


def _evaluate(options: argparse.Namespace) -> None:
    from CardiacMTLLib.network.store import ModelEntry
    from CardiacMTLLib.network.weights import load_entry, load_model
    from CardiacMTLTraining.evaluate import evaluate, format_summary, summarise, write_figures
    from CardiacMTLTraining.folds import HoldOut

    folder = Path(options.model)
    model = load_entry(ModelEntry(folder.name, folder)) if folder.is_dir() else load_model(options.model)
    rule = HoldOut.parse(options.only) if options.only else None
    figures, failed = evaluate(options.data, model, lambda name: rule is None or rule.keeps_out(name))
    if not figures:
        raise CardiacMTLError(f"none of {len(failed)} patients could be evaluated; see the messages above")
    model_said = {"model": model.manifest.name, "weights": model.manifest.weights_sha256}
    summary = summarise(figures) | {"failed": failed, "only": str(rule or "")} | model_said
    write_figures(figures, summary, options.out)
    sys.stdout.write(format_summary(summary) + f"\nwritten: {options.out}\n")


def _export(options: argparse.Namespace) -> None:
    from CardiacMTLTraining.export import export

    manifest = export(options.run_folder, options.out, options.figures)
    sys.stdout.write(f"model {manifest.name} written to {options.out}, SHA-256 {manifest.weights_sha256}\n")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{PROGRAM}: error: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description="Train and evaluate CardiacMTL's networks.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    prepare = commands.add_parser("prepare", help="turn a folder of ACDC-form patients into a training cache")
    prepare.add_argument("--data", type=Path, required=True, help="folder with one folder a patient")
    prepare.add_argument("--out", type=Path, required=True, help="cache folder")
    prepare.set_defaults(run=_prepare)
    train = commands.add_parser("train", help="train a network; goes on where an interrupted run stopped")
    train.add_argument("--cache", type=Path, required=True, help="cache folder of `prepare`")
    train.add_argument("--data", type=Path, required=True, help="the folder the cache was made from")
    train.add_argument("--out", type=Path, required=True, help="run folder for checkpoints and the result")
    train.add_argument("--config", type=Path, help="JSON file of choices that differ from the defaults")
    train.add_argument("--hold-out", metavar="R/D", help="keep out patients whose number leaves R when divided by D")
    train.add_argument("--accelerator", choices=("cpu", "cuda", "mps"), default="cpu")
    train.set_defaults(run=_train)
    evaluate = commands.add_parser("evaluate", help="measure a model against expert masks and groups")
    evaluate.add_argument("--data", type=Path, required=True, help="folder with one folder a patient")
    evaluate.add_argument("--model", required=True, help="name of an installed model, or a model folder")
    evaluate.add_argument("--only", metavar="R/D", help="only patients whose number leaves R when divided by D")
    evaluate.add_argument("--out", type=Path, required=True, help="folder for summary.json and cases.csv")
    evaluate.set_defaults(run=_evaluate)
    export = commands.add_parser("export", help="write a finished run as a model folder")
    export.add_argument("--run", dest="run_folder", type=Path, required=True, help="run folder of `train`")
    export.add_argument("--out", type=Path, required=True, help="model folder; its name is the model's")
    export.add_argument("--figures", type=Path, help="summary.json of `evaluate`, for manifest and card")
    export.set_defaults(run=_export)
    return parser
