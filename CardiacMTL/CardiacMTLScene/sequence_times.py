"""When the frames of a sequence were taken, as its index, the headers of its images or the attributes of its import say."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import slicer

from CardiacMTLLib.reading.frame_times import MS_PER_UNIT, believable_times_ms
from CardiacMTLScene.cine_input import CineInput
from CardiacMTLScene.patient_facts import TagReader

TRIGGER_TIME = "0018,1060"
"""Of one image: milliseconds after the R wave (DICOM PS3.3, C.8.3.1)."""

_INSTANCES = "DICOM.instanceUIDs"

_LABELS = "MultiVolume.FrameLabels"
_LABEL_UNIT = "MultiVolume.FrameIdentifyingDICOMTagUnits"
_LABEL_TAG = "MultiVolume.FrameIdentifyingDICOMTagName"
"""Attributes that Slicer's MultiVolumeImporter writes: comma-separated values, their unit, and the tag that they come from."""

_GAP = 1.5
"""A step this many times the usual one is a gap."""


def frame_times_ms(cine: CineInput, tag_value: TagReader | None = None) -> tuple[float, ...] | None:
    """Times of the frames in milliseconds, or None where nothing believable says them.

    The index of the sequence counts where it is a number in a unit of time; else the trigger times of the images that each
    frame names, which `tag_value` reads, the median of the slices as for DICOM folders; else the frame labels of the
    multi-volume import, found on the sequence, its browser, the shown volume or the first frame.
    """
    sequence = cine.sequence
    unit = MS_PER_UNIT.get((sequence.GetIndexUnit() or "").strip().lower())
    if sequence.GetIndexType() == slicer.vtkMRMLSequenceNode.NumericIndex and unit:
        times = _believable(_index_values(sequence), unit)
        if times is not None:
            return times
    times = None if tag_value is None else _trigger_times(sequence, tag_value)
    if times is not None:
        return times
    for node in (sequence, cine.browser, cine.shown, sequence.GetNthDataNode(0)):
        labels = None if node is None else node.GetAttribute(_LABELS)
        if labels and _label_unit_ms(node):
            times = _believable(labels.split(","), _label_unit_ms(node))
            if times is not None and len(times) == sequence.GetNumberOfDataNodes():
                return times
    return None


def gap_warnings(cine: CineInput) -> tuple[str, ...]:
    """A sentence where the index of the sequence, a time or a number, jumps as if frames were missing."""
    try:
        values = [float(value) for value in _index_values(cine.sequence)]
    except ValueError:
        return ()
    steps = [later - earlier for earlier, later in pairwise(values)]
    usual = statistics.median_low(steps) if steps else 0.0
    after = [str(number + 1) for number, step in enumerate(steps) if usual > 0 and step > _GAP * usual]
    return (f"The cine seems to lack frames after frame {', '.join(after)}: its index jumps there.",) if after else ()


def _trigger_times(sequence: Any, tag_value: TagReader) -> tuple[float, ...] | None:
    times = []
    for number in range(sequence.GetNumberOfDataNodes()):
        uids = (sequence.GetNthDataNode(number).GetAttribute(_INSTANCES) or "").split()
        try:
            times.append(statistics.median(float(tag_value(uid, TRIGGER_TIME)) for uid in uids))
        except ValueError:  # no images, or one without a time
            return None
    return believable_times_ms(times)


def _index_values(sequence: Any) -> list[str]:
    return [sequence.GetNthIndexValue(number) for number in range(sequence.GetNumberOfDataNodes())]


def _label_unit_ms(node: Any) -> float:
    """Milliseconds per unit of the labels; 0 where they are no times."""
    unit = (node.GetAttribute(_LABEL_UNIT) or "").strip().lower()
    is_trigger_time = (node.GetAttribute(_LABEL_TAG) or "TriggerTime") == "TriggerTime"
    return MS_PER_UNIT.get(unit, 0.0) if unit else 1.0 if is_trigger_time else 0.0


def _believable(texts: Sequence[str], ms_per_unit: float) -> tuple[float, ...] | None:
    try:
        return believable_times_ms([float(text) * ms_per_unit for text in texts])
    except ValueError:
        return None
