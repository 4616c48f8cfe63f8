"""Wall thickness at ED and ES and thickening in the 16 short-axis segments of the American Heart Association.

Model: Cerqueira et al., Circulation 2002;105:539. The LV is cut into thirds, of slices that show the wall all around; basal and
middle third have six segments of 60 degrees from the anterior insertion of the right ventricle, the apical one four of 90. The
17th, the apex, does not show in short-axis slices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.insertion import Insertions, SegmentOrientation, anterior_is_last, find_septum
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.orientation import base_first, has_orientation
from CardiacMTLLib.measure.polar import DEGREES, PolarWall, polar_wall
from CardiacMTLLib.measure.thickening import ThickeningClass, thickening_class
from CardiacMTLLib.volume import Mask

CLOSED_SHARE = 0.95
"""A slice shows the wall all around where it is closed over this share of the circle: pixels may leave a crack."""

MIN_COVERED = 0.75
"""A segment is measured in a slice where the wall is closed over this share of it."""

_WALLS = ("anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral", "anterior")
_APICAL_WALLS = ("septal", "inferior", "lateral", "anterior")
_SIDE_BY_SIDE = "the insertions of the RV lie side by side in the patient: anterior and inferior cannot be told apart"
_TURN_OF_APEX_DEGREES = 15
"""The four apical segments are centred where the septum, the inferior, the lateral and the anterior wall are."""


@dataclass(frozen=True, slots=True)
class SegmentPlace:
    """Where a segment lies: its third (0 basal, 1 middle, 2 apical), and its arc.

    The arc begins `start` degrees from the anterior insertion, counted towards and beyond the septum, and is `width` wide.
    """

    number: int
    name: str
    third: int
    start: int
    width: int


def _places() -> tuple[SegmentPlace, ...]:
    places = []
    for third, level in enumerate(("basal", "mid")):
        for order, wall in enumerate(_WALLS):
            number = 6 * third + (order + 1) % 6 + 1
            places.append(SegmentPlace(number, f"{level} {wall}", third, 60 * order, 60))
    for order, wall in enumerate(_APICAL_WALLS):
        number = 13 + (order + 1) % 4
        places.append(SegmentPlace(number, f"apical {wall}", 2, _TURN_OF_APEX_DEGREES + 90 * order, 90))
    return tuple(sorted(places, key=lambda place: place.number))


PLACES = _places()
"""The 16 segments by their numbers."""


@dataclass(frozen=True, slots=True)
class WallSegment:
    """One segment: wall thickness at ED and ES (mm), and thickening (% of that at ED) with its class, None where undefined."""

    number: int
    name: str
    ed_mm: Measurement
    es_mm: Measurement
    thickening_percent: Measurement
    thickening_class: ThickeningClass | None


@dataclass(frozen=True, slots=True)
class WallSegments:
    """The 16 segments in the order of their numbers, and how anterior was told from inferior."""

    segments: tuple[WallSegment, ...]
    orientation: SegmentOrientation


def measure_segments(masks: Mapping[Phase, Mask], geometry: Geometry) -> WallSegments:
    """Thickness and thickening of each segment, from the (z, y, x) masks of the known phases on a common grid.

    A segment's thickness is the mean over the slices of its third, each by `PolarWall.thickness_mm`; in a slice without
    insertion points those of the nearest slice are taken. ED and ES have their own thirds and insertions, so that a segment is
    followed as the base descends. In-plane thickness overstates a wall that is cut aslant, as near the apex.
    """
    order, _ = base_first(geometry, masks.values())
    walls = {phase: _closed_walls(mask, geometry, order) for phase, mask in masks.items()}
    found, orientation = _insertions(walls, geometry)
    known = {phase: _phase_thickness(phase, walls.get(phase), found) for phase in Phase}
    segments = []
    for index, place in enumerate(PLACES):
        ed, es = (known[phase][index] for phase in Phase)
        growth = _thickening(ed, es)
        kind = None if growth.value is None else thickening_class(growth.value)
        segments.append(WallSegment(place.number, place.name, ed, es, growth, kind))
    return WallSegments(tuple(segments), orientation)


def undefined_segments(reason: str, geometry: Geometry) -> WallSegments:
    """The 16 segments where nothing is measured, for one `reason`."""
    orientation = SegmentOrientation.PATIENT if has_orientation(geometry) else SegmentOrientation.DISPLAY_ASSUMED
    thickness, growth = Measurement(None, "mm", reason), Measurement(None, "%", reason)
    return WallSegments(
        tuple(WallSegment(place.number, place.name, thickness, thickness, growth, None) for place in PLACES), orientation
    )


def _closed_walls(mask: Mask, geometry: Geometry, order: list[int]) -> list[PolarWall]:
    """The walls of the slices that show one all around, base first."""
    dx_mm, dy_mm, _ = geometry.spacing_xyz_mm
    walls = (polar_wall(mask[index], (dx_mm, dy_mm)) for index in order)
    return [wall for wall in walls if wall is not None and wall.closed.mean() >= CLOSED_SHARE]


def _insertions(
    walls: Mapping[Phase, list[PolarWall]], geometry: Geometry
) -> tuple[dict[Phase, Insertions] | str, SegmentOrientation]:
    """Insertions of each phase that has any, or the reason why none can be told from the other."""
    septa = {
        phase: {i: septum for i, wall in enumerate(stack) if (septum := find_septum(wall))} for phase, stack in walls.items()
    }
    pairs = [(walls[phase][i], septum) for phase, by_slice in septa.items() for i, septum in by_slice.items()]
    is_last, orientation = anterior_is_last(pairs, geometry)
    if pairs and is_last is None:
        return _SIDE_BY_SIDE, orientation
    found = {
        phase: Insertions({i: (s.last if is_last else s.first) for i, s in by_slice.items()}, -1 if is_last else 1)
        for phase, by_slice in septa.items()
        if by_slice
    }
    return found, orientation


def _phase_thickness(phase: Phase, walls: list[PolarWall] | None, found: dict[Phase, Insertions] | str) -> list[Measurement]:
    """Thickness of the 16 segments at one phase."""
    if walls is None:
        return [Measurement(None, "mm", f"the {phase} frame is not known")] * len(PLACES)
    if len(walls) < 3:
        reason = f"fewer than three slices show the wall all around at {phase} ({len(walls)}): there are no thirds"
        return [Measurement(None, "mm", reason)] * len(PLACES)
    if isinstance(found, str):
        return [Measurement(None, "mm", found)] * len(PLACES)
    if phase not in found:
        reason = f"no slice shows the insertions of the RV at {phase}"
        return [Measurement(None, "mm", reason)] * len(PLACES)
    return [_segment_thickness(phase, walls, found[phase], place) for place in PLACES]


def _segment_thickness(phase: Phase, walls: list[PolarWall], insertions: Insertions, place: SegmentPlace) -> Measurement:
    values = []
    for index, wall in enumerate(walls):
        if 3 * index // len(walls) != place.third:
            continue
        degrees = segment_degrees(insertions.nearest(index), insertions.towards_septum, place)
        if wall.closed[degrees].mean() >= MIN_COVERED:
            values.append(wall.thickness_mm(degrees))
    if not values:
        return Measurement(None, "mm", f"the wall is open in this segment at {phase}")
    return Measurement(float(np.mean(values)), "mm")


def segment_degrees(anterior: int, towards_septum: int, place: SegmentPlace) -> NDArray[np.intp]:
    """The degrees (n,) of a segment, of a slice whose anterior insertion is at `anterior`."""
    steps = place.start + np.arange(place.width)
    return (anterior + steps if towards_septum > 0 else anterior - 1 - steps) % DEGREES


def _thickening(ed: Measurement, es: Measurement) -> Measurement:
    """100 (ES - ED) / ED."""
    if ed.value is None or es.value is None:
        return Measurement(None, "%", ed.reason or es.reason)
    return Measurement(100 * (es.value - ed.value) / ed.value, "%")
