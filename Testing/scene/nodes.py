"""What the tests read out of MRML nodes, written apart from the code that fills them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.geometry import Geometry


def voxel_positions(geometry: Geometry) -> NDArray[np.float64]:
    """RAS position of every voxel, in the order of a raveled (z, y, x) array."""
    indices = np.indices(geometry.shape_zyx).reshape(3, -1)[::-1].T
    return indices @ geometry.ijk_to_ras[:3, :3].T + geometry.ijk_to_ras[:3, 3]


def node_named(scene: Any, name: str) -> Any:
    """The one node of this name that is neither hidden nor a sequence of a shown volume."""
    nodes = [scene.GetNthNode(position) for position in range(scene.GetNumberOfNodes())]
    found = [node for node in nodes if node.GetName() == name and not node.IsA("vtkMRMLSequenceNode")]
    assert len(found) == 1, f"{len(found)} nodes are named {name}"
    return found[0]


def ijk_to_ras(volume: Any) -> NDArray[np.float64]:
    """(4, 4) matrix of a volume node."""
    import vtk  # noqa: PLC0415 - optional

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return as_array(matrix)


def as_array(matrix: Any) -> NDArray[np.float64]:
    """A vtkMatrix4x4 as (4, 4) array."""
    return np.array([matrix.GetElement(row, column) for row in range(4) for column in range(4)]).reshape(4, 4)


def segment_voxels(segmentation: Any, segment: str) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Voxels (z, y, x) of a segment, and the matrix from their (x, y, z) indices to RAS."""
    import slicer  # noqa: PLC0415 - optional
    import vtk  # noqa: PLC0415 - optional
    from vtk.util.numpy_support import vtk_to_numpy  # noqa: PLC0415 - optional

    image, matrix = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4()
    assert segmentation.GetBinaryLabelmapRepresentation(segment, image)
    image.GetImageToWorldMatrix(matrix)
    result, extent = as_array(matrix), image.GetExtent()
    result[:3, 3] += result[:3, :3] @ [extent[0], extent[2], extent[4]]
    x, y, z = image.GetDimensions()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(z, y, x) != 0, result


def values_at(voxels: NDArray[Any], matrix: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[Any]:
    """Voxel values at RAS positions (n, 3), each of which must be a voxel's centre; 0 outside the array."""
    inverse = np.linalg.inv(matrix)
    exact = places @ inverse[:3, :3].T + inverse[:3, 3]
    index = np.round(exact).astype(int)
    assert np.abs(exact - index).max() < 1e-3
    size = np.array(voxels.shape)[::-1]
    inside = ((index >= 0) & (index < size)).all(axis=1)
    result = np.zeros(len(places), dtype=voxels.dtype)
    x, y, z = index[inside].T
    result[inside] = voxels[z, y, x]
    return result


def table_rows(node: Any) -> tuple[list[str], list[list[str]]]:
    """Column names and rows of a table node."""
    columns = [node.GetColumnName(column) for column in range(node.GetNumberOfColumns())]
    rows = [[node.GetCellText(row, column) for column in range(len(columns))] for row in range(node.GetNumberOfRows())]
    return columns, rows
