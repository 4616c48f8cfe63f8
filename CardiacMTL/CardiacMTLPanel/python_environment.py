"""The Python that runs the worker, and whether PyTorch is there; nothing is imported in this process to find out."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import slicer
import slicer.packaging
from packaging.requirements import Requirement
from slicer.i18n import tr as _

from CardiacMTLLib.child_process import finished
from CardiacMTLLib.errors import MissingPackageError

TORCH, PYTORCH = "torch>=2.11", "PyTorch 2.11 or newer"

WORKER_PACKAGES = {TORCH: PYTORCH, "safetensors>=0.5": "safetensors"}
"""What Slicer lacks and the worker needs: requirement, whose name is also the module's -> name for people."""

_LOADING_LIMIT_S = 120.0


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


def missing_packages() -> tuple[str, ...]:
    """The names of the packages that have to be installed before a study can be analysed: absent, too old, or without files."""
    return tuple(title for requirement, title in WORKER_PACKAGES.items() if not _is_there(requirement))


def torch_works() -> bool:
    """Whether PyTorch is there and can be loaded, which a process of its own tries; that takes some seconds."""
    if PYTORCH in missing_packages():
        return False
    try:
        return finished([worker_python(), "-c", "import torch"], _LOADING_LIMIT_S) == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def why_never() -> str | None:
    """Why PyTorch can never be installed in this Slicer; None where it can.

    PyTorch 2.2 is the last one for macOS on Intel processors (github.com/pytorch/pytorch/issues/114602), for which Slicer has
    been built so far (github.com/Slicer/Slicer/issues/6811).
    """
    if (platform.system(), platform.machine()) != ("Darwin", "x86_64"):
        return None
    return str(
        _(
            "{package} does not exist for a Slicer that is built for Macs with Intel processors, also where it runs on Apple "
            "silicon; use a Slicer for Apple silicon where there is one, or cardiacmtl outside of Slicer, as the README says"
        ).format(package=PYTORCH)
    )


def require_packages() -> None:
    """Raise `MissingPackageError`, which says what to do, where a package is missing."""
    missing = missing_packages()
    if PYTORCH in missing and (never := why_never()) is not None:
        raise MissingPackageError(never)
    if missing:
        raise MissingPackageError(
            _(
                "not installed in Slicer: {packages}; open Advanced in the module Cardiac MR Segment & Diagnose and press "
                "Install PyTorch, or see the README for a computer without a network"
            ).format(packages=_(" and ").join(missing))
        )


def _is_there(requirement: str) -> bool:
    """A folder that has lost its files is still found, as a namespace, and pip may still know its version."""
    spec = importlib.util.find_spec(Requirement(requirement).name)
    return spec is not None and spec.has_location and slicer.packaging.pip_check(requirement)
