"""An ED and an ES image become a study of two frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.reading.assemble import assemble_study
from CardiacMTLLib.reading.image_file import read_image
from CardiacMTLLib.reading.options import ReadOptions
from CardiacMTLLib.reading.stored_image import StoredImage
from CardiacMTLLib.volume import CineStudy, Patient


def read_two_phases(
    ed: Path, es: Path, options: ReadOptions, patient: Patient | None = None, warnings: tuple[str, ...] = ()
) -> CineStudy:
    """The study whose frame 0 is the image `ed` and frame 1 the image `es`; frame numbers in `options` play no part.

    Raises `InputError` where an image has more than one frame or the two do not share one grid.
    """
    images = (_one_frame(ed), _one_frame(es))
    if not images[0].geometry.matches(images[1].geometry):
        raise InputError(
            f"ED and ES lie on different grids ({_words(images[0].geometry)} in {ed}, {_words(images[1].geometry)} in {es}); "
            "expected one geometry; export both from the same series"
        )
    both = StoredImage(
        np.concatenate([image.frames for image in images]),
        images[0].geometry,
        warnings=(*images[0].warnings, *images[1].warnings),
    )
    return assemble_study(both, ed, replace(options, ed_frame=0, es_frame=1), patient, warnings)


def _one_frame(path: Path) -> StoredImage:
    image = read_image(path)
    if len(image.frames) != 1:
        raise InputError(f"{path} has {len(image.frames)} frames; expected the single frame of one phase; give the cine alone")
    return image


def _words(geometry: Geometry) -> str:
    size = " x ".join(str(count) for count in geometry.size_xyz)
    spacing = " x ".join(f"{value:.4g}" for value in geometry.spacing_xyz_mm)
    origin = ", ".join(f"{value:.4g}" for value in geometry.origin_xyz_mm)
    return f"{size} voxels of {spacing} mm from ({origin})"
