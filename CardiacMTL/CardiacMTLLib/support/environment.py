"""What this software runs on: versions, platform, devices, models. Neither the machine's nor anybody's name is among it."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from CardiacMTLLib import __version__
from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLLib.network.store import MODELS_VARIABLE, ModelEntry, available_models, verify_model

PACKAGES = (
    *("numpy", "SimpleITK", "pydicom", "torch", "safetensors"),
    *("python-gdcm", "jinja2", "matplotlib", "pillow", "slicer-core", "highdicom", "pynetdicom", "distributed"),
)
"""The packages whose versions count: those that are needed, and those of the extras."""

_SETTINGS = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "PYTORCH_ENABLE_MPS_FALLBACK")


def software() -> dict[str, Any]:
    """Versions of this software, of Python, of the packages (None: not installed), and the platform. Imports none of them."""
    return {
        "cardiacmtl": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
    }


def settings() -> dict[str, Any]:
    """Settings of the environment that matter: numbers as they are, of folders only whether they are set."""
    numbers = {name: os.environ.get(name) for name in _SETTINGS}
    return numbers | {
        f"{MODELS_VARIABLE} is set": MODELS_VARIABLE in os.environ,
        "processors": os.cpu_count(),
        "file system encoding": sys.getfilesystemencoding(),
        "standard output encoding": getattr(sys.stdout, "encoding", None),
    }


def devices() -> dict[str, Any]:
    """Where the network could run, by PyTorch; what kind of error it gives where it cannot be loaded."""
    try:
        import torch  # noqa: PLC0415 - slow to import, and it may be broken, which is worth telling
    except (ImportError, OSError) as error:
        return {"torch cannot be loaded": type(error).__name__}
    gpus = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return {
        "cpu threads": torch.get_num_threads(),
        "cuda of torch": torch.version.cuda,
        "cuda": [{"name": gpu.name, "memory_bytes": gpu.total_memory} for gpu in gpus],
        "mps": torch.backends.mps.is_available(),
    }


def models() -> list[dict[str, Any]]:
    """Every installed model: name, version, SHA-256, and whether its weights are those of its manifest."""
    return [_model(entry) for entry in available_models()]


def _model(entry: ModelEntry) -> dict[str, Any]:
    known: dict[str, Any] = {"name": entry.name, "shipped": entry.shipped, "intact": False}
    try:
        manifest = entry.manifest()
        known |= {"version": manifest.version, "sha256": manifest.weights_sha256}
        return known | {"intact": verify_model(entry) == manifest.weights_sha256}
    except CardiacMTLError as error:
        return known | {"error": type(error).__name__}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
