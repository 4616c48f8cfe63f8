"""The Python that runs the worker, and whether PyTorch is there; nothing is imported to find out."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from slicer.i18n import tr as _

from CardiacMTLLib.errors import MissingPackageError

WORKER_PACKAGES = {"torch": "PyTorch", "safetensors": "safetensors"}
"""What Slicer lacks and the worker needs: name of the module -> name for people."""


def worker_python() -> str:
    """The program that runs Python as Slicer has it.

    PythonSlicer stands on the PATH inside the application, where `sys.executable` may be empty or the application itself.
    Raises `MissingPackageError` where none is found.
    """
    found = shutil.which("PythonSlicer")
    if found:
        return found
    own = Path(sys.executable or "")
    if own.name.lower().startswith("python") and own.is_file():
        return str(own)
    raise MissingPackageError(
        _("Slicer's own Python (PythonSlicer) was not found; expected it on the PATH of the application; install Slicer again")
    )


def missing_packages(find: Callable[[str], object] = importlib.util.find_spec) -> tuple[str, ...]:
    """The names of the packages that have to be installed before a study can be analysed."""
    return tuple(title for module, title in WORKER_PACKAGES.items() if find(module) is None)


def require_packages() -> None:
    """Raise `MissingPackageError`, which says what to do, where a package is missing."""
    missing = missing_packages()
    if missing:
        raise MissingPackageError(
            _(
                "not installed in Slicer: {packages}; open Advanced in the module Cardiac MR Segment & Diagnose and press "
                "Install PyTorch, or see the README for a computer without a network"
            ).format(packages=_(" and ").join(missing))
        )
