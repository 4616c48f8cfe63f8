"""Volume nodes that somebody chose, checked: what they hold, and where it lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk

from CardiacMTLLib.errors import GeometryError, InputError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.volume import Image
from CardiacMTLScene.arrays import image_array, numpy_matrix


def require_grey_volume(node: Any, name: str) -> None:
    """Raise `InputError`, beginning with `name`, where `node` is no vtkMRMLScalarVolumeNode with one value a voxel."""
    if node is None or not node.IsA("vtkMRMLVolumeNode"):
        kind = "missing" if node is None else f"no volume but a {node.GetNodeTagName()}"
        raise InputError(f"{name} is {kind}; expected a grey image; choose a cine MR volume")
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise InputError(f"{name} is a label map; expected a grey image; choose the image that it was drawn on")
    image = node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or image.GetNumberOfPoints() == 0:
        raise InputError(f"{name} has no image data; expected voxels; load it again")
    components = image.GetNumberOfScalarComponents()
    if components != 1:
        raise InputError(
            f"{name} holds {components} values a voxel (colours, vectors or a multi-volume); expected grey values; "
            "choose a scalar volume, or load the frames as a volume sequence"
        )
    if not node.IsA("vtkMRMLScalarVolumeNode"):
        raise InputError(f"{name} is a {node.GetNodeTagName()}; expected a grey image; choose a scalar volume")


def voxels_of(node: Any) -> Image:
    """The voxels (z, y, x) of a checked volume, integers as they are, other numbers as float32; shared where they can be."""
    voxels = image_array(node.GetImageData())
    return voxels.astype(np.float32 if voxels.dtype.kind == "f" else voxels.dtype, copy=False)


def grid_of(node: Any, name: str) -> Geometry:
    """The own grid of a checked volume, parent transforms left aside; raises `GeometryError` where it is none."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    try:
        return Geometry.from_ijk_to_ras(numpy_matrix(matrix), tuple(node.GetImageData().GetDimensions()))
    except GeometryError as error:
        raise GeometryError(f"{name}: {error}") from error
