"""What a NIfTI-1 header says, field by field, without ITK.

ITK refuses headers whose directions are off by rounding and hides what it decided about contradictory ones; this
reads the same 348 bytes. Source of the layout: https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h
"""

from __future__ import annotations

import gzip
import math
import struct
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import GeometryError, InputError

_SIZE = 348
_DTYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_COLOURS = {128: "RGB", 2304: "RGBA"}
_MM_PER_UNIT = {1: 1000.0, 3: 0.001}
_SECONDS_PER_UNIT = {8: 1.0, 16: 1e-3, 24: 1e-6}
_NEXT_TO_ZERO = 1e-30
_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class NiftiHeader:
    """The fields of a NIfTI-1 header that an image needs.

    `size` is (x, y, z) or (x, y, z, t), trailing single axes left out. `pixdim_mm` are the first three spacings, 1.0
    where the header has none, as the NIfTI library does; `spacing_stated` tells where it has one.
    `time_step` is the fourth, in seconds where `time_unit_stated`.
    `sform` (3, 4) and `qform` (3, 4) lead from indices to LPS millimetres (qform with unit columns), None where
    their code is 0.
    """

    size: tuple[int, ...]
    dtype: np.dtype[np.generic]
    voxel_offset: int
    slope: float
    intercept: float
    pixdim_mm: tuple[float, float, float]
    spacing_stated: tuple[bool, bool, bool]
    time_step: float
    time_unit_stated: bool
    sform: NDArray[np.float64] | None
    qform: NDArray[np.float64] | None


def open_nifti(path: Path) -> BinaryIO:
    """The uncompressed bytes of a .nii or .nii.gz file, whichever its name says."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return cast("BinaryIO", gzip.open(path, "rb")) if compressed else path.open("rb")


def read_nifti_header(path: Path) -> NiftiHeader:
    """Header of the NIfTI-1 file at `path`.

    Raises `InputError` for a file that is not a single-file NIfTI-1 image of grey values in three or four dimensions, and
    `GeometryError` where its orientation is not finite.
    """
    try:
        with open_nifti(path) as stream:
            raw = stream.read(_SIZE)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}); expected a NIfTI image; export it again") from error
    order = {struct.pack("<i", _SIZE): "<", struct.pack(">i", _SIZE): ">"}.get(raw[:4])
    if len(raw) < _SIZE or order is None or raw[344:348] != b"n+1\0":
        raise InputError(f"{path} is not a NIfTI-1 image; expected a .nii or .nii.gz file; export it again")
    space_unit = _MM_PER_UNIT.get(raw[123] & 7, 1.0)
    pixdim = struct.unpack_from(f"{order}8f", raw, 76)
    time_unit = raw[123] & 56
    offset, slope, intercept = struct.unpack_from(f"{order}3f", raw, 108)
    scaled = math.isfinite(slope) and abs(slope) > sys.float_info.epsilon  # as ITK: below it, a slope counts as none
    sform, qform = _sform(raw, order, space_unit), _qform(raw, order, pixdim[0], space_unit)
    if not all(_is_believable(form) for form in (sform, qform) if form is not None):
        raise GeometryError(f"{path} has an orientation that is not finite; expected numbers; export it again")
    return NiftiHeader(
        size=_size(raw, order, path),
        dtype=_dtype(raw, order, path),
        voxel_offset=_voxel_offset(offset, path),
        slope=slope if scaled else 1.0,
        intercept=intercept if scaled and math.isfinite(intercept) else 0.0,
        pixdim_mm=(_spacing(pixdim[1]) * space_unit, _spacing(pixdim[2]) * space_unit, _spacing(pixdim[3]) * space_unit),
        spacing_stated=(_is_stated(pixdim[1]), _is_stated(pixdim[2]), _is_stated(pixdim[3])),
        time_step=_spacing(pixdim[4]) * _SECONDS_PER_UNIT.get(time_unit, 1.0),
        time_unit_stated=time_unit in _SECONDS_PER_UNIT,
        sform=sform,
        qform=qform,
    )


def _size(raw: bytes, order: str, path: Path) -> tuple[int, ...]:
    count, *sizes = struct.unpack_from(f"{order}8h", raw, 40)
    if not 1 <= count <= 7 or min(sizes[:count]) < 1:
        raise InputError(f"{path} has the impossible dimensions {(count, *sizes)}; expected positive sizes; export it again")
    while count > 3 and sizes[count - 1] == 1:
        count -= 1
    if not 3 <= count <= 4:
        raise InputError(
            f"{path} has {count} dimensions; expected three (x, y, slices) or four (and time); give a stack of slices"
        )
    return tuple(sizes[:count])


def _voxel_offset(stated: float, path: Path) -> int:
    """Where the voxels begin; 0 stands for the usual place, as some writers leave it so."""
    if not math.isfinite(stated) or not (int(stated) == 0 or stated >= _SIZE):
        raise InputError(f"{path} has its voxels begin at byte {stated:g}; expected {_SIZE + 4} or more; export it again")
    return int(stated) or _SIZE + 4


def _dtype(raw: bytes, order: str, path: Path) -> np.dtype[np.generic]:
    (code,) = struct.unpack_from(f"{order}h", raw, 70)
    if code in _COLOURS:
        raise InputError(f"{path} holds {_COLOURS[code]} colours; expected grey values; export the image without colours")
    if code not in _DTYPES:
        raise InputError(f"{path} holds voxels of NIfTI type {code}; expected real grey values; convert the image")
    return np.dtype(order + _DTYPES[code])


def _is_believable(form: NDArray[np.float64]) -> bool:
    """Whether all numbers are finite, and none is next to zero without being it: ITK prints its distress at such."""
    return bool((np.isfinite(form) & ((form == 0) | (np.abs(form) > _NEXT_TO_ZERO))).all())


def _is_stated(value: float) -> bool:
    return math.isfinite(value) and value != 0


def _spacing(value: float) -> float:
    return value if _is_stated(value) else 1.0


def _sform(raw: bytes, order: str, space_unit: float) -> NDArray[np.float64] | None:
    (code,) = struct.unpack_from(f"{order}h", raw, 254)
    if code <= 0:
        return None
    rows = np.array(struct.unpack_from(f"{order}12f", raw, 280), dtype=float).reshape(3, 4)
    return np.asarray(rows * _RAS_TO_LPS[:, None] * space_unit, dtype=float)


def _qform(raw: bytes, order: str, qfac: float, space_unit: float) -> NDArray[np.float64] | None:
    (code,) = struct.unpack_from(f"{order}h", raw, 252)
    if code <= 0:
        return None
    b, c, d, *offset = struct.unpack_from(f"{order}6f", raw, 256)
    a = math.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    columns = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    ) * np.array([1.0, 1.0, -1.0 if qfac < 0 else 1.0])
    rows = np.column_stack([columns, np.array(offset) * space_unit])
    return np.asarray(rows * _RAS_TO_LPS[:, None], dtype=float)
