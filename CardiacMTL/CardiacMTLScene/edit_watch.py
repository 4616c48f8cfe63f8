"""`edit_watch`: tells when the content of a segmentation changes, as by a stroke in the Segment Editor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
import vtk


class EditWatch:
    """Observers of one segmentation, until `stop`; it keeps neither the node nor its scene alive."""

    def __init__(self, segmentation: Any, callback: Callable[[], None]) -> None:
        self._node = vtk.vtkWeakReference()
        self._node.Set(segmentation)
        events = (
            slicer.vtkSegmentation.SourceRepresentationModified,
            slicer.vtkSegmentation.SegmentAdded,
            slicer.vtkSegmentation.SegmentRemoved,
        )
        self._tags = [segmentation.AddObserver(event, lambda *_: callback()) for event in events]

    def stop(self) -> None:
        """Observe no longer; nothing where it was stopped before, or the node is gone."""
        node, tags, self._tags = self._node.Get(), self._tags, []
        for tag in tags if node is not None else ():
            node.RemoveObserver(tag)


def edit_watch(segmentation: Any, callback: Callable[[], None]) -> EditWatch:
    """Call `callback` whenever voxels or surfaces of a segment change, and when a segment is added or removed, until `stop`.

    Names, colours, visibility and derived representations (a 3D view) do not count. One stroke may call more than once. A
    change that is undone counts, too: whether the masks differ in the end is for `corrected_masks` to tell.
    """
    return EditWatch(segmentation, callback)
