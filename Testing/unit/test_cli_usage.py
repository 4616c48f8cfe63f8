"""What the command line says of itself, and how it ends where a command cannot be done: one line, a status, nothing written."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from CardiacMTLLib import __version__
from CardiacMTLLib.cli import main
from CardiacMTLLib.errors import InputError
from Testing.unit.command_line import run

ROOT = Path(__file__).resolve().parents[2]


def subprocess_of(*arguments):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "CardiacMTL"), str(ROOT)))}
    command = [sys.executable, "-m", "CardiacMTLLib", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("options", [["--help"], ["run", "--help"], ["demo", "--help"], ["models", "--help"]])
def test_help_prints_usage_and_ends_well(options, capsys):
    with pytest.raises(SystemExit) as ended:
        main(options)

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: cardiacmtl")


def test_help_answers_in_half_a_second():
    def seconds():
        started = time.perf_counter()
        assert subprocess_of("run", "--help").returncode == 0
        return time.perf_counter() - started

    assert min(seconds() for _ in range(5)) < 0.5


def test_help_loads_no_numerical_package():
    code = (
        "import sys; from CardiacMTLLib.cli import build_parser; build_parser().format_help(); "
        "print(sorted({'numpy', 'torch', 'SimpleITK', 'pydicom', 'PIL', 'jinja2'} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "CardiacMTL")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)

    assert done.stdout.strip() == "[]"


def test_the_package_runs_as_a_module_and_knows_its_version():
    assert subprocess_of("--version").stdout == f"cardiacmtl {__version__}\n"


USAGE_ERRORS = {
    "no command": [],
    "unknown command": ["frobnicate"],
    "no output folder": ["run", "x.nii.gz"],
    "no input": ["run", "--out", "OUT"],
    "ED without ES": ["run", "--ed", "x.nii.gz", "--out", "OUT"],
    "input and phases": ["run", "x.nii.gz", "--ed", "x.nii.gz", "--es", "y.nii.gz", "--out", "OUT"],
    "frame number with phases": ["run", "--ed", "x.nii.gz", "--es", "y.nii.gz", "--ed-frame", "1", "--out", "OUT"],
    "whole cycle of two images": ["run", "--ed", "x.nii.gz", "--es", "y.nii.gz", "--whole-cycle", "--out", "OUT"],
    "frame zero": ["run", "x.nii.gz", "--es-frame", "0", "--out", "OUT"],
    "frame that is no number": ["run", "x.nii.gz", "--ed-frame", "two", "--out", "OUT"],
    "abbreviated option": ["run", "x.nii.gz", "--whole", "--out", "OUT"],
    "unknown device": ["run", "x.nii.gz", "--device", "tpu", "--out", "OUT"],
    "impossible height": ["run", "CINE", "--height-cm", "1.74", "--out", "OUT"],
    "height that is no number": ["run", "CINE", "--height-cm", "nan", "--out", "OUT"],
    "empty name": ["run", "", "--out", "OUT"],
    "empty output folder": ["run", "CINE", "--out", ""],
    "empty DICOM folder": ["run", "CINE", "--out", "OUT", "--dicom-out", ""],
    "missing file": ["run", "missing.nii.gz", "--out", "OUT"],
    "file that is no image": ["run", "NOTE", "--out", "OUT"],
    "frame beyond the cycle": ["run", "CINE", "--ed-frame", "99", "--out", "OUT"],
    "no models action": ["models"],
    "output folder is a file": ["run", "CINE", "--out", "NOTE"],
    "unknown model": ["run", "CINE", "--model", "no such model", "--out", "OUT"],
}


@pytest.mark.parametrize("arguments", USAGE_ERRORS.values(), ids=USAGE_ERRORS.keys())
def test_bad_input_is_one_line_on_stderr_status_2_and_nothing_written(arguments, cine, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.nii.gz").write_text("no image", encoding="utf-8")
    places = {"OUT": str(tmp_path / "out"), "CINE": str(cine), "NOTE": "note.nii.gz"}
    try:
        status = main([places.get(argument, argument) for argument in arguments])
    except SystemExit as ended:
        status = ended.code
    printed = capsys.readouterr()

    assert status == 2
    assert printed.out == ""
    assert printed.err.startswith("cardiacmtl: error: ")
    assert printed.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["note.nii.gz"]


def test_an_error_with_line_ends_is_still_one_line(engine, cine, tmp_path, capsys):
    engine.failure = InputError("one\ntwo")

    assert run("run", cine, "--out", tmp_path / "out") == 2
    assert capsys.readouterr().err == "cardiacmtl: error: one two\n"


@pytest.mark.parametrize("option", ["--exclude-slices-ed", "--exclude-slices-es"])
@pytest.mark.parametrize("text", ["99", "base"])
def test_slices_that_are_not_there_are_refused_in_one_line(option, text, engine, phases, tmp_path, capsys):
    assert run("run", "--ed", phases[0], "--es", phases[1], "--out", tmp_path / "out", option, text) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"cardiacmtl: error: {option} is '{text}'; expected slice")
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_leaves_nothing_and_says_so(engine, cine, tmp_path, capsys):
    engine.failure = KeyboardInterrupt()

    assert run("run", cine, "--out", tmp_path / "out") == 130
    assert capsys.readouterr().err == "cardiacmtl: interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_a_defect_keeps_its_traceback(engine, cine, tmp_path):
    engine.failure = ZeroDivisionError("defect")

    with pytest.raises(ZeroDivisionError):
        run("run", cine, "--out", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.robustness(38)
def test_without_torch_the_error_is_one_line(cine, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("CardiacMTLLib.pipeline", "CardiacMTLLib.network.weights"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    assert run("run", cine, "--out", tmp_path / "out") == 2
    assert capsys.readouterr().err == "cardiacmtl: error: the package torch is not installed; install torch and try again\n"
