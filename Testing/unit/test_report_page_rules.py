"""What holds for every page that we write for a reader: it loads nothing, and those who do not see it can read it."""

import re
from itertools import pairwise

import pytest

from CardiacMTLLib.analysis import QualityFlag
from CardiacMTLLib.report.cohort import render_cohort
from CardiacMTLLib.report.cohort_cases import Case, Cohort, Failure, Flag
from CardiacMTLLib.report.html import render_report
from CardiacMTLLib.report.templating import TEMPLATES
from Testing.unit.analyses import analysis_of
from Testing.unit.full_report import NOTHING, full_report
from Testing.unit.html_page import Page


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    flag = Flag("coverage", "the base is not covered")
    cohort = Cohort(
        (Case("a", "./a/report.html", "NOR", 0.9, None, {"lv_edv_ml": 100.0}, {}, (flag,)),), (Failure("b", "c"),), ("m",)
    )
    bare = render_report(analysis_of(flags=(QualityFlag("a", "b", "c"),)), sheet=NOTHING, view=NOTHING)
    return {
        "report": full_report(tmp_path_factory.mktemp("pictures"), view=True),
        "bare report": bare,
        "cohort": render_cohort(cohort),
    }


@pytest.fixture(params=["report", "bare report", "cohort"])
def page(request, pages):
    return Page(pages[request.param])


def test_a_page_loads_nothing_from_anywhere(page):
    assert page.loads == []
    assert page.all("link") == page.all("iframe") == page.all("object") == page.all("base") == []
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")
    assert "unsafe" not in policy.replace("style-src 'unsafe-inline'", "")


def test_the_contact_sheet_of_a_corrected_result_says_so(pages):
    assert "with the outlines of the segmentation, as corrected." in Page(pages["report"]).text
    assert "as corrected" not in Page(pages["bare report"]).text


def test_what_a_page_would_load_is_seen():
    seen = Page(
        "<style>a{background:url(x.png)}@import 'y';</style><img src='http://z'><a href='#in'></a><a href='//w'></a>"
    ).loads

    assert seen == ["http://z", "//w", "x.png", "@import 'y'"]


def test_a_page_names_its_language_and_its_title(page):
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("title")) == len(page.all("main")) == len(page.all("h1")) == 1


def test_headings_go_down_by_one_level_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]

    assert levels[0] == 1
    assert all(lower <= upper + 1 for upper, lower in pairwise(levels))


def test_every_picture_is_described_and_every_table_has_titles(page):
    assert all(len(image["alt"] or "") > 20 for image in page.all("img"))
    assert all(drawing["role"] == "img" and drawing["aria-label"] for drawing in page.all("svg"))
    assert page.all("th")
    assert all(head.get("scope") in {"col", "row"} for head in page.all("th"))


def test_identifiers_are_unique_and_those_that_are_named_exist(page):
    known = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    named = [attributes["aria-labelledby"] for _, attributes in page.elements if "aria-labelledby" in attributes]
    named += [link["href"][1:] for link in page.all("a") if link["href"].startswith("#")]

    assert len(set(known)) == len(known)
    assert set(named) <= set(known)
    assert len(page.all("section")) == len([1 for section in page.all("section") if section.get("aria-labelledby")])


def _luminance(color):
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one, other):
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_text_stands_out_from_every_background():
    styles = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "cohort.css"))
    inks = set(re.findall(r"(?:[{;\s])(?:color|fill): (#[0-9a-f]{6})", styles))
    grounds = set(re.findall(r"background: (#f[0-9a-f]{5})", styles)) | {"#ffffff"}

    assert len(inks) >= 5
    assert len(grounds) >= 3
    assert [(ink, ground) for ink in inks for ground in grounds if _contrast(ink, ground) < 4.5] == []


def test_colours_alone_tell_nothing(pages):
    words = re.findall(r"\d (?:below|above)\b", Page(pages["bare report"]).text)

    assert len(words) == pages["bare report"].count('class="outside"') > 0
