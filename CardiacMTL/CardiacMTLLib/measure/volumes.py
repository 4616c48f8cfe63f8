"""Volumes of a mask: voxels counted, times the volume of a voxel."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import STRUCTURES, Label
from CardiacMTLLib.volume import Mask

ONE_SLICE = "the study has one slice; a volume needs at least two"


def structure_volumes_ml(mask: Mask, geometry: Geometry) -> Mapping[Label, float]:
    """Volume in mL of each structure in a (z, y, x) mask: the disc summation (modified Simpson) that SCMR recommends.

    Source: Schulz-Menger et al., JCMR 2020;22:19. An empty structure has volume 0; whether that is a measurement is for
    the caller to say.
    """
    counts = {structure: sum(np.count_nonzero(plane == structure) for plane in mask) for structure in STRUCTURES}
    return {structure: float(count) * geometry.voxel_volume_ml for structure, count in counts.items()}
