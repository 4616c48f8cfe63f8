"""What a node's parent transforms do to it: rigid ones are followed, all others are refused.

A study is always analysed on its image's own grid, as the scanner gave it, whatever transform the image stands under: so the
masks are the same wherever the image was moved to. Results stand under the image's transform, and move with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray

from CardiacMTLLib.errors import InputError
from CardiacMTLScene.arrays import numpy_matrix

_TOLERANCE = 1e-3
"""Deviation from a rotation that is rounding: 0.1 % of length, 0.06 degrees."""


def rigid_to_world(node: Any) -> NDArray[np.float64]:
    """The (4, 4) matrix of the parent transforms of `node`, RAS to RAS in mm; the identity where it has none.

    Raises `InputError` where they warp, scale, shear or mirror: volumes in millilitres would then not be those of the image.
    """
    parent = node.GetParentTransformNode()
    if parent is None:
        return np.eye(4)
    matrix = vtk.vtkMatrix4x4()
    if not parent.IsTransformToWorldLinear():
        raise _refusal(node, parent, "warps it")
    parent.GetMatrixTransformToWorld(matrix)
    to_world = numpy_matrix(matrix)
    turn = to_world[:3, :3]
    if np.abs(turn.T @ turn - np.eye(3)).max() > _TOLERANCE:
        raise _refusal(node, parent, "scales or shears it")
    if np.linalg.det(turn) < 0:
        raise _refusal(node, parent, "mirrors it")
    return to_world


def _refusal(node: Any, parent: Any, what: str) -> InputError:
    return InputError(
        f"{node.GetName()} stands under the transform {parent.GetName()}, which {what}; expected none, or rotation and shift "
        "alone; take it out of the transform, or choose the image as the scanner gave it"
    )
