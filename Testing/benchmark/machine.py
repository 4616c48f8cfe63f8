"""What the figures were measured on: the machine, its software, and the peak that a large matrix product reaches."""

from __future__ import annotations

import os
import platform
import statistics
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "numpy", "SimpleITK", "slicer-core", "matplotlib", "dynamic-network-architectures", "monai")

_ORDER = 3072
"""Rows and columns of the square matrices: 108 MB, past every cache, and one second's work on a slow core."""


def facts(threads: int) -> dict[str, object]:
    """The machine and the versions of what does the work; nothing that names it or its user."""
    return {
        "processor": processor(),
        "logical_cores": os.cpu_count(),
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "threads": threads,
    }


def load_average() -> float | None:
    """Processes that wanted a core in the last minute, where the system says so."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def processor() -> str:
    """The processor's name, where the system tells it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        names = [line.partition(":")[2].strip() for line in listing.read_text().splitlines() if line.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def matrix_products(repeats: int = 5) -> dict[str, list[float]]:
    """Billions of operations in a product of two large single-precision matrices, by second and by processor second."""
    import torch  # noqa: PLC0415 - the process that only starts others stays small

    left, right = torch.rand(_ORDER, _ORDER), torch.rand(_ORDER, _ORDER)
    left @ right
    found: dict[str, list[float]] = {"gflop_per_s": [], "gflop_per_cpu_s": []}
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        left @ right
        found["gflop_per_s"].append(2 * _ORDER**3 / (time.perf_counter() - wall) / 1e9)
        found["gflop_per_cpu_s"].append(2 * _ORDER**3 / (time.process_time() - cpu) / 1e9)
    return found


def spread(values: list[float]) -> dict[str, float]:
    """Median, extremes and quartiles."""
    lower, median, upper = statistics.quantiles(values, n=4) if len(values) > 1 else 3 * values
    named = {"median": median, "min": min(values), "lower_quartile": lower, "upper_quartile": upper, "max": max(values)}
    return {name: round(value, 4) for name, value in named.items()}


def _memory_gb() -> float | None:
    if not hasattr(os, "sysconf"):
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
