"""`cardiacmtl`: the command line, and the one place where library and scene meet.

What is heavier than argparse is imported only when a command runs, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from CardiacMTLLib import __version__
from CardiacMTLLib.errors import CardiacMTLError, MissingPackageError
from CardiacMTLLib.pacs.command import add_commands as add_pacs_commands
from CardiacMTLLib.pacs.command import echo, send
from CardiacMTLLib.path_text import path_argument
from CardiacMTLLib.report.dicom.command import add_dicom_options
from CardiacMTLLib.report.terminal import Terminal
from CardiacMTLLib.support.command import add_log_option, add_support_command, support_bundle

if TYPE_CHECKING:
    from CardiacMTLLib.analysis import Analysis
    from CardiacMTLLib.commands import SceneWriters

PROGRAM = "cardiacmtl"

_NEEDED_PACKAGES = ("numpy", "SimpleITK", "pydicom", "safetensors", "torch")
_DEVICES = ("auto", "cpu", "cuda", "mps")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when it is done, 1 when a case of a batch failed, 2 for bad input or usage.

    An interrupted one gives 130. Without `argv`, as the program `cardiacmtl` itself, it draws and saves the scene in a second
    process, which loads Slicer's libraries while this one reads and segments.

    Results go to standard output; progress (on a terminal only), warnings and the one line of an error to standard error.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    arguments = build_parser().parse_args(argv)
    arguments.own_process = argv is None
    terminal = Terminal(sys.stderr)
    try:
        text, status = _logged(arguments, terminal)
    except CardiacMTLError as error:
        terminal.line(f"{PROGRAM}: error: {error}")
        return 2
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED_PACKAGES:
            raise
        terminal.line(f"{PROGRAM}: error: the package {error.name} is not installed; install {error.name} and try again")
        return 2
    except MemoryError:
        terminal.line(f"{PROGRAM}: error: the memory is not enough; close other programs, or give a cine of fewer phases")
        return 2
    except KeyboardInterrupt:
        terminal.line(f"{PROGRAM}: interrupted")
        return 130
    finally:
        terminal.clear()
    print(text)
    return status


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
    _add_batch(commands)
    demo = commands.add_parser("demo", help="analyse a built-in synthetic study", allow_abbrev=False)
    demo.add_argument(
        "--out", type=path_argument, metavar="DIR", default=Path("cardiacmtl-demo"), help="folder for the results (%(default)s)"
    )
    add_pacs_commands(commands.add_parser)
    _add_models(commands)
    add_support_command(commands.add_parser)
    return parser


def _add_run(commands: argparse._SubParsersAction[_Parser]) -> None:
    run = commands.add_parser(
        "run", help="analyse one study", description="Segment, measure and diagnose one study.", allow_abbrev=False
    )
    run.add_argument(
        "input", type=path_argument, nargs="?", metavar="INPUT", help="a DICOM folder, a 4D cine file, or a patient folder"
    )
    run.add_argument("--ed", type=path_argument, metavar="FILE", help="end-diastolic image, with --es instead of INPUT")
    run.add_argument("--es", type=path_argument, metavar="FILE", help="end-systolic image, with --ed instead of INPUT")
    run.add_argument(
        "--out", type=path_argument, metavar="DIR", required=True, help="folder for the results; other files in it stay"
    )
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
    run.add_argument(
        "--report-patient-data",
        action="store_true",
        help="name the patient in report.html: name, ID, birth date, study date, accession number (DICOM only)",
    )
    add_dicom_options(run)
    add_log_option(run)
    run.add_argument("--json", action="store_true", help="print the result record instead of a summary")


def _add_batch(commands: argparse._SubParsersAction[_Parser]) -> None:
    batch = commands.add_parser(
        "batch",
        help="analyse every study below a folder",
        description="Analyse every study below a folder, with a table of all results and one of all failures.",
        allow_abbrev=False,
    )
    batch.add_argument(
        "root", type=path_argument, metavar="ROOT", help="a folder with DICOM studies, cine files and patient folders"
    )
    batch.add_argument(
        "--out", type=path_argument, metavar="DIR", required=True, help="folder for the results, a folder a case"
    )
    batch.add_argument("--resume", action="store_true", help="go on with the batch in DIR, or begin one where there is none")
    batch.add_argument("--retry-failed", action="store_true", help="with --resume: do the cases again that failed")
    batch.add_argument("--workers", type=int, metavar="N", help="cases that are done at once on this machine (1)")
    batch.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler (tcp://host:8786) whose workers do the cases")
    batch.add_argument("--time-limit-s", type=float, metavar="T", default=1800.0, help="a case may take so long (%(default)g)")
    batch.add_argument("--whole-cycle", action="store_true", help="segment all frames of patient folders, not only ED and ES")
    batch.add_argument("--slice-spacing-mm", type=float, metavar="D", help="distance of slice centres where files lack it")
    batch.add_argument(
        "--dicom-out", type=path_argument, metavar="DIR", help="also write DICOM of studies that are, a folder a case"
    )
    batch.add_argument("--report-patient-data", action="store_true", help="name the patients in their reports (DICOM only)")
    batch.add_argument("--no-scene", action="store_true", help="leave out scene and 3D picture, which takes less time")
    batch.add_argument("--device", choices=_DEVICES, default="auto", help="where the network runs (%(default)s)")
    batch.add_argument("--model", metavar="NAME", help="name of an installed model (see `models list`)")
    add_log_option(batch)


def _add_models(commands: argparse._SubParsersAction[_Parser]) -> None:
    models = commands.add_parser("models", help="show, check, import or remove models", allow_abbrev=False)
    actions = models.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="names and versions of all models", allow_abbrev=False)
    actions.add_parser("verify", help="compare the checksums of all models", allow_abbrev=False)
    importing = actions.add_parser("import", help="import a model for this user", allow_abbrev=False)
    importing.add_argument(
        "file", type=path_argument, metavar="FILE", help="a zip of weights.safetensors, manifest.json and card.md"
    )
    removing = actions.add_parser("remove", help="remove an imported model", allow_abbrev=False)
    removing.add_argument("name", metavar="NAME", help="name of an imported model")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{PROGRAM}: error: {message}; see {self.prog} --help\n")


def _logged(arguments: argparse.Namespace, terminal: Terminal) -> tuple[str, int]:
    """As `_dispatch`, and what happens goes into the log file, where one is asked for."""
    path = getattr(arguments, "log_file", None)
    if path is None:
        return _dispatch(arguments, terminal)
    from CardiacMTLLib.support.log_file import log_file

    with log_file(path, arguments.command):
        return _dispatch(arguments, terminal)


def _dispatch(arguments: argparse.Namespace, terminal: Terminal) -> tuple[str, int]:
    """Run the chosen command; what it prints, and its exit status."""
    if arguments.command == "batch":
        from CardiacMTLLib.batch.command import batch

        return batch(arguments, terminal)
    if arguments.command == "send":
        return send(arguments, terminal)
    plain = {"echo": echo, "support-bundle": support_bundle}
    if arguments.command in plain:
        return plain[arguments.command](arguments), 0
    if arguments.command == "models":
        from CardiacMTLLib.commands import models

        return models(arguments), 0
    with _scene_writers(beside=arguments.own_process) as writers:
        from CardiacMTLLib import commands

        if arguments.command == "run":
            return commands.run(arguments, terminal, writers), 0
        return commands.demo(arguments.out, terminal, writers), 0


@contextmanager
def _scene_writers(*, beside: bool) -> Iterator[SceneWriters]:
    """What writes scene and 3D picture: here, or `beside` the rest in a process that is started now."""
    from CardiacMTLLib.writer_process import started

    process = started(warm_up_scene) if beside else None
    if process is None:
        from CardiacMTLLib.commands import SceneWriters

        yield SceneWriters(scene=save_scene, view=render_view)
        return
    with process:
        from CardiacMTLLib.commands import SceneWriters

        yield SceneWriters(partial(process.write, save_scene), partial(process.write, render_view), at_once=True)


def warm_up_scene() -> None:
    """Load what scene and 3D picture need, and try whether pictures can be drawn; what is missing is said later."""
    with suppress(CardiacMTLError):
        _require_scene()
        from CardiacMTLScene import save, view3d  # noqa: F401 - loaded for later
        from CardiacMTLScene.gl import rendering_missing_reason

        rendering_missing_reason()


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
