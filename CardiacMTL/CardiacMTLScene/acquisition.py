"""`acquisition_plane`: a slice view in the plane of the short-axis stack, in the middle of the ventricle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label
from CardiacMTLLib.volume import Mask
from CardiacMTLScene.arrays import vtk_matrix
from CardiacMTLScene.transforms import rigid_to_world

_MARGIN = 1.5
"""The field of view is this many times as large as the heart."""


def mid_ventricular_slice(mask: Mask) -> int:
    """Index of the slice (z, from 0) in the middle of those that show the cavity of the LV, else any structure, else of all."""
    for hits in (mask == Label.LV, mask > 0):
        slices = np.flatnonzero(hits.any(axis=(1, 2)))
        if slices.size:
            return int(slices[slices.size // 2])
    return len(mask) // 2


def acquisition_plane(slice_node: Any, volume: Any, geometry: Geometry, mask: Mask) -> None:
    """Show the mid-ventricular slice of a (z, y, x) `mask` in a vtkMRMLSliceNode, as short-axis images are read.

    `geometry` is that of the study in standard axes: its x axis points to the right of the view, its y axis down. `volume`
    gives the parent transform. The slice passes through the voxels' centres, and the field of view is the heart with a margin,
    or the whole image without one. With one mask for several views all of them show the same place. Raises `InputError` for a
    parent transform that is not rigid.
    """
    z = mid_ventricular_slice(mask)
    low, high = _box(mask)
    to_world = rigid_to_world(volume) @ geometry.ijk_to_ras
    right, down, normal = (column / np.linalg.norm(column) for column in to_world[:3, :3].T)
    plane = np.eye(4)
    plane[:3, :3] = np.column_stack((right, -down, normal))
    plane[:3, 3] = (to_world @ [*((low + high) / 2), z, 1.0])[:3]
    width_mm, height_mm = (high - low + 1) * geometry.spacing_xyz_mm[:2]
    dimensions = slice_node.GetDimensions()
    across_mm = max(width_mm, height_mm * dimensions[0] / dimensions[1])
    modified = slice_node.StartModify()
    slice_node.GetSliceToRAS().DeepCopy(vtk_matrix(plane))
    slice_node.SetXYZOrigin(0.0, 0.0, 0.0)
    slice_node.SetFieldOfView(across_mm, across_mm * dimensions[1] / dimensions[0], slice_node.GetFieldOfView()[2])
    slice_node.UpdateMatrices()
    slice_node.EndModify(modified)


def show_only_in(node: Any, slice_nodes: Sequence[Any]) -> None:
    """Let a displayable node be seen in these views alone; in every view where there are none."""
    for position in range(node.GetNumberOfDisplayNodes()):
        display = node.GetNthDisplayNode(position)
        modified = display.StartModify()
        display.RemoveAllViewNodeIDs()
        for view in slice_nodes:
            display.AddViewNodeID(view.GetID())
        display.EndModify(modified)


def _box(mask: Mask) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last index (x, y) that the view shows: the heart with its margin, or all."""
    seen = np.argwhere(mask.any(axis=0))[:, ::-1].astype(float)
    if not len(seen):
        return np.zeros(2), np.array(mask.shape[:0:-1], dtype=float) - 1
    low, high = seen.min(axis=0), seen.max(axis=0)
    margin = (high - low + 1) * (_MARGIN - 1) / 2
    return low - margin, high + margin
