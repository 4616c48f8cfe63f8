"""Wall thickness and thickening of the segments of the American Heart Association, as items of the report's groups."""

from __future__ import annotations

from collections import defaultdict

from highdicom.sr import ContentItem, Measurement

from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.measurement import Measurement as Measured
from CardiacMTLLib.measure.segments import WallSegment, WallSegments
from CardiacMTLLib.report.dicom.codes import SEGMENT_SITES, WALL_THICKENING, WALL_THICKNESS, Part, Place
from CardiacMTLLib.report.dicom.concepts import CARDIAC_CYCLE_POINT, CYCLE_POINTS, NOT_MEASURED, UNITS
from CardiacMTLLib.report.dicom.content import number, text_item


def wall_items(wall: WallSegments | None, place: Place) -> tuple[list[Measurement], list[ContentItem]]:
    """Thickness at ED or ES in the group of that wall, thickening in that of LV function; a sentence a reason for the rest."""
    phase = place[1] if not isinstance(place, Part) and place[0] is Label.MYOCARDIUM else None
    if wall is None or (phase is None and place is not Part.LV):
        return [], []
    name = WALL_THICKENING if phase is None else WALL_THICKNESS
    modifiers = [] if phase is None else [(CARDIAC_CYCLE_POINT, CYCLE_POINTS[phase])]
    numbers = []
    missing: defaultdict[str, list[str]] = defaultdict(list)
    for segment in wall.segments:
        measured = _of(segment, phase)
        if measured.value is None:
            missing[str(measured.reason)].append(str(segment.number))
            continue
        value, unit = round(measured.value, 3), UNITS[measured.unit]
        numbers.append(number(name, value, unit, site=SEGMENT_SITES[segment.number], modifiers=modifiers))
    title = name.meaning
    sentences = [
        text_item(NOT_MEASURED, f"{title} of AHA segment {', '.join(listed)}: {reason}") for reason, listed in missing.items()
    ]
    return numbers, list(sentences)


def _of(segment: WallSegment, phase: Phase | None) -> Measured:
    if phase is None:
        return segment.thickening_percent
    return segment.ed_mm if phase is Phase.ED else segment.es_mm
