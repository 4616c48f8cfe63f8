import base64
import platform
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

import pytest

from CardiacMTLLib import __version__
from CardiacMTLLib.analysis import ModelIdentity, QualityFlag
from CardiacMTLLib.diagnosis.diagnosis import MEANING, RESEARCH_USE, Contribution, Diagnosis
from CardiacMTLLib.errors import MissingPackageError
from CardiacMTLLib.report import versions
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.report.diagnosis_view import SHOWN_CONTRIBUTIONS, contribution_rows, percent_text
from CardiacMTLLib.report.html import ACDC_CITATION, Picture, render_report, write_report
from CardiacMTLLib.report.versions import software_versions
from Testing.unit.analyses import CERTAIN, PROBABILITIES, analysis_of, study_like
from Testing.unit.html_page import Page

NO_PICTURE = Picture(None, "the package pillow is missing")


def page_of(analysis=None, *, sheet=NO_PICTURE, view=NO_PICTURE):
    return Page(render_report(analysis or analysis_of(), sheet=sheet, view=view))


def test_the_report_says_what_it_is_and_where_it_comes_from():
    page = page_of()

    assert page.text.count(RESEARCH_USE) == 2
    assert len(page.all("h1")) == 1
    for part in (
        MEANING,
        ACDC_CITATION,
        f"CardiacMTL {__version__}",
        "acdc-joint 1.2.0",
        "0123456789abcdef" * 4,
        "CC BY-NC-SA",
    ):
        assert part in page.text


def test_nothing_is_loaded_from_elsewhere_and_no_script_runs(tmp_path):
    (tmp_path / "a.png").write_bytes(b"png")
    page = page_of(sheet=Picture(tmp_path / "a.png"))

    assert page.all("script") == page.all("link") == page.loads == []
    assert [image["src"].partition(":")[0] for image in page.all("img")] == ["data"]
    assert "default-src 'none'" in str(page.all("meta"))


def test_pictures_are_embedded_whole_and_described(tmp_path):
    (tmp_path / "sheet.png").write_bytes(b"\x89PNG sheet")
    (tmp_path / "view.png").write_bytes(b"\x89PNG view")
    images = page_of(sheet=Picture(tmp_path / "sheet.png"), view=Picture(tmp_path / "view.png")).all("img")
    embedded = {base64.b64decode(image["src"].removeprefix("data:image/png;base64,")) for image in images}

    assert embedded == {b"\x89PNG sheet", b"\x89PNG view"}
    assert all(len(image["alt"]) > 20 for image in images)


def test_a_picture_that_was_left_out_is_explained():
    text = page_of(view=Picture(None, "slicer-core is not installed")).text

    assert "The 3D view was left out: slicer-core is not installed" in text
    assert "The contact sheet was left out: the package pillow is missing" in text


def test_the_label_is_worded_as_a_pattern_with_five_bars():
    page = page_of()
    widths = [float(found) for a in page.all("span") if (found := re.sub(r"width: ([\d.]+)%", r"\1", a.get("style", "")))]

    assert "Pattern most like DCM : dilated cardiomyopathy (ACDC definition)" in page.text
    assert widths == [pytest.approx(100 * share) for share in PROBABILITIES.values()]
    assert "82.0 %" in page.text


def test_frames_are_told_by_their_numbers_in_the_source():
    assert "ED: frame 1 of 2. ES: frame 2 of 2." in page_of().text
    some = analysis_of(replace(study_like(), frame_numbers=(1, 16)))
    assert "ED: frame 1. ES: frame 16." in page_of(some).text


def test_a_withheld_label_keeps_its_bars_and_gives_the_reason():
    page = page_of(
        analysis_of(diagnosis=Diagnosis(PROBABILITIES, None, "no group is likely enough", None, CERTAIN.contributions))
    )

    assert "No label is given" in page.text
    assert "no group is likely enough" in page.text
    assert len(page.all("span")) == 5
    assert "For DCM" in page.text
    assert "Pattern most like" not in page.text


def test_an_undefined_diagnosis_has_a_reason_and_no_bars():
    page = page_of(analysis_of(study_like(n_frames=1), diagnosis=Diagnosis(None, None, "only one frame is there")))

    assert "The diagnosis is undefined only one frame is there" in page.text
    assert page.all("span") == []
    assert "What speaks for" not in page.text


def test_every_measurement_stands_in_the_table_with_unit_or_reason():
    analysis = analysis_of(study_like(n_frames=1))
    text = page_of(analysis).text

    assert f"LV end-diastolic volume {analysis.measurements['lv_edv_ml'].value:.0f} mL" in text
    assert f"LV ejection fraction undefined: {analysis.measurements['lv_ef_percent'].reason}" in text
    assert f"LV mass, indexed {analysis.measurements['lv_mass_g_per_m2'].value:.0f} g/m²" in text
    assert "ES: not found" in text


def test_flags_and_warnings_are_shown():
    flags = (QualityFlag("base_not_covered", "the base is not covered", "Look at the first slice."),)
    text = page_of(analysis_of(study_like(warnings=("two spacings in the header",)), flags=flags)).text

    assert "the base is not covered base_not_covered Look at the first slice." in text
    assert "two spacings in the header" in text
    assert "No quality flag was raised" in page_of().text


def test_what_a_reader_needs_first_stands_before_the_pictures():
    flags = (QualityFlag("coverage", "the base is not covered", "Look."),)
    text = page_of(analysis_of(flags=flags)).text

    places = [
        text.index(part)
        for part in (
            "Pattern most like",
            MEANING,
            "Key measurements",
            "the base is not covered",
            "Pictures",
        )
    ]
    assert places == sorted(places)


def test_the_expected_agreement_of_the_masks_is_said_for_the_phases_that_have_one():
    predicted = {"LV_ED": 0.954, "LV_ES": 0.91, "MYOCARDIUM_ES": 0.8}
    text = page_of(replace(analysis_of(), predicted_dice=predicted)).text

    assert "(Dice, 1 is perfect): LV 0.95 at ED, 0.91 at ES; myocardium 0.80 at ES." in text
    assert "Dice" not in page_of().text


@pytest.mark.parametrize(("share", "text"), [(0.0, "< 0.1 %"), (0.0006, "0.1 %"), (0.5, "50.0 %"), (0.9995, "> 99.9 %")])
def test_no_probability_is_shown_as_nothing_or_as_certain(share, text):
    assert percent_text(share).replace("\N{NO-BREAK SPACE}", " ") == text


def test_versions_and_the_time_of_the_report_are_named():
    made_at = datetime(2031, 2, 3, 4, 5, tzinfo=UTC)
    page = render_report(analysis_of(), sheet=NO_PICTURE, view=NO_PICTURE, context=ReportContext(made_at=made_at))

    assert "2031-02-03 04:05 UTC" in page
    assert f"python {platform.python_version()}, torch {version('torch')}" in Page(page).text


def test_a_package_that_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(versions, "_PACKAGES", ("torch", "no-such-package"))

    assert software_versions()["no-such-package"] is None
    assert "no-such-package not installed" in page_of().text


def test_a_reason_names_no_folder():
    reason = "the view needs slicer-core, which cannot be imported (cannot import x from y (/data/jane doe/y.py)); install it"
    text = page_of(view=Picture(None, reason)).text

    assert "jane" not in text
    assert "(cannot import x from y (y.py)); install it" in text


def test_text_from_outside_is_escaped():
    attack = "<script>alert('x')</script>"
    analysis = analysis_of(
        study_like(warnings=(attack,)),
        flags=(QualityFlag(attack, attack, attack),),
        model=ModelIdentity(attack, attack, attack),
        diagnosis=Diagnosis(PROBABILITIES, None, attack, None, (Contribution(attack, 1.0, attack, 1.0),)),
    )
    page = page_of(analysis, view=Picture(None, attack))

    assert page.all("script") == []
    assert page.text.count(attack) >= 9


def test_contributions_are_parted_by_sign_the_strongest_first_and_limited():
    many = tuple(Contribution(f"feature {n}", 1.0, "mm", (-1) ** n * (n + 1) / 10) for n in range(20))
    favouring, opposing = contribution_rows(Diagnosis(PROBABILITIES, None, "x", None, many))

    assert [row.logits for row in favouring] == [pytest.approx(v) for v in (1.9, 1.7, 1.5, 1.3, 1.1, 0.9)]
    assert [row.logits for row in opposing] == [pytest.approx(-v) for v in (2.0, 1.8, 1.6, 1.4, 1.2, 1.0)]
    assert SHOWN_CONTRIBUTIONS == 6


def test_the_file_is_utf8(tmp_path):
    write_report(analysis_of(), tmp_path / "report.html", sheet=NO_PICTURE, view=NO_PICTURE)

    assert "mL/m²" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_without_jinja2_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)

    with pytest.raises(MissingPackageError, match="install jinja2"):
        render_report(analysis_of(), sheet=NO_PICTURE, view=NO_PICTURE)
