"""Two runs into one folder at once, and what a killed one leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from Testing.robustness.batches import REPOSITORY, kill, write_study
from Testing.unit.command_line import Engine, run
from Testing.waiting import wait_until

SLOW_RUN = """
import sys, time
from pathlib import Path
import CardiacMTLLib.network.weights, CardiacMTLLib.pipeline
from Testing.unit.command_line import Engine, run

study, out, begun, sign = sys.argv[1:]
engine = Engine()

def analyse(*given, **options):
    Path(begun).touch()
    while not Path(sign).exists():
        time.sleep(0.01)
    return engine.analyse(*given, **options)

CardiacMTLLib.network.weights.load_model, CardiacMTLLib.pipeline.analyse = engine.load_model, analyse
sys.modules["slicer"] = None
sys.exit(run("run", study, "--out", out))
"""


class SlowRun:
    """A run into `out` in a process of its own, which has begun and waits until it is told to go on."""

    def __init__(self, out: Path, folder: Path) -> None:
        folder.mkdir()
        begun, self._sign = folder / "begun", folder / "go on"
        study = write_study(folder / "cine.nii.gz")
        environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'CardiacMTL'}{os.pathsep}{REPOSITORY}"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SLOW_RUN, *map(str, (study, out, begun, self._sign))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        wait_until(lambda: begun.exists() or self.process.poll() is not None)

    def end(self) -> str:
        """What it printed, once it went on and ended well."""
        self._sign.touch()
        printed, errors = self.process.communicate()
        assert self.process.returncode == 0, errors.decode()
        return printed.decode()


@pytest.mark.robustness(42)
@pytest.mark.parametrize("is_there", [True, False], ids=["existing folder", "new folder"])
def test_a_second_single_run_into_one_folder_is_refused_before_it_works(
    is_there: bool, engine: Engine, no_slicer: None, cine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results" / "out"
    if is_there:
        out.mkdir(parents=True)
    first = SlowRun(out, tmp_path / "first")

    assert run("run", cine, "--out", out) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"cardiacmtl: error: another run is writing to {out}; expected one at a time; wait until it has ended, "
        "or choose another folder"
    )
    assert engine.calls == []
    assert "Results in" in first.end()
    assert run("run", cine, "--out", out) == 0
    assert [path for path in (*out.iterdir(), *out.parent.iterdir()) if path.name.startswith(".")] == []


@pytest.mark.robustness(42)
def test_a_single_run_that_was_killed_blocks_no_other(
    engine: Engine, no_slicer: None, cine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results" / "out"
    kill(SlowRun(out, tmp_path / "first").process)
    assert len(list(out.parent.glob(".cardiacmtl-*.lock"))) == 1

    assert run("run", cine, "--out", out) == 0
    assert [path.name for path in out.parent.iterdir()] == ["out"]
