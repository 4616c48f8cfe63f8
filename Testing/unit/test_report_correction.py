"""A correction by a reader shows in report, record and table: what it changed, and what stood there before."""

import csv
import io
import json
from dataclasses import replace

import pytest

from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.outputs import write_outputs
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.report.correction import corrected_phases, correction_record
from CardiacMTLLib.report.html import Picture, render_report
from CardiacMTLLib.report.measurements_csv import measurements_csv
from CardiacMTLLib.report.measurements_view import measurement_rows
from CardiacMTLLib.report.record import result_record
from CardiacMTLLib.report.segments_view import segment_rows
from Testing.unit.analyses import PROBABILITIES, analysis_of, study_like
from Testing.unit.corrections import corrected_analysis, phantom_analysis
from Testing.unit.html_page import Page

NOTHING = Picture(None, "not wanted")
ORIGINAL = phantom_analysis()
CORRECTED = corrected_analysis(ORIGINAL)


def page(analysis, original):
    return Page(render_report(analysis, sheet=NOTHING, view=NOTHING, context=ReportContext(original=original)))


def test_the_report_says_that_and_where_it_was_corrected_with_the_numbers_before():
    text = page(CORRECTED, ORIGINAL).text
    before, now = (round(a.measurements["lv_edv_ml"].value) for a in (ORIGINAL, CORRECTED))

    assert "Corrected by a reader. The mask of ED was changed" in text
    assert f"before, the diagnosis was: pattern most like {ORIGINAL.diagnosis.label}" in text
    assert f"LV end-diastolic volume {now} mL" in text
    assert before > now
    assert f" {before} LV end-systolic volume" in text.replace("above", "").replace("  ", " ")


def test_a_report_without_correction_has_no_word_of_one():
    html = render_report(ORIGINAL, sheet=NOTHING, view=NOTHING)

    assert "Corrected by a reader" not in html
    assert 'class="number before"' not in html
    assert ">Before<" not in html


def test_both_phases_are_named_and_a_choice_of_slices_is_no_correction_of_a_mask():
    twice = replace(CORRECTED, flags=(*CORRECTED.flags, replace(CORRECTED.flags[-1], code="corrected_es")))

    assert corrected_phases(twice) == (Phase.ED, Phase.ES)
    assert "The masks of ED and ES were changed" in page(twice, ORIGINAL).text
    assert "The masks are those of the network;" in page(ORIGINAL, ORIGINAL).text


def test_numbers_that_a_reader_sees_unchanged_are_said_to_be_the_same():
    rows = measurement_rows(CORRECTED, ORIGINAL)

    assert rows["lv_edv_ml"].changed
    assert rows["lv_edv_ml"].before == f"{ORIGINAL.measurements['lv_edv_ml'].value:.0f}"
    assert not rows["lv_esv_ml"].changed


@pytest.mark.parametrize("name", ["lv_ef_percent", "lv_edv_ml"])
def test_a_number_that_was_undefined_before_says_so(name):
    one_frame = analysis_of(study_like(n_frames=1))
    measured = {key: m for key, m in one_frame.measurements.items() if key != "lv_edv_ml"}

    assert measurement_rows(analysis_of(), replace(one_frame, measurements=measured))[name].before == "undefined"


def test_the_wall_s_segments_show_what_they_were():
    rows, plain = segment_rows(CORRECTED.segments, ORIGINAL.segments), segment_rows(ORIGINAL.segments)

    assert [row.before for row in rows] == [f"{row.ed}, {row.es}, {row.thickening}" for row in plain]
    assert all(row.before is None for row in plain)
    assert segment_rows(None, ORIGINAL.segments) == []


def test_an_undefined_diagnosis_before_has_no_probabilities_beside_the_new_ones():
    before = replace(ORIGINAL, diagnosis=Diagnosis(None, None, "the RV was not found"))
    text = page(CORRECTED, before).text
    withheld = page(CORRECTED, replace(ORIGINAL, diagnosis=Diagnosis(PROBABILITIES, None, "too uncertain"))).text

    assert "the diagnosis was: undefined (the RV was not found)" in text
    assert text.count("undefined") >= 6
    assert "the diagnosis was: no label (too uncertain)" in withheld


def test_the_record_keeps_the_original_beside_the_corrected_result():
    record = result_record(CORRECTED, ORIGINAL)
    correction, plain = record["correction"], result_record(ORIGINAL)

    assert plain["correction"] is None
    assert correction["phases"] == ["ed"]
    assert correction["original"]["diagnosis"] == {key: plain["diagnosis"][key] for key in ("probabilities", "label", "reason")}
    assert correction["original"]["measurements"] == {
        name: {key: entry[key] for key in ("value", "unit", "reason")} for name, entry in plain["measurements"].items()
    }
    assert [entry["ed_mm"] for entry in correction["original"]["segments"]] == [s["ed_mm"] for s in plain["segments"]]
    assert correction["original"]["flags"] == [flag["code"] for flag in plain["quality"]["flags"]]
    assert record["measurements"]["lv_edv_ml"]["value"] < plain["measurements"]["lv_edv_ml"]["value"]


def test_an_original_without_wall_and_probabilities_is_kept_as_such():
    bare = replace(ORIGINAL, segments=None, diagnosis=Diagnosis(None, None, "why"))
    original = correction_record(CORRECTED, bare)["original"]

    assert original["segments"] is None
    assert original["diagnosis"] == {"probabilities": None, "label": None, "reason": "why"}


def test_the_table_has_the_original_value_of_each_measurement():
    def rows(record):
        return {row["name"]: row for row in csv.DictReader(io.StringIO(measurements_csv(record), newline=""))}

    corrected, plain = rows(result_record(CORRECTED, ORIGINAL)), rows(result_record(ORIGINAL))

    assert {name: row["original_value"] for name, row in corrected.items()} == {n: row["value"] for n, row in plain.items()}
    assert {row["original_value"] for row in plain.values()} == {""}


def test_all_files_of_a_corrected_result_agree(tmp_path):
    write_outputs(CORRECTED, tmp_path / "out", context=ReportContext(original=ORIGINAL))

    record = json.loads((tmp_path / "out/result.json").read_text(encoding="utf-8"))
    assert record == result_record(CORRECTED, ORIGINAL)
    assert (tmp_path / "out/measurements.csv").read_bytes().decode("utf-8") == measurements_csv(record)
    assert "Corrected by a reader" in (tmp_path / "out/report.html").read_text(encoding="utf-8")
