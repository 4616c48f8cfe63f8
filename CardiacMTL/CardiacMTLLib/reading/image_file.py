"""One image file of any supported format becomes a `StoredImage`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from CardiacMTLLib.errors import GeometryError, InputError
from CardiacMTLLib.path_text import check_is_text
from CardiacMTLLib.reading.frame_times import MS_PER_UNIT, believable_times_ms
from CardiacMTLLib.reading.grey_values import check_magnitude, in_single_precision
from CardiacMTLLib.reading.itk import open_header, quiet_itk, reason_of, sitk
from CardiacMTLLib.reading.meta_image import check_meta_image
from CardiacMTLLib.reading.nifti_file import read_nifti
from CardiacMTLLib.reading.size_limit import check_size
from CardiacMTLLib.reading.stored_image import StoredImage, grid_of_file
from CardiacMTLLib.volume import Image

_NIFTI_SUFFIXES = (".nii", ".nii.gz")
_NRRD_SUFFIXES = (".nrrd", ".nhdr")
_META_SUFFIXES = (".mha", ".mhd")

IMAGE_SUFFIXES = (*_NIFTI_SUFFIXES, *_NRRD_SUFFIXES, *_META_SUFFIXES)
"""Endings of the files that `read_image` reads; Slicer's `.seq.nrrd` is among the NRRD files."""


def is_image_file(path: Path) -> bool:
    """Whether `path` is a file whose name ends as a supported image's does."""
    return path.is_file() and path.name.lower().endswith(IMAGE_SUFFIXES)


def read_image(path: Path) -> StoredImage:
    """The image at `path`, in the file's own axes; integers as stored, other grey values as float32.

    Raises `InputError` for a missing, damaged or unsupported file, a name that is no text, for colours, for other than three or
    four dimensions, for CT, and for an image too large for this machine; `GeometryError` for sheared axes.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; expected an image file; check the name")
    if not is_image_file(path):
        raise InputError(f"{path} is not an image file that can be read; expected a name ending in {', '.join(IMAGE_SUFFIXES)}")
    check_is_text(path, InputError)
    image = _read(path)
    check_magnitude(image.frames, path)
    return image


def _read(path: Path) -> StoredImage:
    name = path.name.lower()
    if name.endswith(_NIFTI_SUFFIXES):
        return read_nifti(path)
    if name.endswith(_META_SUFFIXES):
        check_meta_image(path)
        return _read_with_itk(path, "MetaImageIO")
    with path.open("rb") as stream:
        if stream.read(4) != b"NRRD":
            raise InputError(f"{path} is not an NRRD image; expected a file that begins with NRRD; export it again")
    return _read_with_itk(path, "NrrdImageIO")


def _read_with_itk(path: Path, image_io: str) -> StoredImage:
    """Read an NRRD or MetaImage file through SimpleITK."""
    try:
        reader = open_header(path, image_io)
        frames_in_pixels = _frames_in_pixels(reader, path)
        _check_size(reader, path)
        with quiet_itk():
            voxels: Image = sitk.GetArrayFromImage(reader.Execute())
    except (RuntimeError, MemoryError) as error:
        raise InputError(f"{path} cannot be read ({reason_of(error)}); expected a whole image; export it again") from error
    dimensions = reader.GetDimension()
    direction = np.array(reader.GetDirection()).reshape(dimensions, dimensions)
    try:
        geometry, mended = grid_of_file(reader.GetSize(), reader.GetSpacing(), direction, reader.GetOrigin())
    except GeometryError as error:
        raise GeometryError(f"{path}: {error}") from error
    if frames_in_pixels and voxels.ndim == 4:
        voxels = np.moveaxis(voxels, -1, 0)
    elif voxels.ndim == 3:
        voxels = voxels[None]
    times = _listed_times_ms(reader, len(voxels)) if frames_in_pixels else None
    return StoredImage(
        in_single_precision(voxels, path) if voxels.dtype == np.float64 else voxels,
        geometry,
        time_step=_time_step(reader, times),
        time_origin=reader.GetOrigin()[3] if dimensions == 4 else 0.0,
        frame_times_ms=times,
        warnings=mended,
    )


def _frames_in_pixels(reader: Any, path: Path) -> bool:
    """Whether the values of a pixel are frames (a sequence saved by Slicer), having refused what is no grey image."""
    kind = _metadata(reader, "NRRD_kinds[pixel]")
    dimensions = reader.GetDimension()
    listed = kind == "list" and dimensions == 3
    if reader.GetNumberOfComponents() > 1 and not listed:
        raise InputError(
            f"{path} holds {reader.GetNumberOfComponents()} values a voxel (colours or vectors); expected grey values; "
            "export the image without colours"
        )
    if reader.GetPixelID() in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
        raise InputError(f"{path} holds complex numbers; expected grey values; export the magnitude image")
    if not 3 <= dimensions <= 4:
        raise InputError(
            f"{path} has {dimensions} dimensions; expected three (x, y, slices) or four (and time); give a stack of slices"
        )
    if any(_metadata(reader, f"NRRD_kinds[{axis}]") in ("time", "list") for axis in range(3)):
        raise InputError(f"{path} has time before a spatial axis; expected x, y, slices, time; store the image anew")
    return listed


def _check_size(reader: Any, path: Path) -> None:
    """Raise `InputError` where the voxels are too many, by the header alone."""
    component = sitk.Image([1] * reader.GetDimension(), reader.GetPixelID()).GetSizeOfPixelComponent()
    check_size((reader.GetNumberOfComponents(), *reader.GetSize()[::-1]), component, path)


def _listed_times_ms(reader: Any, count: int) -> tuple[float, ...] | None:
    """Times of the frames of a Slicer sequence, where its index is a time in a known unit."""
    ms_per_unit = MS_PER_UNIT.get(_metadata(reader, "NRRD_units[pixel]").strip().lower())
    keys = [key for key in reader.GetMetaDataKeys() if re.fullmatch(r"axis \d index values", key)]
    if ms_per_unit is None or len(keys) != 1:
        return None
    try:
        times = [float(value) * ms_per_unit for value in reader.GetMetaData(keys[0]).split()]
    except ValueError:
        return None
    return believable_times_ms(times) if len(times) == count else None


def _time_step(reader: Any, times_ms: tuple[float, ...] | None) -> float:
    """Step of the fourth axis: the file's own, or for a sequence with times their mean in seconds."""
    if reader.GetDimension() == 4:
        return float(reader.GetSpacing()[3])
    return 1.0 if times_ms is None else (times_ms[-1] - times_ms[0]) / (len(times_ms) - 1) / 1000.0


def _metadata(reader: Any, key: str) -> str:
    return str(reader.GetMetaData(key)) if reader.HasMetaDataKey(key) else ""
