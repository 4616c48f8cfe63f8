"""Whoever starts a process does it out of sight: no console window opens on Windows, and no standard error is asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from CardiacMTLLib.batch.child import Child
from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLLib.job.process import SubprocessRunner
from CardiacMTLLib.reading.dicom.pixel_client import _Server

ROOT = Path(__file__).resolve().parents[2]
NO_WINDOW = 0x08000000
"""CREATE_NO_WINDOW of Windows' CreateProcess."""


def draw() -> None:
    gl = pytest.importorskip("CardiacMTLScene.gl", reason="needs slicer-core", exc_type=ImportError)
    gl._failure("vtkRenderWindow")


@pytest.mark.parametrize(
    "start",
    [
        lambda: SubprocessRunner().start([sys.executable], lambda _: None, lambda _: None),
        lambda: Child(None, sys.executable, 1)._start(),  # type: ignore[arg-type]
        lambda: _Server(sys.executable)._started(),
        draw,
    ],
    ids=["worker", "batch", "pixels", "drawing"],
)
def test_no_console_window_opens_and_a_missing_standard_error_does_not_matter(
    start: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def popen(*_: Any, **options: Any) -> None:
        asked.append(options)
        raise OSError("nothing is started")

    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", NO_WINDOW, raising=False)
    monkeypatch.setattr(subprocess, "Popen", popen)
    with suppress(OSError, CardiacMTLError):
        start()
    assert [(each["creationflags"], each["stderr"]) for each in asked] == [(NO_WINDOW, subprocess.DEVNULL)]


def test_no_other_file_of_the_extension_starts_processes() -> None:
    starting = set()
    for path in (ROOT / "CardiacMTL").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                f"subprocess.{name}" for name in ("Popen", "run", "call", "check_call", "check_output")
            }:
                starting.add(path.name)
    assert starting == {"child_process.py"}
