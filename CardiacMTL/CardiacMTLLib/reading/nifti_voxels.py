"""Voxels of a NIfTI-1 file, with every byte accounted for.

ITK's NIfTI reader returns garbage without an error where a file ends early or its compressed stream is damaged, so
the voxels are read here, up to the checksum of the stream.
"""

from __future__ import annotations

import zlib
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.reading.grey_values import in_single_precision
from CardiacMTLLib.reading.nifti_header import NiftiHeader, open_nifti
from CardiacMTLLib.reading.size_limit import check_size
from CardiacMTLLib.volume import Image

_CHUNK = 1 << 22
_DEFLATE_LIMIT = 1032
"""The most bytes that one byte of a deflate stream can expand to (zlib's technical notes)."""


def read_nifti_voxels(path: Path, header: NiftiHeader) -> Image:
    """Frames (t, z, y, x) of the file, in its own axes: integers as stored, else float32 (rescaled where it says so).

    Raises `InputError` where the file ends early or is damaged, and where it is too large for this machine.
    """
    x, y, z, *time = header.size
    shape = (*time, z, y, x) if time else (1, z, y, x)
    needed = prod(shape) * header.dtype.itemsize
    if needed > _DEFLATE_LIMIT * path.stat().st_size:
        raise _damaged(path, f"{needed} bytes of voxels cannot be in a file of {path.stat().st_size} bytes")
    scaled = header.slope != 1.0 or header.intercept != 0.0
    check_size(shape, 4 if scaled else header.dtype.itemsize, path)
    voxels = np.empty(shape, dtype=header.dtype)
    try:
        with open_nifti(path) as stream:
            _fill(voxels, stream, header.voxel_offset, path)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, str(error)) from error
    if scaled or (header.dtype.kind == "f" and header.dtype.itemsize > 4):
        return in_single_precision(voxels, path, header.slope, header.intercept)
    return voxels.astype(header.dtype.newbyteorder("="), copy=False)


def _fill(voxels: Image, stream: BinaryIO, offset: int, path: Path) -> None:
    """Read all of `voxels` from `offset` on, then the rest of the stream, so that its checksum is verified."""
    skipped = 0
    while skipped < offset:
        chunk = stream.read(min(_CHUNK, offset - skipped))
        if not chunk:
            raise _damaged(path, f"it ends {offset - skipped} bytes before the voxels")
        skipped += len(chunk)
    buffer = voxels.reshape(-1).view(np.uint8)
    filled = 0
    while filled < len(buffer):
        chunk = stream.read(min(_CHUNK, len(buffer) - filled))
        if not chunk:
            raise _damaged(path, f"it holds {filled} of {len(buffer)} bytes of voxels")
        buffer[filled : filled + len(chunk)] = np.frombuffer(chunk, dtype=np.uint8)
        filled += len(chunk)
    while stream.read(_CHUNK):
        pass


def _damaged(path: Path, finding: str) -> InputError:
    return InputError(f"{path} is damaged ({finding}); expected a whole NIfTI image; copy or export it again")
