"""`StoredImage`: one image file as it lies on disk, before its axes are put in standard order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import GeometryError
from CardiacMTLLib.geometry import Geometry, is_orthonormal, nearest_rotation
from CardiacMTLLib.volume import Image


@dataclass(frozen=True, slots=True, eq=False)
class StoredImage:
    """Frames (t, z, y, x) in the file's own axes, with the file's own geometry.

    `time_step` and `time_origin` are spacing and origin of the fourth axis as the file has them; `frame_times_ms` are
    given only where the file states them in a known unit. `warnings` are sentences for the user.
    """

    frames: Image
    geometry: Geometry
    time_step: float = 1.0
    time_origin: float = 0.0
    frame_times_ms: tuple[float, ...] | None = None
    warnings: tuple[str, ...] = ()


def grid_of_file(
    size: Sequence[int], spacing: Sequence[float], direction: NDArray[np.float64], origin: Sequence[float]
) -> tuple[Geometry, tuple[str, ...]]:
    """Geometry of a file's first three axes, and a warning where its directions had to be mended.

    Sequences are in x, y, z (t) order; `direction` is (3, 3) or (4, 4) in LPS. Directions that are off by rounding become
    the nearest rotation. Raises `GeometryError` for sheared axes, and where the time axis is mixed with a spatial one.
    """
    if np.abs(direction[3:, :3]).sum() + np.abs(direction[:3, 3:]).sum() > 0:
        raise GeometryError(
            "the time axis has a direction in space; expected three spatial axes and time; store the image anew"
        )
    spatial = direction[:3, :3]
    rotation, deviation = nearest_rotation(spatial)
    mended = not is_orthonormal(spatial)
    geometry = Geometry(
        (size[0], size[1], size[2]),
        (spacing[0], spacing[1], spacing[2]),
        rotation if mended else tuple(spatial.ravel().tolist()),
        (origin[0], origin[1], origin[2]),
    )
    if not mended:
        return geometry, ()
    return geometry, (f"Voxel axes are {deviation:.4f} degrees off right angles; the nearest right-angled axes were used.",)
