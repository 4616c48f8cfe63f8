"""`corrected_masks`: the segmentations of ED and ES, as a reader left them, back as masks in the study's standard axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import STRUCTURES, Label, Phase
from CardiacMTLLib.terms import structure_terms
from CardiacMTLLib.volume import CineStudy, Mask
from CardiacMTLScene.arrays import image_array, numpy_matrix, vtk_matrix
from CardiacMTLScene.scene_nodes import SceneNodes
from CardiacMTLScene.segmentations import segment_id
from CardiacMTLScene.transforms import rigid_to_world
from CardiacMTLScene.volumes import empty_image

_LABELMAP = "Binary labelmap"


def corrected_masks(nodes: SceneNodes, study: CineStudy) -> dict[Phase, Mask]:
    """The (z, y, x) masks of the segmentations in `nodes`, values of `Label`, on the grid of `study` and in its standard axes.

    A structure is the segment of its ID, whatever its name, else the only one with its terminology code; all other
    segments are passed over. Segments of another resolution or representation are sampled at the voxels' centres; where
    segments overlap, the cavity of the LV counts before the myocardium, and that before the RV. A segmentation that stands
    under another transform than its volume is read where it stands.

    The scene is not changed. Raises `InputError` for a segmentation that is gone, a segment that is missing or there twice, and
    transforms that are not rigid.
    """
    return {phase: _mask(node, phase, nodes.volumes.get(phase), study.geometry) for phase, node in nodes.segmentations.items()}


def _mask(node: Any, phase: Phase, volume: Any, grid: Geometry) -> Mask:
    if node.GetScene() is None:
        raise InputError(f"the segmentation of {phase} is not in the scene any more; expected it there; run the study again")
    readable, to_volume = _with_labelmaps(node), _to_volume(node, volume)
    mask = np.zeros(grid.shape_zyx, dtype=np.uint8)
    for label in sorted(STRUCTURES):
        mask[_region(readable, _segment_of(node, label), to_volume, grid)] = label
    return mask


def _segment_of(node: Any, label: Label) -> str:
    """The ID of the segment that is the structure `label` of a segmentation."""
    segmentation, term = node.GetSegmentation(), structure_terms()[label]
    ids: list[str] = [segmentation.GetNthSegmentID(position) for position in range(segmentation.GetNumberOfSegments())]
    if segment_id(label) in ids:
        return segment_id(label)
    mark = f"~{term.kind.scheme}^{term.kind.value}^"
    alike = [name for name in ids if mark in (segmentation.GetSegment(name).GetTerminology() or "")]
    if len(alike) != 1:
        raise InputError(
            f"{node.GetName()} has {len(alike) or 'no'} segments for {term.name}; expected one with its terminology; "
            "undo the removal, or code one segment as this structure"
        )
    return alike[0]


def _with_labelmaps(node: Any) -> Any:
    """`node` where labelmaps are what is edited, else a copy outside the scene with labelmaps made from what is."""
    segmentation = node.GetSegmentation()
    if segmentation.GetSourceRepresentationName() == _LABELMAP:
        return node
    copy = slicer.vtkMRMLSegmentationNode()
    inner = slicer.vtkSegmentation()
    inner.DeepCopy(segmentation)
    inner.CreateRepresentation(_LABELMAP, True)
    copy.SetAndObserveSegmentation(inner)
    return copy


def _to_volume(node: Any, volume: Any) -> NDArray[np.float64]:
    """(4, 4) matrix from the segmentation's own RAS to the volume's; the identity where the volume is gone."""
    if volume is None or node.GetTransformNodeID() == volume.GetTransformNodeID():
        return np.eye(4)
    return np.asarray(np.linalg.inv(rigid_to_world(volume)) @ rigid_to_world(node))


def _region(node: Any, segment: str, to_volume: NDArray[np.float64], grid: Geometry) -> NDArray[np.bool_]:
    """Voxels (z, y, x) of `grid` whose centres lie in a segment."""
    image, sampled = slicer.vtkOrientedImageData(), slicer.vtkOrientedImageData()
    if not node.GetBinaryLabelmapRepresentation(segment, image) or image.GetNumberOfPoints() == 0:
        return np.zeros(grid.shape_zyx, dtype=bool)
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    image.SetImageToWorldMatrix(vtk_matrix(to_volume @ numpy_matrix(matrix)))
    resample = slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage
    if not resample(image, empty_image(grid), sampled):
        raise InputError(f"{node.GetName()} cannot be sampled on the study's grid; expected a labelmap; run the study again")
    return np.asarray(image_array(sampled) != 0)
