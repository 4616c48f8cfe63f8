"""`cardiacmtl`: the command line, and the one place where library and scene meet.

What is heavier than argparse is imported only when a command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from CardiacMTLLib import __version__
from CardiacMTLLib.errors import CardiacMTLError, MissingPackageError
from CardiacMTLLib.report.terminal import Terminal

if TYPE_CHECKING:
    from CardiacMTLLib.analysis import Analysis

PROGRAM = "cardiacmtl"

_NEEDED_PACKAGES = ("numpy", "SimpleITK", "pydicom", "safetensors", "torch")
_DEVICES = ("auto", "cpu", "cuda", "mps")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when it is done, 2 for bad input or usage, 130 when interrupted.

    Results go to standard output; progress (on a terminal only), warnings and the one line of an error to standard error.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    arguments = build_parser().parse_args(argv)
    terminal = Terminal(sys.stderr)
    try:
        text = _dispatch(arguments, terminal)
    except CardiacMTLError as error:
        terminal.line(f"{PROGRAM}: error: {error}")
        return 2
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED_PACKAGES:
            raise
        terminal.line(f"{PROGRAM}: error: the package {error.name} is not installed; install {error.name} and try again")
        return 2
    except KeyboardInterrupt:
        terminal.line(f"{PROGRAM}: interrupted")
        return 130
    finally:
        terminal.clear()
    print(text)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """All commands and options of `cardiacmtl`."""
    parser = _Parser(
        prog=PROGRAM,
        description="Segmentation, measurement and diagnosis of short-axis cine cardiac MR. For research use only.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_run(commands)
    demo = commands.add_parser("demo", help="analyse a built-in synthetic study", allow_abbrev=False)
    demo.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("cardiacmtl-demo"), help="folder for the results (%(default)s)"
    )
    _add_models(commands)
    return parser


def _add_run(commands: argparse._SubParsersAction[_Parser]) -> None:
    run = commands.add_parser(
        "run", help="analyse one study", description="Segment, measure and diagnose one study.", allow_abbrev=False
    )
    run.add_argument("input", type=Path, nargs="?", metavar="INPUT", help="a DICOM folder, a 4D cine file, or a patient folder")
    run.add_argument("--ed", type=Path, metavar="FILE", help="end-diastolic image, with --es instead of INPUT")
    run.add_argument("--es", type=Path, metavar="FILE", help="end-systolic image, with --ed instead of INPUT")
    run.add_argument("--out", type=Path, metavar="DIR", required=True, help="folder for the results; other files in it stay")
    run.add_argument("--ed-frame", type=int, metavar="N", help="end-diastolic frame of INPUT, counted from 1")
    run.add_argument("--es-frame", type=int, metavar="N", help="end-systolic frame of INPUT, counted from 1")
    run.add_argument("--whole-cycle", action="store_true", help="segment all frames of a patient folder, not only ED and ES")
    run.add_argument("--height-cm", type=float, metavar="H", help="height of the patient, for indexed measurements")
    run.add_argument("--weight-kg", type=float, metavar="W", help="weight of the patient, for indexed measurements")
    run.add_argument("--sex", choices=("M", "F"), help="sex of the patient")
    run.add_argument("--heart-rate-bpm", type=float, metavar="R", help="heart rate of the patient")
    run.add_argument("--slice-spacing-mm", type=float, metavar="D", help="distance of slice centres where the file lacks it")
    run.add_argument("--series", metavar="S", help="number or UID of the DICOM series to use, where INPUT has several cines")
    run.add_argument("--exclude-slices-ed", metavar="LIST", help="slices to leave out at ED: 1,2,10-12 (see overlay.png)")
    run.add_argument("--exclude-slices-es", metavar="LIST", help="slices to leave out at ES")
    run.add_argument("--device", choices=_DEVICES, default="auto", help="where the network runs (%(default)s)")
    run.add_argument("--model", metavar="NAME", help="name of an installed model (see `models list`)")
    run.add_argument("--json", action="store_true", help="print the result record instead of a summary")


def _add_models(commands: argparse._SubParsersAction[_Parser]) -> None:
    models = commands.add_parser("models", help="show, check, import or remove models", allow_abbrev=False)
    actions = models.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="names and versions of all models", allow_abbrev=False)
    actions.add_parser("verify", help="compare the checksums of all models", allow_abbrev=False)
    importing = actions.add_parser("import", help="import a model for this user", allow_abbrev=False)
    importing.add_argument("file", type=Path, metavar="FILE", help="a zip of weights.safetensors, manifest.json and card.md")
    removing = actions.add_parser("remove", help="remove an imported model", allow_abbrev=False)
    removing.add_argument("name", metavar="NAME", help="name of an imported model")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{PROGRAM}: error: {message}; see {self.prog} --help\n")


def _dispatch(arguments: argparse.Namespace, terminal: Terminal) -> str:
    """Run the chosen command and return what it prints."""
    from CardiacMTLLib import commands

    writers = commands.SceneWriters(scene=save_scene, view=render_view)
    if arguments.command == "run":
        return commands.run(arguments, terminal, writers)
    if arguments.command == "demo":
        return commands.demo(arguments.out, terminal, writers)
    return commands.models(arguments)


def save_scene(analysis: Analysis, path_mrb: Path) -> None:
    """`CardiacMTLScene.save.save_scene`, with `MissingPackageError` where Slicer's libraries are missing."""
    _require_scene()
    from CardiacMTLScene.save import save_scene as save

    save(analysis, path_mrb)


def render_view(analysis: Analysis, path_png: Path) -> None:
    """`CardiacMTLScene.view3d.render_3d`, with `MissingPackageError` where Slicer's libraries are missing."""
    _require_scene()
    from CardiacMTLScene.view3d import render_3d

    render_3d(analysis, path_png)


def _require_scene() -> None:
    try:
        from CardiacMTLScene.availability import scene_missing_reason
    except ModuleNotFoundError as error:
        raise MissingPackageError("the package CardiacMTLScene is not installed; install cardiacmtl whole") from error
    reason = scene_missing_reason()
    if reason:
        raise MissingPackageError(reason)
