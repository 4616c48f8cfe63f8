"""The segments of the LV wall as lines of the report's table."""

from __future__ import annotations

from dataclasses import dataclass

from CardiacMTLLib.measure.insertion import SegmentOrientation
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.segments import WallSegment, WallSegments
from CardiacMTLLib.report.wording import number_text


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A line: texts of title and numbers (a dash for none), class, and why there is no thickening.

    `before` are thickness at ED, at ES and thickening before a correction; None where nothing was corrected.
    """

    title: str
    ed: str
    es: str
    thickening: str
    kind: str
    reason: str | None
    before: str | None = None


def segment_rows(wall: WallSegments | None, original: WallSegments | None = None) -> list[SegmentRow]:
    """The lines of all segments; none without segments. `original` are those before a correction."""
    if wall is None:
        return []
    earlier = {} if original is None else {segment.number: segment for segment in original.segments}
    return [
        SegmentRow(
            f"{segment.number} {segment.name}",
            _text(segment.ed_mm),
            _text(segment.es_mm),
            _text(segment.thickening_percent),
            "" if segment.thickening_class is None else segment.thickening_class.value,
            segment.thickening_percent.reason,
            _before(earlier[segment.number]) if segment.number in earlier else None,
        )
        for segment in wall.segments
    ]


def orientation_is_assumed(wall: WallSegments | None) -> bool:
    """Whether anterior and inferior rest on the usual display, not on the file."""
    return wall is not None and wall.orientation is SegmentOrientation.DISPLAY_ASSUMED


def _before(segment: WallSegment) -> str:
    return ", ".join(_text(measured) for measured in (segment.ed_mm, segment.es_mm, segment.thickening_percent))


def _text(measurement: Measurement) -> str:
    return "-" if measurement.value is None else number_text(measurement.value, measurement.unit)
