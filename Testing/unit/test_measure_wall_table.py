import pytest

from CardiacMTLLib.measure.insertion import SegmentOrientation
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.segments import PLACES, WallSegment, WallSegments, undefined_segments
from CardiacMTLLib.measure.wall_table import MIN_SEGMENTS, wall_measurements
from Testing.unit.rings import grid


def wall(ed, es, growth):
    """Segments with these numbers in order; None is undefined."""
    columns = [
        [Measurement(value, unit, None if value is not None else "open") for value in values]
        for values, unit in ((ed, "mm"), (es, "mm"), (growth, "%"))
    ]
    return WallSegments(
        tuple(
            WallSegment(place.number, place.name, *(column[i] for column in columns), None) for i, place in enumerate(PLACES)
        ),
        SegmentOrientation.PATIENT,
    )


def test_mean_and_maximum_are_those_of_the_segments():
    table = wall_measurements(wall(range(16), [2 * i for i in range(16)], [10.0] * 15 + [90.0]))
    assert {name: (entry.value, entry.unit) for name, entry in table.items()} == {
        "lv_wall_thickness_mean_ed_mm": (7.5, "mm"),
        "lv_wall_thickness_max_ed_mm": (15, "mm"),
        "lv_wall_thickness_mean_es_mm": (15, "mm"),
        "lv_wall_thickness_max_es_mm": (30, "mm"),
        "lv_wall_thickening_mean_percent": (15, "%"),
    }


@pytest.mark.parametrize("n_known", [16, MIN_SEGMENTS, MIN_SEGMENTS - 1, 1])
def test_a_few_undefined_segments_are_left_out_and_many_make_the_whole_undefined(n_known):
    values = [8.0] * n_known + [None] * (16 - n_known)
    entry = wall_measurements(wall(values, values, values))["lv_wall_thickness_mean_ed_mm"]
    if n_known >= MIN_SEGMENTS:
        assert entry == Measurement(8.0, "mm")
    else:
        assert entry.reason == f"only {n_known} of 16 segments are defined (open)"


def test_where_nothing_is_measured_the_reason_is_that_of_the_segments():
    for entry in wall_measurements(undefined_segments("no heart", grid())).values():
        assert entry.reason == "no heart"
