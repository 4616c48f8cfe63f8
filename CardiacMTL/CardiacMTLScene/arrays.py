"""Arrays and matrices on their way into VTK and back; nothing here knows of a scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import get_vtk_array_type, vtk_to_numpy

from CardiacMTLLib.volume import Image


def vtk_image(image_zyx: Image) -> Any:
    """A vtkImageData with a copy of `image_zyx` (z, y, x), of the nearest voxel type that Slicer shows and stores.

    Booleans become uint8, half floats float32, and 64-bit integers int32, or float64 where they do not fit.
    """
    voxels = image_zyx.astype(_shown_type(image_zyx), copy=False)
    image = vtk.vtkImageData()
    image.SetDimensions(*reversed(voxels.shape))
    image.AllocateScalars(get_vtk_array_type(voxels.dtype), 1)
    image_array(image)[...] = voxels
    return image


def image_array(image: Any) -> NDArray[Any]:
    """The voxels of a one-component vtkImageData as a (z, y, x) view."""
    x, y, z = image.GetDimensions()
    return np.asarray(vtk_to_numpy(image.GetPointData().GetScalars())).reshape(z, y, x)


def vtk_matrix(matrix: NDArray[np.float64]) -> Any:
    """A (4, 4) matrix as vtkMatrix4x4."""
    result = vtk.vtkMatrix4x4()
    result.DeepCopy(matrix.ravel().tolist())
    return result


def numpy_matrix(matrix: Any) -> NDArray[np.float64]:
    """A vtkMatrix4x4 as (4, 4) array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def _shown_type(image: Image) -> np.dtype[Any]:
    kind, size = image.dtype.kind, image.dtype.itemsize
    if kind == "b":
        return np.dtype(np.uint8)
    if kind == "f":
        return np.dtype(np.float64 if size > 4 else np.float32)
    if size < 8:
        return image.dtype.newbyteorder("=")
    limits = np.iinfo(np.int32)
    fits = image.size == 0 or (limits.min <= image.min() and image.max() <= limits.max)
    return np.dtype(np.int32 if fits else np.float64)
