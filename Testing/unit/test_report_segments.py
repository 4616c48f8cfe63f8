from dataclasses import replace

import pytest

from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.segments import measure_segments, undefined_segments
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.report.conventions import CONVENTIONS
from CardiacMTLLib.report.html import Picture, render_report
from CardiacMTLLib.report.record import result_record
from CardiacMTLLib.report.segments_record import segments_record
from CardiacMTLLib.report.segments_view import orientation_is_assumed, segment_rows
from Testing.unit.analyses import analysis_of, study_like
from Testing.unit.rings import THICKNESS_MM, RingHeart, grid

GEOMETRY = grid(n_slices=3)
STACK = RingHeart(THICKNESS_MM).stack(GEOMETRY)
WALL = measure_segments({Phase.ED: STACK, Phase.ES: STACK}, GEOMETRY)
ED_ONLY = measure_segments({Phase.ED: STACK}, GEOMETRY)
NO_PICTURE = Picture(None, "it was not asked for")


def report(wall, bullseye=NO_PICTURE):
    return render_report(replace(analysis_of(), segments=wall), sheet=NO_PICTURE, view=NO_PICTURE, bullseye=bullseye)


def test_the_record_lists_the_segments_with_their_numbers():
    record = segments_record(WALL)
    assert [entry["number"] for entry in record] == list(range(1, 17))
    for entry, segment in zip(record, WALL.segments, strict=True):
        assert entry == {
            "number": segment.number,
            "name": segment.name,
            "ed_mm": round(segment.ed_mm.value, 3),
            "es_mm": round(segment.es_mm.value, 3),
            "thickening_percent": 0.0,
            "class": "absent",
            "reasons": {},
        }


def test_an_undefined_number_is_null_with_its_reason():
    for entry in segments_record(ED_ONLY):
        assert entry["ed_mm"] > 0
        assert (entry["es_mm"], entry["thickening_percent"], entry["class"]) == (None, None, None)
        assert entry["reasons"] == dict.fromkeys(("es_mm", "thickening_percent"), "the ES frame is not known")


def test_the_result_record_holds_segments_orientation_conventions_and_the_slices_left_out():
    study = study_like(flipped=True)
    analysis = replace(analysis_of(study), segments=WALL, left_out=SliceSelection(frozenset({4, 3})))
    record = result_record(analysis)
    assert record["segments"] == segments_record(WALL)
    assert record["segment_orientation"] == "display orientation assumed"
    assert record["input"]["slices_left_out"] == {"ed": [1, 2], "es": []}
    assert record["conventions"] == CONVENTIONS
    assert "Papillary muscles belong to the LV cavity" in record["conventions"]["papillary_muscles"]
    assert "ACDC" in record["conventions"]["basal_slice"]
    without = result_record(replace(analysis_of(), segments=None))
    assert (without["segments"], without["segment_orientation"]) == (None, None)


def test_the_report_shows_segments_and_conventions():
    page = report(WALL)
    assert "display orientation assumed" in page
    for segment in WALL.segments:
        assert f"{segment.number} {segment.name}" in page
    for sentence in CONVENTIONS.values():
        assert sentence.replace("'", "&#39;") in page
    assert "The bull's-eye plot was left out: it was not asked for" in page


def test_the_report_shows_the_plot(tmp_path):
    path = tmp_path / "plot.png"
    path.write_bytes(b"picture")
    assert "data:image/png;base64,cGljdHVyZQ==" in report(WALL, Picture(path))


def test_the_report_says_why_a_segment_is_undefined_and_where_nothing_was_measured():
    assert report(ED_ONLY).count("undefined: the ES frame is not known") >= 16
    assert "The wall was not measured." in report(None)


@pytest.mark.parametrize(("wall", "assumed"), [(WALL, True), (None, False)])
def test_the_rows_follow_the_segments(wall, assumed):
    assert orientation_is_assumed(wall) == assumed
    rows = segment_rows(wall)
    assert [row.title for row in rows] == ([] if wall is None else [f"{s.number} {s.name}" for s in wall.segments])


def test_numbers_are_written_with_their_decimals_and_none_as_a_dash():
    row = segment_rows(ED_ONLY)[0]
    assert row.ed == f"{ED_ONLY.segments[0].ed_mm.value:.1f}"
    assert (row.es, row.thickening, row.kind) == ("-", "-", "")
    assert segment_rows(undefined_segments("why", GEOMETRY))[0].reason == "why"
