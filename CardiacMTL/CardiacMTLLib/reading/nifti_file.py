"""NIfTI files: geometry as SimpleITK sees it, and by other means where ITK refuses a rounded header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import GeometryError, InputError
from CardiacMTLLib.reading.frame_times import even_frame_times_ms
from CardiacMTLLib.reading.itk import open_header, reason_of
from CardiacMTLLib.reading.nifti_header import NiftiHeader, read_nifti_header
from CardiacMTLLib.reading.nifti_voxels import read_nifti_voxels
from CardiacMTLLib.reading.stored_image import StoredImage, grid_of_file

_AGREE = 1e-3
"""Spacings (relative) and direction cosines that differ by less than this agree; headers are in single precision."""


def read_nifti(path: Path) -> StoredImage:
    """The NIfTI-1 image at `path`, in its own axes.

    Spacing is always pixdim's. Directions and origin are those that SimpleITK takes (sform or qform); where ITK refuses
    the sform because it is not exactly orthonormal and there is no qform, the rotation nearest to the sform. Raises
    `InputError` for files that are no usable image and `GeometryError` for sheared axes and pixels without a size.
    """
    header = read_nifti_header(path)
    _check_in_plane(header, path)
    spacing, direction, origin = _placement(path, header)
    try:
        geometry, mended = grid_of_file(header.size, spacing, direction, origin)
    except GeometryError as error:
        raise GeometryError(f"{path}: {error}") from error
    frames = read_nifti_voxels(path, header)
    times = even_frame_times_ms(header.time_step * 1000.0, len(frames)) if header.time_unit_stated else None
    return StoredImage(
        frames,
        geometry,
        time_step=spacing[3] if len(spacing) > 3 else 1.0,
        time_origin=origin[3] if len(origin) > 3 else 0.0,
        frame_times_ms=times,
        warnings=(*mended, *_contradictions(header, direction)),
    )


def _check_in_plane(header: NiftiHeader, path: Path) -> None:
    """Raise `GeometryError` where pixels have no size; that slices have no distance is for `slice_spacing` to say."""
    for axis, name in enumerate(("first", "second")):
        if header.size[axis] > 1 and not header.spacing_stated[axis]:
            raise GeometryError(
                f"{path} has no voxel spacing along its {name} axis (0, infinite or not a number); expected millimetres; "
                "export it again with its spacing"
            )


def _placement(path: Path, header: NiftiHeader) -> tuple[tuple[float, ...], NDArray[np.float64], tuple[float, ...]]:
    """Spacing, direction (LPS) and origin (LPS mm) of the file's axes."""
    try:
        reader = open_header(path, "NiftiImageIO")
    except RuntimeError as error:
        if header.sform is None or header.qform is not None:
            raise InputError(f"{path} cannot be read ({reason_of(error)}); expected a NIfTI image; export it again") from error
        lengths = np.linalg.norm(header.sform[:, :3], axis=0)
        if not lengths.min() > 0:
            raise GeometryError(f"{path} has an sform without volume; expected three axes; export it again") from error
        return (*header.pixdim_mm, header.time_step), header.sform[:, :3] / lengths, tuple(header.sform[:, 3].tolist())
    dimensions = reader.GetDimension()
    return reader.GetSpacing(), np.array(reader.GetDirection()).reshape(dimensions, dimensions), reader.GetOrigin()


def _contradictions(header: NiftiHeader, direction: NDArray[np.float64]) -> tuple[str, ...]:
    """Sentences on what the header leaves open or says twice, differently."""
    if header.sform is None and header.qform is None:
        return ("The file states no orientation (neither qform nor sform); left and right cannot be told from it.",)
    found = []
    if header.sform is not None:
        lengths = np.linalg.norm(header.sform[:, :3], axis=0)
        if not np.allclose(lengths, np.abs(header.pixdim_mm), rtol=_AGREE, atol=0):
            stated = " x ".join(f"{value:.4g}" for value in header.pixdim_mm)
            found.append(f"The sform contradicts the voxel spacing of the header; the spacing ({stated} mm) was used.")
    if header.sform is not None and header.qform is not None:
        sform_axes = header.sform[:, :3] / np.maximum(np.linalg.norm(header.sform[:, :3], axis=0), 1e-30)
        turned = np.abs(sform_axes - header.qform[:, :3]).max() > _AGREE
        moved = np.abs(header.sform[:, 3] - header.qform[:, 3]).max() > 0.1
        if turned or moved:
            used = "sform" if np.abs(direction[:3, :3] - sform_axes).max() <= _AGREE else "qform"
            found.append(f"The sform and the qform place the image differently; the {used} was used.")
    return tuple(found)
