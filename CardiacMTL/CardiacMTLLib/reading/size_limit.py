"""How large a study may be: estimated from its header, before any voxel is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import prod
from pathlib import Path

from CardiacMTLLib.errors import InputError

MAX_BYTES = 4 * 2**30
"""Largest study that is read: 4 GiB of grey values, some hundred times a usual cine."""

BYTES_BESIDE = 4
"""Memory that a whole run takes for each voxel beside its grey value: masks of all frames and their copies (measured: 3.5)."""

_MEMORY_FILE = Path("/proc/meminfo")


def check_size(shape: Sequence[int], bytes_per_voxel: int, path: Path | None = None) -> None:
    """Raise `InputError` where grey values of `shape` (t, z, y, x) are more than `MAX_BYTES` or than this machine can take.

    A wrong header claims any size, and a right one may be too much: both end here, in one line, and not in a full memory. The
    message begins with `path`.
    """
    needed = prod(shape) * bytes_per_voxel
    cine = f"{'' if path is None else f'{path}: '}the cine ({' x '.join(map(str, shape))} as frames, slices, rows, columns)"
    if needed > MAX_BYTES:
        raise InputError(
            f"{cine} has {_gib(needed)} of grey values; expected at most {_gib(MAX_BYTES)}; export fewer phases or a smaller "
            "matrix"
        )
    free, whole = free_bytes(), prod(shape) * (bytes_per_voxel + BYTES_BESIDE)
    if free is not None and whole > free:
        raise InputError(
            f"{cine} takes about {_gib(whole)} of memory, and {_gib(free)} are free; expected enough; close other programs, or "
            "export fewer phases or a smaller matrix"
        )


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"


def free_bytes() -> int | None:
    """Memory that can be had: what Linux counts as available, elsewhere all that is built in; None where neither is told."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY_FILE.read_text(encoding="ascii").splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
