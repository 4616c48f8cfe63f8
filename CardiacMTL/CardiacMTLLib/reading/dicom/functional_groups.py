"""The header of each frame of an enhanced multi-frame object (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from CardiacMTLLib.reading.dicom.values import View

_PHILIPS_ITEM = (0x2005, 0x140F)
"""Private sequence in which Philips repeats the classic header of a frame. It is asked last: its position may differ by half a
voxel from the public one."""


def frame_views(data: Dataset) -> list[View]:
    """One header a frame, or none where the object has no functional group for each of its frames.

    Some classic images carry an empty per-frame sequence; they are no enhanced objects.
    """
    per_frame = data.get("PerFrameFunctionalGroupsSequence")
    try:
        count = int(data.get("NumberOfFrames") or 0)
    except (TypeError, ValueError):
        return []
    if not per_frame or len(per_frame) != count:
        return []
    shared = [item for group in data.get("SharedFunctionalGroupsSequence") or () for item in _items(group)]
    return [View((*_items(group), *shared, data, *_private_items(group))) for group in per_frame]


def _items(group: Dataset) -> Iterator[Dataset]:
    """The items of a frame's functional groups, the private one apart."""
    for element in group:
        if isinstance(element.value, Sequence) and element.tag != _PHILIPS_ITEM:
            yield from element.value


def _private_items(group: Dataset) -> Iterator[Dataset]:
    element = group.get(_PHILIPS_ITEM)
    if element is not None and isinstance(element.value, Sequence):
        yield from element.value
