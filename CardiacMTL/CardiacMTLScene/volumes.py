"""Grey images as volume nodes: voxels and IJK-to-RAS matrix are handed over in memory, no file in between."""

from __future__ import annotations

from typing import Any

import slicer
import vtk

from CardiacMTLLib.errors import GeometryError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.volume import Image
from CardiacMTLScene.arrays import numpy_matrix, vtk_image, vtk_matrix


def new_volume(name: str, image_zyx: Image, geometry: Geometry, node_class: str = "vtkMRMLScalarVolumeNode") -> Any:
    """A volume node, in no scene yet, with a copy of `image_zyx` (z, y, x) at the place that `geometry` says."""
    node = getattr(slicer, node_class)()
    node.SetName(name)
    node.SetIJKToRASMatrix(vtk_matrix(geometry.ijk_to_ras))
    node.SetAndObserveImageData(vtk_image(image_zyx))
    return node


def add_volume(scene: Any, name: str, image_zyx: Image, geometry: Geometry) -> Any:
    """Add a vtkMRMLScalarVolumeNode with its display node to `scene` and return it."""
    node = scene.AddNode(new_volume(name, image_zyx, geometry))
    node.CreateDefaultDisplayNodes()
    return node


def empty_image(geometry: Geometry) -> Any:
    """A vtkOrientedImageData on this grid, all zeros."""
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(*geometry.size_xyz)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image.GetPointData().GetScalars().Fill(0)
    image.SetImageToWorldMatrix(vtk_matrix(geometry.ijk_to_ras))
    return image


def require_geometry(volume: Any, expected: Geometry) -> None:
    """Raise `GeometryError` where the grid of a volume node is not `expected`."""
    image = volume.GetImageData()
    if image is None:
        raise GeometryError("the volume has no voxels; expected the image that was analysed; choose it again")
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    if not Geometry.from_ijk_to_ras(numpy_matrix(matrix), tuple(image.GetDimensions())).matches(expected):
        raise GeometryError(
            "the volume's grid is not that of the analysed study; expected the same size and position; run the analysis again"
        )
