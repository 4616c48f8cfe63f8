"""The index over a cohort: every case named, those to be looked at first, hostile names harmless, nothing half-written."""

import errno
import json
import sys
from functools import cache
from pathlib import Path

import pytest

from CardiacMTLLib.batch.tables import FAILURES_FILE as BATCH_FAILURES
from CardiacMTLLib.batch.tables import RESULTS_FILE as BATCH_RESULTS
from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.errors import InputError, MissingPackageError, OutputError
from CardiacMTLLib.outputs import RECORD_FILE as RUN_RECORD
from CardiacMTLLib.outputs import REPORT_FILE as RUN_REPORT
from CardiacMTLLib.report.cohort import flag_counts, label_counts, render_cohort, spreads, write_cohort_index
from CardiacMTLLib.report.cohort_cases import (
    FAILURES_FILE,
    RECORD_FILE,
    REPORT_FILE,
    RESULTS_FILE,
    Case,
    Cohort,
    Flag,
    read_cohort,
)
from CardiacMTLLib.report.csv_cells import csv_text
from CardiacMTLLib.report.record import record_text, result_record
from Testing.unit.analyses import PROBABILITIES, analysis_of, study_like
from Testing.unit.html_page import Page

FLAG = {"code": "coverage", "text": "the base is not covered", "check": "Look."}


@cache
def text_of(kind):
    made = {
        "sure": analysis_of,
        "withheld": lambda: analysis_of(diagnosis=Diagnosis(PROBABILITIES, None, "no group is likely enough")),
        "one frame": lambda: analysis_of(study_like(n_frames=1), diagnosis=Diagnosis(None, None, "the ES frame is not known")),
    }
    return record_text(result_record(made[kind]()))


def put(out, name, kind="sure", *, flags=(), report=True, measured=True, **changes):
    """Write the folder of a case; without measurements there is nothing to be drawn, which takes no time."""
    record = json.loads(text_of(kind))
    record["measurements"] = record["measurements"] if measured else {}
    record["quality"]["flags"] = list(flags)
    (out / name).mkdir(parents=True)
    (out / name / RECORD_FILE).write_text(json.dumps(record | changes), encoding="utf-8")
    if report:
        (out / name / REPORT_FILE).write_text("report", encoding="utf-8")


def tables(out, names, failures=()):
    (out / RESULTS_FILE).write_text(
        csv_text(["case", "label"], [{"case": name} for name in names]), encoding="utf-8", newline=""
    )
    rows = [{"case": case, "error": error} for case, error in failures]
    (out / FAILURES_FILE).write_text(csv_text(["case", "error"], rows), encoding="utf-8", newline="")


def batch(folder, *, measured):
    put(folder, "a", measured=measured)
    put(folder, "b", "withheld", measured=measured)
    put(folder, "c", flags=[FLAG], measured=measured)
    put(folder, "d", "one frame", report=False, measured=measured)
    tables(folder, "abcd", [("e", "/data/Jane Doe/e.nii is no image; expected NIfTI")])
    return folder


def rows_of(page):
    return [a["data-value"] for tag, a in page.elements if tag == "th" and a.get("scope") == "row" and "data-value" in a]


def index(folder):
    return Page(write_cohort_index(folder).read_text(encoding="utf-8"))


@pytest.fixture
def out(tmp_path):
    return batch(tmp_path / "out", measured=False)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The page of a batch with measurements."""
    return index(batch(tmp_path_factory.mktemp("batch"), measured=True))


def test_the_names_of_files_are_those_that_batch_and_run_write():
    assert (RESULTS_FILE, FAILURES_FILE) == (BATCH_RESULTS, BATCH_FAILURES)
    assert (RECORD_FILE, REPORT_FILE) == (RUN_RECORD, RUN_REPORT)


def test_cases_that_need_a_look_come_first_and_failed_ones_before_all(out):
    page = index(out)

    assert rows_of(page) == ["b", "c", "d", "a"]
    assert "4 analysed, 3 of them to be looked at first; 1 failed." in page.text
    assert page.text.index("e.nii is no image") < page.text.index("no group is likely enough")


def test_a_case_leads_to_its_report_where_it_has_one(out):
    links = [link["href"] for link in index(out).all("a") if not link["href"].startswith("#")]

    assert links == ["./b/report.html", "./c/report.html", "./a/report.html"]
    assert all((out / link).is_file() for link in links)


def test_labels_numbers_and_reasons_stand_in_the_table(measured):
    text = measured.text
    volume = json.loads(text_of("sure"))["measurements"]["lv_edv_ml"]["value"]

    assert f"a DCM 82.0 % {volume:.0f}" in text
    assert "coverage" in text
    assert "the ES frame is not known" in text
    assert "below" in text


def test_the_page_has_distributions_and_numbers_for_those_who_do_not_see_them(measured):
    page = measured

    assert "DCM 2 (50 %)" in page.text
    assert "no label 1 (25 %)" in page.text
    assert "undefined 1 (25 %)" in page.text
    assert "coverage 1 the base is not covered" in page.text
    assert len(page.all("img")) == 2
    assert all(image["src"].startswith("data:image/png;base64,iVBOR") for image in page.all("img"))


def test_no_folder_of_the_input_is_named(out):
    assert "Jane" not in (write_cohort_index(out)).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["=cmd('x')", "<script>alert(1)<", "a b&c;d", "Müller", "-x", "'quoted", "100%", "a#b?c"])
def test_a_hostile_name_is_a_text_and_its_link_leads_there(tmp_path, name):
    put(tmp_path, name, measured=False)
    tables(tmp_path, [name], [(name, name)])
    page = index(tmp_path)
    (link,) = [a["href"] for a in page.all("a") if not a["href"].startswith("#")]

    assert rows_of(page) == [name]
    assert len(page.scripts) == 1
    assert page.text.count(" ".join(name.split())) >= 3
    assert "<" not in link
    assert read_cohort(tmp_path).cases[0].name == name
    assert link.startswith("./")
    assert not set("#?&=<'") & set(link)


@pytest.mark.parametrize("name", ["../outside", "a/b", "", "..", "."])
def test_a_name_that_leads_elsewhere_is_never_followed(tmp_path, name):
    put(tmp_path / "out", "x")
    tables(tmp_path / "out", [name])
    (case,) = read_cohort(tmp_path / "out").cases

    assert (case.link, case.label) == (None, "unreadable")


@pytest.mark.parametrize(
    "text",
    [None, "", "{", "[]", "null", "1", '{"diagnosis": {}}', "[" * 100_000],
    ids=["gone", "empty", "cut", "list", "null", "number", "without measurements", "deep"],
)
def test_a_damaged_record_is_a_case_to_be_looked_at(out, text):
    path = out / "a" / RECORD_FILE
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")
    page = index(out)

    assert rows_of(page)[0] == "a"
    assert "result.json is missing or damaged" in page.text


def test_a_record_with_a_label_that_is_no_group_is_damaged(out):
    record = json.loads(text_of("sure"))
    record["diagnosis"]["label"] = "<b>"
    (out / "a" / RECORD_FILE).write_text(json.dumps(record), encoding="utf-8")

    assert read_cohort(out).cases[0].label == "unreadable"


def test_results_of_two_models_are_said_to_be_from_two(out):
    put(out, "f", measured=False, model={"name": "other", "version": "2", "sha256": "f" * 64})
    tables(out, "abcdf")

    assert "The results come from 2 models" in index(out).text
    assert read_cohort(out).models[1] == f"other 2 (SHA-256 {'f' * 64})"


def test_a_batch_in_which_all_failed_has_an_index(tmp_path):
    tables(tmp_path, [], [("a", "no image")])
    page = index(tmp_path)

    assert "0 analysed" in page.text
    assert "No case was analysed." in page.text
    assert page.scripts == []


def test_without_failures_and_numbers_the_page_says_so(tmp_path):
    put(tmp_path, "a", measured=False)
    tables(tmp_path, ["a"])
    (tmp_path / FAILURES_FILE).unlink()
    page = index(tmp_path)

    assert "The histograms were left out: no case has measurements" in page.text
    assert 'id="failed"' not in str(page.elements)


def test_a_folder_that_is_no_batch_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no results.csv; expected the output folder of a batch"):
        write_cohort_index(tmp_path)
    (tmp_path / RESULTS_FILE).write_bytes(b"case\n\xff\xfe\n")
    with pytest.raises(InputError, match="expected the table of a batch"):
        write_cohort_index(tmp_path)


def test_a_table_without_names_is_no_crash(tmp_path):
    (tmp_path / RESULTS_FILE).write_text("x\n1\n", encoding="utf-8")
    assert read_cohort(tmp_path).cases[0].label == "unreadable"


@pytest.mark.parametrize("moment", ["write_text", "replace"])
def test_a_full_disk_leaves_the_earlier_index(out, monkeypatch, moment):
    write_cohort_index(out)
    before = (out / "index.html").read_bytes(), sorted(path.name for path in out.iterdir())

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, moment, full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_cohort_index(out)
    assert ((out / "index.html").read_bytes(), sorted(path.name for path in out.iterdir())) == before


def test_without_matplotlib_the_rest_is_there(tmp_path, monkeypatch):
    out = batch(tmp_path / "out", measured=True)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "CardiacMTLLib.report.cohort_drawing", raising=False)
    page = index(out)

    assert "The histograms were left out: the package matplotlib cannot be imported" in page.text
    assert page.all("img") == []


def test_without_jinja2_there_is_one_clear_line(out, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)

    with pytest.raises(MissingPackageError, match="install jinja2"):
        write_cohort_index(out)
    assert not (out / "index.html").exists()


def test_counts_follow_the_order_of_classes_and_of_frequency():
    cases = [
        Case("1", None, "undefined"),
        Case("2", None, "RV", flags=(Flag("a", "first"),)),
        Case("3", None, "NOR", flags=(Flag("a", "second"), Flag("b", "x"))),
        Case("4", None, "NOR"),
    ]

    assert [(entry.label, entry.count, entry.percent) for entry in label_counts(cases)] == [
        ("NOR", 2, 50.0), ("RV", 1, 25.0), ("undefined", 1, 25.0),
    ]  # fmt: skip
    assert [(entry.code, entry.count, entry.example) for entry in flag_counts(cases)] == [("a", 2, "first"), ("b", 1, "x")]


def test_the_spread_of_a_measurement_is_over_the_cases_that_have_it():
    cases = [Case(str(n), None, "NOR", values={"lv_edv_ml": float(n)}) for n in range(101)]
    (spread,) = spreads([*cases, Case("x", None, "NOR", values={"lv_edv_ml": None})])

    assert (spread.count, spread.median, spread.quartiles, spread.ends) == (101, "50", "25 to 75", "0 to 100")


def test_a_thousand_cases_make_one_page():
    cases = tuple(
        Case(f"case {n}", f"./case%20{n}/report.html", "NOR", 0.9, None, {"lv_edv_ml": 100.0 + n % 7}) for n in range(1000)
    )
    html = render_cohort(Cohort(cases, (), ("m",)))

    assert html.count('scope="row" data-value') == 1000
    assert len(html) < 2_000_000
