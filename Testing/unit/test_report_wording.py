import io

import pytest

from CardiacMTLLib.labels import Group
from CardiacMTLLib.report.terminal import Terminal
from CardiacMTLLib.report.wording import measurement_title, number_text, sentence_case
from Testing.unit.analyses import analysis_of


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("lv_edv_ml", "LV end-diastolic volume"),
        ("rv_ef_percent", "RV ejection fraction"),
        ("lv_mass_g_per_m2", "LV mass, indexed"),
        ("rv_esv_ml_per_m2", "RV end-systolic volume, indexed"),
        ("body_surface_area_m2", "Body surface area"),
        ("cardiac_output_l_per_min", "Cardiac output"),
        ("cardiac_index_l_per_min_per_m2", "Cardiac index"),
        ("lv_mass_to_edv_g_per_ml", "LV mass to end-diastolic volume"),
        ("lv_wall_thickness_max_es_mm", "LV wall thickness maximum at ES"),
        ("lv_wall_thickening_mean_percent", "LV wall thickening mean"),
    ],
)
def test_measurements_have_titles(name, title):
    assert measurement_title(name) == title


def test_all_measurements_of_an_analysis_have_titles_of_their_own_without_underscores():
    names = analysis_of().measurements
    titles = {measurement_title(name) for name in names}

    assert len(titles) == len(names)
    assert not any("_" in title for title in titles)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (154.6, "mL", "155"),
        (18.44, "%", "18"),
        (8.25, "mm", "8.2"),
        (1.9444, "m²", "1.94"),
        (-0.2, "mL", "0"),
        (-3.0, "mL", "-3"),
    ],
)
def test_numbers_have_the_decimals_of_their_unit(value, unit, text):
    assert number_text(value, unit) == text


def test_a_title_in_a_sentence_keeps_its_abbreviations():
    assert sentence_case("wall thickness at ED") == "Wall thickness at ED"
    assert sentence_case(f"{Group.RV} volume") == "RV volume"
    assert sentence_case("") == ""


class Console(io.StringIO):
    def isatty(self):
        return True


def shown(stream):
    """What a terminal shows: text after the last carriage return of each line."""
    lines = []
    for line in stream.getvalue().split("\n"):
        cells = ""
        for part in line.split("\r"):
            cells = part + cells[len(part) :]
        lines.append(cells.rstrip())
    return lines


def test_progress_is_one_live_line_on_a_terminal():
    console = Console()
    terminal = Terminal(console)
    terminal.progress("segmenting a long list of frames", 0.25)
    terminal.progress("measuring", 0.9)

    assert shown(console) == [" 90 %  measuring"]
    terminal.clear()
    assert shown(console) == [""]


def test_progress_is_silent_in_a_pipe():
    pipe = io.StringIO()
    Terminal(pipe).progress("measuring", 0.9)
    Terminal(pipe).clear()

    assert pipe.getvalue() == ""


@pytest.mark.parametrize("stream", [Console, io.StringIO])
def test_a_message_is_one_line_of_its_own(stream):
    out = stream()
    terminal = Terminal(out)
    terminal.progress("measuring", 0.5)
    terminal.line("warning: two\nspacings")

    assert shown(out) == ["warning: two spacings", ""]


def test_a_stage_wider_than_the_terminal_does_not_wrap(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    console = Console()
    Terminal(console).progress("x" * 100, 2.0)

    assert shown(console)[0] == ("100 %  " + "x" * 100)[:29]
