"""Phantoms as files, as a user would load them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardiacMTLLib.errors import OutputError
from CardiacMTLLib.phantom.phantom import PhantomStudy


def write_phantom(phantom: PhantomStudy, path: Path) -> None:
    """Write the images to `path` in the grid's own axes: a 4D file (NIfTI, NRRD), a 3D one for a single frame.

    The fourth axis is time in seconds after the R wave, evenly spaced from ED. Raises `OutputError` where the file cannot be
    written.
    """
    study = phantom.study
    geometry = study.stored.geometry
    volumes = []
    for frame in study.frames:
        volume = sitk.GetImageFromArray(np.ascontiguousarray(study.stored.order.undo(frame)))
        volume.SetSpacing(geometry.spacing_xyz_mm)
        volume.SetDirection(geometry.direction)
        volume.SetOrigin(geometry.origin_xyz_mm)
        volumes.append(volume)
    image = volumes[0]
    if len(volumes) > 1:
        times_ms = study.frame_times_ms or tuple(range(len(volumes)))
        image = sitk.JoinSeries(volumes, 0.0, (times_ms[1] - times_ms[0]) / 1000)
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        raise OutputError(f"phantom was not written to {path}; expected a writable .nii.gz or .nrrd path") from error
