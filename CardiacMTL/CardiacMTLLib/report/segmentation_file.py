"""Masks become NIfTI files on the very grid of the study's own file."""

from __future__ import annotations

import gzip
import math
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from CardiacMTLLib.errors import OutputError
from CardiacMTLLib.quiet import quiet_stderr
from CardiacMTLLib.reading.itk import quiet_itk, reason_of, sitk
from CardiacMTLLib.volume import CineStudy, Mask, StoredGrid

_SFORM_OFFSET = 280
_VOXEL_OFFSET = 352
_LPS_TO_RAS = (-1.0, -1.0, 1.0)


def write_mask(mask: Mask, study: CineStudy, path: Path) -> None:
    """Write `mask` (z, y, x) or (t, z, y, x) of `study` to `path` (.nii.gz or .nii), in the axes of the study's file.

    SimpleITK reads back the geometry that it reads from the study's own file: for NIfTI input the same numbers, for
    other input the nearest ones in NIfTI's single precision. The file appears whole or not at all. Raises `OutputError`.
    """
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        raise OutputError(f"{path} is no name for a mask; expected one ending in .nii.gz; change the name")
    expected = study.geometry.shape_zyx
    if mask.shape not in (expected, (len(study.frames), *expected)):
        raise OutputError(
            f"mask has shape {mask.shape}; expected {expected}, or {len(study.frames)} of these; write it as segmented"
        )
    image = _image(study.in_file_axes(mask), study.stored)
    try:
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as folder:
            plain = Path(folder) / "mask.nii"
            with quiet_itk(), quiet_stderr():
                sitk.WriteImage(image, str(plain))
            if plain.stat().st_size != _VOXEL_OFFSET + mask.size:
                raise OutputError(
                    f"{path} could not be written whole; expected room for {mask.size} bytes; free some disk space"
                )
            _sharpen_directions(plain, study.stored)
            finished = _compressed(plain) if path.name.lower().endswith(".gz") else plain
            finished.replace(path)
    except (OSError, RuntimeError) as error:
        raise OutputError(f"{path} could not be written ({reason_of(error)}); expected a writable folder with room") from error


def _image(array: Mask, stored: StoredGrid) -> Any:
    """A SimpleITK image of `array` (file axes) with the geometry of the study's file, time axis included."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(array, dtype=np.uint8), isVector=False)
    spacing, origin = stored.geometry.spacing_xyz_mm, stored.geometry.origin_xyz_mm
    direction = np.eye(array.ndim)
    direction[:3, :3] = stored.geometry.direction_matrix
    four = array.ndim == 4
    image.SetSpacing((*spacing, stored.time_step) if four else spacing)
    image.SetOrigin((*origin, stored.time_origin) if four else origin)
    image.SetDirection(direction.ravel().tolist())
    return image


def _sharpen_directions(path: Path, stored: StoredGrid) -> None:
    """Replace the sform of the .nii file by the one whose axes ITK reads as nearest to the study's.

    ITK rounds directions before it scales them by the spacing, so a file that is read and written by it alone changes
    in the eighth digit.
    """
    geometry = stored.geometry
    columns = [
        _sform_column([sign * value for sign, value in zip(_LPS_TO_RAS, column, strict=True)], spacing)
        for column, spacing in zip(geometry.direction_matrix.T.tolist(), geometry.spacing_xyz_mm, strict=True)
    ]
    offset = [sign * value for sign, value in zip(_LPS_TO_RAS, geometry.origin_xyz_mm, strict=True)]
    rows = [value for row in zip(*columns, offset, strict=True) for value in row]
    with path.open("r+b") as file:
        file.seek(_SFORM_OFFSET)
        file.write(struct.pack("=12f", *rows))


def _sform_column(direction: list[float], spacing: float) -> list[float]:
    """The single-precision column of about length `spacing` whose unit vector is nearest to `direction`."""
    best: list[float] = []
    least = math.inf
    for step in sorted(range(-64, 65), key=abs):
        length = spacing * (1.0 + step * 2.0**-27)
        column = [float(np.float32(value * length)) for value in direction]
        norm = math.sqrt(sum(value * value for value in column))
        error = max(abs(value / norm - wanted) for value, wanted in zip(column, direction, strict=True))
        if error < least:
            best, least = column, error
    return best


def _compressed(plain: Path) -> Path:
    """The gzip of `plain`, beside it; the same mask always gives the same bytes."""
    packed = plain.with_suffix(".nii.gz")
    with plain.open("rb") as source, packed.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as target:
        shutil.copyfileobj(source, target)
    return packed
