"""A Python for the worker that first does something else: lacks a package, breaks, or takes long."""

from __future__ import annotations

import sys
from pathlib import Path

PATH_LINE = "import pathlib; sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parents[1]))"
"""What the worker's script does itself, for lines that import the library before it."""

WITHOUT_TORCH = (
    "class Blocker:",
    "    def find_spec(self, name, path=None, target=None):",
    "        if name == 'torch': raise ModuleNotFoundError('no torch', name='torch')",
    "sys.meta_path.insert(0, Blocker())",
)
BROKEN_TORCH = tuple(
    line.replace("ModuleNotFoundError('no torch', name='torch')", "OSError('a DLL is missing')") for line in WITHOUT_TORCH
)


def python_that(folder: Path, *lines: str) -> Path:
    """A program in `folder` that does `lines` and then what Python does; no package is installed for it, as in Slicer."""
    patch = folder / "patch.py"
    code = "import runpy, sys\nsys.argv = sys.argv[1:]\n" + "\n".join(lines)
    patch.write_text(f"{code}\nrunpy.run_path(sys.argv[0], run_name='__main__')\n", encoding="utf-8")
    launcher = folder / "python"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{patch}" "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    return launcher
