"""Chromium prints a report: pages of the paper's size, none empty, what matters on the first, no picture cut in two."""

import shutil
import subprocess
from functools import cache

import pypdf
import pytest

from CardiacMTLLib.report.cohort import render_cohort
from CardiacMTLLib.report.cohort_cases import Case, Cohort
from Testing.unit.full_report import full_report

PAPERS = {"A4": (595, 842), "Letter": (612, 792)}
"""Width and height in points."""


@cache
def browser():
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def chromium(folder, *arguments):
    if browser() is None:
        pytest.skip("no Chromium is installed: on Debian apt-get install chromium")
    fixed = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder / 'profile'}")
    done = subprocess.run([browser(), *fixed, *arguments], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    return done.stdout.decode()


def printed(html, folder, paper):
    """The PDF of a page; without a size of its own it would take the paper of this machine's locale."""
    (folder / "page.html").write_text(html.replace("@page {", f"@page {{ size: {paper};", 1), encoding="utf-8")
    chromium(folder, "--no-pdf-header-footer", f"--print-to-pdf={folder / 'page.pdf'}", (folder / "page.html").as_uri())
    return pypdf.PdfReader(folder / "page.pdf")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return full_report(tmp_path_factory.mktemp("pictures"), view=False)


@pytest.mark.parametrize("paper", PAPERS)
def test_a_report_prints_on_whole_pages(report, paper, tmp_path):
    pages = printed(report, tmp_path, paper).pages
    texts = [" ".join(page.extract_text().split()) for page in pages]
    pictures = [len(page.images) for page in pages]

    assert {(round(page.mediabox.width), round(page.mediabox.height)) for page in pages} == {PAPERS[paper]}
    assert len(pages) <= 9
    assert all(len(text) > 200 or count for text, count in zip(texts, pictures, strict=True))
    assert sum(pictures) == report.count("<img")
    for part in ("Doe, Jane", "Corrected by a reader", "Pattern most like", "Key measurements", "EDV", "EF", "Quality"):
        assert part in texts[0]
    assert all(f"{number} / {len(pages)}" in text and "For research use only" in text for number, text in enumerate(texts, 1))
    assert all("4711" in text for text in texts)
    assert "doi 10.1109/TMI.2018.2837502" in texts[-1]


def test_no_page_ends_with_the_head_of_a_table(report, tmp_path):
    """The same short table at every height of a page, each on a page of its own."""
    style = report[report.index("<style>") : report.index("</style>")] + "</style>"
    tables = [
        f'<div style="break-before: page; height: {height_mm}mm"></div><table><caption>Caption {height_mm}</caption>'
        f"<thead><tr><th>Head {height_mm}</th></tr></thead><tbody><tr><td>First</td></tr><tr><td>Next</td></tr></tbody></table>"
        for height_mm in range(200, 300, 2)
    ]

    pages = printed(f"<!DOCTYPE html><html><head>{style}</head><body>{''.join(tables)}</body></html>", tmp_path, "A4").pages

    begun = [text for page in pages if "Caption" in (text := page.extract_text())]
    assert len(begun) == len(tables)
    assert len(pages) > len(tables)
    assert all("Head" in text and "First" in text for text in begun)


def test_the_index_of_a_cohort_sorts_by_a_click_where_only_its_own_script_may_run(tmp_path):
    cases = tuple(
        Case(name, None, "NOR", 0.9, None, {"lv_edv_ml": value}) for name, value in zip("abc", (20.0, 3.0, 100.0), strict=True)
    )
    html = render_cohort(Cohort(cases, (), ("m",)))
    (tmp_path / "page.html").write_text(
        html.replace("</body>", "<script>document.title = 'foreign'</script></body>"), encoding="utf-8"
    )
    untouched = chromium(tmp_path, "--dump-dom", (tmp_path / "page.html").as_uri())
    click = "<script>document.querySelectorAll('#cases-table button')[3].click()</script></body>"
    policy = html[html.index("<meta http-equiv") : html.index(">", html.index("<meta http-equiv")) + 1]
    (tmp_path / "page.html").write_text(html.replace(policy, "").replace("</body>", click), encoding="utf-8")
    clicked = chromium(tmp_path, "--dump-dom", (tmp_path / "page.html").as_uri())

    def order(dom):
        return sorted("abc", key=lambda name: dom.index(f'data-value="{name}"'))

    assert "<title>foreign" not in untouched
    assert 'aria-label="Sort by LV EDV, mL"' in untouched
    assert order(untouched) == ["a", "b", "c"]
    assert order(clicked) == ["b", "a", "c"]
    assert 'aria-sort="ascending"' in clicked
    assert "Sorted by LV EDV, mL, rising" in clicked
