"""The scene package runs where Qt is missing, and says what is missing where Slicer's library is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import CardiacMTLScene

PACKAGE = Path(CardiacMTLScene.__file__).parent
MODULES = sorted(f"CardiacMTLScene.{path.stem}" for path in PACKAGE.glob("*.py") if path.stem != "__init__")


def python(code: str) -> subprocess.CompletedProcess[str]:
    paths = f"import sys; sys.path[:0] = {[str(PACKAGE.parent)]!r}\n"
    return subprocess.run([sys.executable, "-c", paths + code], capture_output=True, text=True, check=False, timeout=120)


def test_every_module_imports_without_qt_and_ctk() -> None:
    pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)
    block = "sys.modules.update({'qt': None, 'ctk': None, 'PythonQt': None})\n"
    result = python(block + "".join(f"import {name}\n" for name in MODULES))
    assert result.returncode == 0, result.stderr


def test_without_slicer_core_the_reason_names_it_and_nothing_crashes() -> None:
    result = python(
        "sys.modules['slicer'] = None\n"
        "from CardiacMTLScene.availability import scene_missing_reason\n"
        "print(scene_missing_reason())"
    )
    assert result.returncode == 0, result.stderr
    assert "slicer" in result.stdout
    assert "install slicer-core" in result.stdout


def test_another_package_named_slicer_is_not_mistaken_for_it() -> None:
    pytest.importorskip("vtk", reason="needs VTK", exc_type=ImportError)
    result = python(
        "import types\n"
        "sys.modules['slicer'] = types.ModuleType('slicer')\n"
        "from CardiacMTLScene.availability import scene_missing_reason\n"
        "print(scene_missing_reason())"
    )
    assert "not 3D Slicer's" in result.stdout
