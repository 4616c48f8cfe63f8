"""The masks of a whole cycle as a sequence of segmentations that plays with the images; for looking, not for editing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import slicer

from CardiacMTLLib.errors import OutputError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.steps import Steps, finished
from CardiacMTLLib.volume import Mask
from CardiacMTLScene.cine import CineNodes, add_to_browser
from CardiacMTLScene.segmentations import SegmentStyle, new_segmentation, show_segments
from CardiacMTLScene.volumes import empty_image


def add_cine_masks(scene: Any, name: str, masks: Mask, geometry: Geometry, cine: CineNodes, style: SegmentStyle) -> CineNodes:
    """Add (t, z, y, x) `masks`, one for each frame of `cine` and on its grid `geometry`, to its sequence browser.

    Raises as `mask_sequence` and `add_mask_sequence` do.
    """
    return add_mask_sequence(scene, finished(mask_sequence(name, masks, geometry, cine.sequence, style)), cine)


def mask_sequence(name: str, masks: Mask, geometry: Geometry, images: Any, style: SegmentStyle) -> Steps[Any]:
    """A sequence, in no scene yet, of the masks of the frames of the sequence `images`; a step a frame.

    Only the box that holds the heart is stored. Raises `OutputError` where Slicer does not take the masks.
    """
    box, box_geometry = _heart_box(masks, geometry)
    sequence = _like(images, name)
    whole = slicer.vtkSegmentationConverter.SerializeImageGeometry(empty_image(geometry))
    for number, mask in enumerate(masks):
        node = new_segmentation(name, np.ascontiguousarray(mask[box]), box_geometry, style)
        parameter = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
        node.GetSegmentation().SetConversionParameter(parameter, whole)
        sequence.SetDataNodeAtValue(node, images.GetNthIndexValue(number))
        yield
    return sequence


def add_mask_sequence(scene: Any, sequence: Any, cine: CineNodes) -> CineNodes:
    """Let the browser of `cine` play a `mask_sequence`.

    The shown segmentation follows the transform of the shown volume. Edits of it are lost with the next frame: nothing is
    recorded, and changes are not kept. Raises `OutputError` where Slicer does not show it.
    """
    scene.AddNode(sequence)
    made = add_to_browser(cine.browser, sequence)
    if made.shown is None:
        raise OutputError(
            f"Slicer did not show {sequence.GetName()}; expected a segmentation in the browser; free memory and try again"
        )
    show_segments(made.shown)
    if cine.shown is not None:
        made.shown.SetAndObserveTransformNodeID(cine.shown.GetTransformNodeID())
    return made


def _like(images: Any, name: str) -> Any:
    """An empty sequence with the index of another."""
    sequence = slicer.vtkMRMLSequenceNode()
    sequence.SetName(name)
    sequence.SetIndexType(images.GetIndexType())
    sequence.SetIndexName(images.GetIndexName())
    sequence.SetIndexUnit(images.GetIndexUnit())
    sequence.SetNumericIndexValueTolerance(images.GetNumericIndexValueTolerance())
    return sequence


def _heart_box(masks: Mask, geometry: Geometry) -> tuple[tuple[slice, ...], Geometry]:
    """The box (z, y, x) that holds every structure of all frames, and its grid; one voxel where there is none."""
    hits = np.argwhere(masks.any(axis=0))
    low, high = (hits.min(axis=0), hits.max(axis=0) + 1) if len(hits) else (np.zeros(3, int), np.ones(3, int))
    corner = geometry.index_to_lps @ [*low[::-1], 1.0]
    x, y, z = (int(count) for count in (high - low)[::-1])
    grid = replace(geometry, size_xyz=(x, y, z), origin_xyz_mm=(float(corner[0]), float(corner[1]), float(corner[2])))
    return tuple(slice(int(start), int(stop)) for start, stop in zip(low, high, strict=True)), grid
