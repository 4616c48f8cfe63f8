"""Masks as segmentation nodes: three coded, coloured segments that share one labelmap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import slicer

from CardiacMTLLib.errors import OutputError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import STRUCTURES, Label
from CardiacMTLLib.report.palette import STRUCTURE_COLORS
from CardiacMTLLib.terms import Rgb, structure_terms
from CardiacMTLLib.volume import Mask
from CardiacMTLScene.arrays import vtk_image, vtk_matrix
from CardiacMTLScene.terminology import coded_entries

BINARY_LABELMAP = "Binary labelmap"
"""Slicer's name of the representation."""

FILL_OPACITY_2D = 0.3
"""Opacity of a segment's area on slices: the image stays readable below it; the outline is opaque."""


class ColorSet(StrEnum):
    """Which colours the segments get; the standard ones of LV and RV are hard to tell apart."""

    STANDARD = "standard"
    HIGH_CONTRAST = "high contrast"


@dataclass(frozen=True, slots=True)
class SegmentStyle:
    """Serialized terminology entry and colour of each structure's segment."""

    entries: Mapping[Label, str]
    colors: Mapping[Label, Rgb]


def segment_style(terminologies: Any, colors: ColorSet) -> SegmentStyle:
    """The style of all segments; `terminologies` and errors as in `terminology.coded_entries`."""
    standard = {label: term.color for label, term in structure_terms().items()}
    return SegmentStyle(coded_entries(terminologies), STRUCTURE_COLORS if colors is ColorSet.HIGH_CONTRAST else standard)


def segment_id(label: Label) -> str:
    """The ID of a structure's segment in every segmentation made here."""
    return label.name


def add_segmentation(scene: Any, name: str, mask: Mask, geometry: Geometry, volume: Any, style: SegmentStyle) -> Any:
    """Add a vtkMRMLSegmentationNode of `mask` (z, y, x; values of `Label`) on `geometry` to `scene` and return it.

    `volume` is the image it was drawn on: it gives the reference geometry, and its parent transform is followed. A
    structure that the mask lacks gets an empty segment. Raises `OutputError` where Slicer does not take the mask.
    """
    node = scene.AddNode(new_segmentation(name, mask, geometry, style))
    show_segments(node)
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    return node


def new_segmentation(name: str, mask: Mask, geometry: Geometry, style: SegmentStyle) -> Any:
    """A segmentation node of `mask`, in no scene yet; arguments and errors as `add_segmentation`.

    All segments share the one labelmap, a segment for each of its values. Slicer's own import makes the same of it, but
    complains, once a frame of a cine, of a node that is in no scene.
    """
    node = slicer.vtkMRMLSegmentationNode()
    node.SetName(name)
    labelmap = slicer.vtkOrientedImageData()
    labelmap.ShallowCopy(vtk_image(mask))
    labelmap.SetGeometryFromImageToWorldMatrix(vtk_matrix(geometry.ijk_to_ras))
    for label in STRUCTURES:
        segment = _empty_segment(label, style)
        segment.SetLabelValue(int(label))
        taken = segment.AddRepresentation(BINARY_LABELMAP, labelmap)
        if not (taken and node.GetSegmentation().AddSegment(segment, segment_id(label))):
            raise OutputError(f"Slicer did not take the mask of {name}; expected three segments; free memory and try again")
    return node


def show_segments(node: Any) -> None:
    """Give a segmentation in a scene its display: a faint fill with a clear outline on slices.

    It is set for the whole node: what is set for single segments is lost when a sequence brings its next frame.
    """
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetOpacity2DFill(FILL_OPACITY_2D)
    display.SetOpacity2DOutline(1.0)


def _empty_segment(label: Label, style: SegmentStyle) -> Any:
    segment = slicer.vtkSegment()
    segment.SetName(structure_terms()[label].name)
    segment.SetColor(*(value / 255 for value in style.colors[label]))
    segment.SetTerminology(style.entries[label])
    return segment
