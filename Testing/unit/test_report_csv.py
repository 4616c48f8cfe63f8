"""Tables for spreadsheets: numbers stay numbers, and no text runs as a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from CardiacMTLLib.report.csv_cells import FORMULA_STARTS, csv_text, safe_cell
from CardiacMTLLib.report.measurements_csv import COLUMNS, measurements_csv
from CardiacMTLLib.report.record import result_record
from CardiacMTLLib.volume import Sex
from Testing.unit.analyses import analysis_of, study_like


def read(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    "text",
    ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", '=HYPERLINK("http://x")'],  # noqa: RUF001
)
def test_a_text_that_may_be_a_formula_is_quoted(text):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-3.5, 0, None, "", "men 52 to 117", "10 - 3", "'quoted", "mL/m²"])
def test_anything_else_stays_as_it_is(value):
    assert safe_cell(value) == value


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=3))
def test_whatever_the_texts_no_cell_begins_as_a_formula_and_none_is_lost(texts):
    rows = read(csv_text(["a"], [{"a": text} for text in texts]))

    assert not any(row["a"].startswith(FORMULA_STARTS) for row in rows)
    assert [row["a"].removeprefix("'") for row in rows] == [text.removeprefix("'") for text in texts]


def test_what_a_row_lacks_is_empty_and_a_key_that_is_no_column_an_error():
    assert read(csv_text(["a", "b"], [{"a": 1}, {"b": None}])) == [{"a": "1", "b": ""}, {"a": "", "b": ""}]
    with pytest.raises(ValueError, match="fields not in"):
        csv_text(["a"], [{"c": 1}])


def test_titles_are_cells_too():
    assert csv_text(["=a"], []) == "'=a\r\n"


def test_every_measurement_has_a_row_with_value_unit_range_or_reason():
    record = result_record(analysis_of(study_like(n_frames=1)))
    rows = {row["name"]: row for row in read(measurements_csv(record))}

    assert list(rows) == list(record["measurements"])
    assert tuple(rows["lv_edv_ml"]) == COLUMNS
    assert float(rows["lv_edv_ml"]["value"]) == record["measurements"]["lv_edv_ml"]["value"]
    assert (rows["lv_edv_ml"]["unit"], rows["lv_edv_ml"]["reference_range"]) == ("mL", "men 93 to 232")
    assert (rows["lv_edv_ml"]["outside"], rows["lv_edv_ml"]["reason"]) == ("below", "")
    assert (rows["lv_ef_percent"]["value"], rows["lv_ef_percent"]["reason"]) == ("", "the ES frame is not known")


def test_without_the_sex_both_ranges_stand_there():
    record = result_record(analysis_of())
    entry = record["measurements"]["lv_edv_ml"]
    entry["reference"].append(entry["reference"][0] | {"sex": Sex.FEMALE.value, "low": 80, "high": 175})

    assert read(measurements_csv(record))[0]["reference_range"] == "men 93 to 232; women 80 to 175"
