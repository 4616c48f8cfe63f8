from dataclasses import replace
from pathlib import Path

import pytest

from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.reference import RANGES, SOURCES
from CardiacMTLLib.outputs import OutputFiles
from CardiacMTLLib.report.html import Picture, render_report
from CardiacMTLLib.report.measurements_view import measurement_rows
from CardiacMTLLib.report.record import result_record
from CardiacMTLLib.report.reference_view import ranges_text, source_notes
from CardiacMTLLib.report.summary import run_summary
from CardiacMTLLib.volume import Patient, Sex
from Testing.unit.analyses import analysis_of, study_like

FILES = OutputFiles(Path("out"), ("result.json",), ())
MEASURED = {
    "lv_edv_ml": Measurement(200.0, "mL"),
    "lv_ef_percent": Measurement(31.0, "%"),
    "lv_mass_g": Measurement(900.0, "g"),
    "rv_ef_percent": Measurement(None, "%", "the ES frame is not known"),
}


def analysed(sex):
    study = replace(study_like(), patient=Patient(174.0, 78.0, sex))
    return replace(analysis_of(study), measurements=MEASURED)


def page(sex):
    nothing = Picture(None, "not wanted")
    return render_report(analysed(sex), sheet=nothing, view=nothing)


def test_the_record_gives_each_measurement_the_range_of_its_sex_with_source_ages_and_cohort():
    entry = result_record(analysed(Sex.MALE))["measurements"]["lv_edv_ml"]

    assert (entry["value"], entry["outside"]) == (200.0, None)
    assert entry["reference"] == [
        {
            "sex": "M",
            "low": 93,
            "high": 232,
            "source": "petersen_2017",
            "ages": "45 to 74 years",
            "cohort": RANGES["lv_edv_ml"][0].source.cohort,
            "evidence": RANGES["lv_edv_ml"][0].evidence.value,
        }
    ]


def test_the_record_follows_the_sex():
    outside = {
        sex: {name: entry["outside"] for name, entry in result_record(analysed(sex))["measurements"].items()}
        for sex in (Sex.MALE, Sex.FEMALE, None)
    }

    assert outside[Sex.FEMALE]["lv_edv_ml"] == "above"
    assert outside[Sex.MALE]["lv_edv_ml"] is outside[None]["lv_edv_ml"] is None
    assert {values["lv_ef_percent"] for values in outside.values()} == {"below"}


def test_without_a_range_or_a_value_the_record_marks_nothing():
    measurements = result_record(analysed(None))["measurements"]

    assert (measurements["lv_mass_g"]["reference"], measurements["lv_mass_g"]["outside"]) == ([], None)
    assert [entry["sex"] for entry in measurements["rv_ef_percent"]["reference"]] == ["M", "F"]
    assert measurements["rv_ef_percent"]["outside"] is None


def test_the_record_lists_every_source_whose_key_it_uses():
    sources = result_record(analysed(None))["reference_sources"]

    assert set(sources) == {source.key for source in SOURCES} == {e.source.key for pair in RANGES.values() for e in pair}
    assert all(set(source) == {"citation", "ages", "cohort"} for source in sources.values())


def test_rows_of_the_report_hold_range_mark_and_the_number_of_their_note():
    rows = {row.title: row for row in measurement_rows(analysed(None)).values()}

    assert rows["LV ejection fraction"].ranges == "men 48-68, women 51-71"
    assert rows["LV ejection fraction"].outside == "below"
    assert rows["LV end-diastolic volume"].outside is None
    assert (rows["LV mass"].ranges, rows["LV mass"].note, rows["LV mass"].outside) == ("", None, None)
    noted = ("LV end-diastolic volume", "LV ejection fraction", "RV ejection fraction")
    assert [rows[title].note for title in noted] == [1, 2, 3]


def test_notes_tell_a_source_s_second_hand_figures_from_those_of_its_abstract():
    notes = source_notes(["lv_edv_ml", "lv_esv_ml", "lv_ef_percent", "rv_edv_ml", "lv_mass_g"])

    assert [note.number for note in notes] == [1, 2, 3]
    assert [note.key[0] for note in notes] == ["petersen_2017", "petersen_2017", "kawel_boehm_2025"]
    assert "second-hand" in notes[0].evidence
    assert "abstract" in notes[1].evidence
    assert source_notes(["lv_mass_g"]) == []


@pytest.mark.parametrize(("sex", "words", "marked"), [(None, "both are shown", 1), (Sex.FEMALE, "women 80-175", 2)])
def test_the_page_shows_ranges_marks_and_sources(sex, words, marked):
    html = page(sex)

    assert words in html
    assert ("both are shown" in html) == (sex is None)
    assert html.count('class="outside"') == 2 * marked  # among the key measurements, and among all
    assert html.count("</li>") >= 3
    for text in ("doi 10.1186/s12968-017-0327-9", "45 to 74 years", "UK Biobank", "second-hand"):
        assert text in html


def test_the_terminal_names_what_is_outside_with_range_source_and_ages():
    lines = run_summary(analysed(Sex.MALE), FILES).splitlines()

    assert "LV EF 31 % is below the reference range (men 48-68; Petersen 2017, 45-74 years)" in lines
    assert sum("reference range" in line for line in lines) == 1
    assert "women 51-71" in run_summary(analysed(None), FILES)
    assert run_summary(analysed(None), FILES).isascii()


def test_text_of_no_ranges_is_empty():
    assert ranges_text(()) == ""
