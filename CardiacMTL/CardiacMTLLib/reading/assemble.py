"""A `StoredImage` becomes a `CineStudy`: true slice spacing, standard axes, frame numbers checked."""

from __future__ import annotations

from pathlib import Path

from CardiacMTLLib.errors import GeometryError, InputError
from CardiacMTLLib.geometry import standard_order
from CardiacMTLLib.reading.options import ReadOptions
from CardiacMTLLib.reading.slice_spacing import resolve_slices
from CardiacMTLLib.reading.stored_image import StoredImage
from CardiacMTLLib.volume import CineStudy, Patient, StoredGrid


def assemble_study(
    image: StoredImage,
    path: Path,
    options: ReadOptions,
    patient: Patient | None = None,
    warnings: tuple[str, ...] = (),
    *,
    slice_axis: int | None = None,
) -> CineStudy:
    """The study of one stored image; `path` is named in errors, `patient` is what the files say.

    `slice_axis` (0, 1 or 2) is given where the acquisition tells it, and the spacing with it; else the spacing tells.
    `options.ed_frame` and `options.es_frame` number the image's frames from 0. Raises `InputError` where they are not
    there or the same, and where voxels are not finite; `GeometryError` where the slice spacing is missing.
    """
    for name, frame in (("ED", options.ed_frame), ("ES", options.es_frame)):
        if frame is not None and not 0 <= frame < len(image.frames):
            raise InputError(
                f"{name} is frame {frame + 1} (counted from 1) but {path} has {len(image.frames)}; correct the frame number"
            )
    if options.ed_frame is not None and options.ed_frame == options.es_frame:
        raise InputError(f"ED and ES of {path} are both frame {options.ed_frame + 1} (counted from 1); expected two frames")
    try:
        geometry, warned = image.geometry, (*warnings, *image.warnings)
        if slice_axis is None:
            geometry, slice_axis, spacing_warnings = resolve_slices(image.geometry, options.slice_spacing_mm)
            warned = (*warned, *spacing_warnings)
        order = standard_order(geometry, slice_axis)
        return CineStudy(
            frames=order.apply(image.frames),
            geometry=order.geometry(geometry),
            stored=StoredGrid(image.geometry, order, image.time_step, image.time_origin),
            frame_times_ms=image.frame_times_ms,
            ed_frame=options.ed_frame,
            es_frame=options.es_frame,
            patient=options.patient_over(patient or Patient()),
            warnings=tuple(dict.fromkeys(warned)),
        )
    except GeometryError as error:
        raise GeometryError(f"{path}: {error}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
