"""`cardiacmtl run` for the tests of faulty and foreign inputs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from CardiacMTLLib.cli import main
from Testing.robustness.faulty_input import Outcome
from Testing.unit.oracle import oracle_model

DRAWING = tuple(f"CardiacMTLLib.report.{name}" for name in ("sheet_drawing", "bullseye_drawing", "curve_drawing"))
"""Modules that hold on to what they draw with, where other tests imported them before."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """`cardiacmtl run` with a network that reads the answer off painted images, and without what needs Slicer or draws."""
    model = oracle_model()
    monkeypatch.setattr("CardiacMTLLib.network.weights.load_model", lambda name=None: model)
    for package in ("slicer", "matplotlib", "jinja2", "PIL", *DRAWING):
        monkeypatch.setitem(sys.modules, package, None)

    def outcome(path: Path, *options: str) -> Outcome:
        out = tmp_path / "results"
        status = main(["run", str(path), "--out", str(out), "--device", "cpu", *options])
        record = json.loads((out / "result.json").read_text(encoding="utf-8")) if status == 0 else None
        return Outcome(status, tuple(capsys.readouterr().err.strip().splitlines()), record, out.exists())

    return outcome
