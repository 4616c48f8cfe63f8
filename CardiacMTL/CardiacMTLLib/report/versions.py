"""`software_versions`: the versions that a result may depend on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("torch", "numpy", "SimpleITK", "pydicom")


def software_versions() -> dict[str, str | None]:
    """Python and the packages that read, compute and measure; None for one that is not installed. Imports none of them."""
    return {"python": platform.python_version()} | {name: _version(name) for name in _PACKAGES}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
