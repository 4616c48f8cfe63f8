"""Row 36: names that are markup or formulas stay texts in every page and table that is written of them."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from CardiacMTLLib.analysis import ModelIdentity, QualityFlag
from CardiacMTLLib.diagnosis.diagnosis import Contribution, Diagnosis
from CardiacMTLLib.report.cohort import write_cohort_index
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.report.csv_cells import csv_text
from CardiacMTLLib.report.html import Picture, render_report
from CardiacMTLLib.report.identity import PatientIdentity
from CardiacMTLLib.report.record import record_text, result_record
from Testing.unit.analyses import PROBABILITIES, analysis_of, study_like
from Testing.unit.html_page import Page

NAMES = [
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    '"><iframe src="javascript:alert(1)">',
    "=cmd|'/C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
]

pytestmark = pytest.mark.robustness(36)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_name_holds_the_page_shows_it_and_runs_nothing(name: str, tmp_path: Path) -> None:
    analysis = analysis_of(
        study_like(warnings=(name,)),
        flags=(QualityFlag(name, name, name),),
        model=ModelIdentity(name, name, name),
        diagnosis=Diagnosis(PROBABILITIES, None, name, None, (Contribution(name, 1.0, name, 1.0),)),
    )
    identity = PatientIdentity(name, name, name, name, name)
    nothing = Picture(None, name)
    page = Page(render_report(analysis, sheet=nothing, view=nothing, context=ReportContext(identity=identity)))

    assert page.scripts == page.loads == []
    assert page.all("iframe") == []
    assert not any(attribute.startswith("on") for _, attributes in page.elements for attribute in attributes)
    assert page.text.count(" ".join(name.split())) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_a_cohort_with_such_a_name_has_a_harmless_index_and_a_harmless_table(name: str, tmp_path: Path) -> None:
    folder = name.replace("/", "_").replace('"', "_")
    record = result_record(replace(analysis_of(flags=(QualityFlag("a", name, name),)), measurements={}))
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "result.json").write_text(record_text(record), encoding="utf-8")
    table = csv_text(["case"], [{"case": folder}])
    (tmp_path / "results.csv").write_text(table, encoding="utf-8", newline="")
    (tmp_path / "failures.csv").write_text(csv_text(["case", "error"], [{"case": name, "error": name}]), encoding="utf-8")
    page = Page(write_cohort_index(tmp_path).read_text(encoding="utf-8"))
    (own,) = page.scripts

    assert own.startswith('"use strict";')
    assert page.loads == []
    assert folder in page.text
    assert not any(attribute.startswith("on") for _, attributes in page.elements for attribute in attributes)
    (row,) = csv.DictReader(io.StringIO(table, newline=""))
    assert not row["case"].startswith(("=", "@", "+", "-"))
