"""Negatives that come with pydicom: its own test images of other body parts and modalities, none of them a short-axis heart."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
from numpy.typing import NDArray

from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.volume import CineStudy, StoredGrid

SINGLE_IMAGES = ("MR_small.dcm", "CT_small.dcm", "examples_overlay.dcm", "image_dfl.dcm")
"""Single grey images (MR, CT, MR, secondary capture), uncompressed."""

SERIES = ("MR1", "MR2", "MR700")
"""Folders of MR series within `dicomdirtests/98892003`."""

N_SLICES, SLICE_DISTANCE_MM = 10, 8.0
"""Stack that a single image is repeated to."""


def pydicom_studies() -> Iterator[tuple[str, CineStudy]]:
    """Name and study of each image or series, all from the installed package: nothing is fetched.

    A single image becomes every slice of a stack, and each study has ED and ES with equal images. An image without a pixel
    spacing gets one that makes it 300 mm wide.
    """
    root = Path(pydicom.data.__file__).parent / "test_files"
    for name in SINGLE_IMAGES:
        pixels, spacing_mm = _read(root / name)
        yield name, _study(np.repeat(pixels[None], N_SLICES, axis=0), spacing_mm)
    for name in SERIES:
        images = [_read(path) for path in sorted((root / "dicomdirtests" / "98892003" / name).iterdir())]
        yield name, _study(np.stack([pixels for pixels, _ in images]), images[0][1])


def _read(path: Path) -> tuple[NDArray[np.float32], float]:
    """Grey values (y, x) and pixel spacing in mm."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = pydicom.dcmread(path)
        pixels = data.pixel_array.astype(np.float32)
    listed = data.get("PixelSpacing")
    return pixels, float(listed[0]) if listed else 300 / pixels.shape[1]


def _study(stack: NDArray[np.float32], spacing_mm: float) -> CineStudy:
    n_slices, height, width = stack.shape
    geometry = Geometry((width, height, n_slices), (spacing_mm, spacing_mm, SLICE_DISTANCE_MM))
    return CineStudy(np.stack([stack, stack]), geometry, StoredGrid(geometry, AxisOrder()), ed_frame=0, es_frame=1)
