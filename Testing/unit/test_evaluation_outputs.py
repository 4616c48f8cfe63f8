"""What an evaluation leaves on disk: JSON, CSV, the page, the pictures of the worst cases."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image as Pillow

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.diagnosis.diagnosis import RESEARCH_USE
from CardiacMTLLib.errors import InputError, OutputError
from CardiacMTLLib.labels import STRUCTURE_PHASES, Group, Phase
from CardiacMTLLib.reading.acdc import AcdcCase
from CardiacMTLTraining.evaluation.case_table import case_table, safe_cell
from CardiacMTLTraining.evaluation.summary import summarise
from CardiacMTLTraining.evaluation.worst import worst_cases, worst_pictures
from CardiacMTLTraining.evaluation.worst_drawing import draw_comparison
from CardiacMTLTraining.evaluation.writing import read_cases, write_evaluation
from Testing.unit.analyses import analysis_of, heart_mask, study_like
from Testing.unit.evaluated import FOUR, ORIGIN, SURE, UNDEFINED, UNSURE, WRONG, diagnosed, figures_of

EVIL = "=cmd|'/c calc'!A1<script>alert(1)</script>"

UNKNOWN = figures_of("nobody", None, Group.HCM, None)
"""Neither masks nor probabilities: the page of fewest plots."""


def case_and_analysis(name: str) -> tuple[AcdcCase, Analysis]:
    study = study_like()
    truth = {phase: heart_mask(study.geometry, radius) for phase, radius in ((Phase.ED, 26.0), (Phase.ES, 16.0))}
    return AcdcCase(study, truth, Group.DCM), analysis_of(study)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evaluation of four patients with an estimate of overlap, one of an evil name, and pictures of the worst."""
    folder = tmp_path_factory.mktemp("evaluation") / "figures"
    evil = replace(WRONG, name=EVIL, reason=EVIL, predicted_dice=dict.fromkeys(STRUCTURE_PHASES, 0.6))
    figures = [SURE, UNSURE, evil, UNDEFINED]
    origin = replace(ORIGIN, failed={"patient023": f"cannot be read {EVIL}"})
    write_evaluation(figures, summarise(figures), origin, folder, worst_pictures(figures, case_and_analysis))
    return folder


def page_of(folder: Path) -> str:
    return (folder / "evaluation.html").read_text(encoding="utf-8")


def test_the_figures_are_written_for_machines_and_read_again(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == ["cases.csv", "cases.json", "evaluation.html", "summary.json"]
    assert json.loads((written / "summary.json").read_text(encoding="utf-8"))["diagnosis"]["confusion"]["RV"]["RV"] == 1
    assert read_cases(written / "cases.json")[0] == SURE


def test_the_page_stands_alone_and_shows_plots_and_the_worst_cases(written: Path) -> None:
    page = page_of(written)
    assert RESEARCH_USE in page
    assert page.count("data:image/png;base64,") == 6
    assert page.count("data:image/jpeg;base64,") == 3
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "http" not in re.sub(r"\"data:[^\"]*\"", "", page).replace("http-equiv", "")


def test_the_page_says_what_the_figures_are_and_where_they_come_from(written: Path) -> None:
    page = page_of(written)
    assert "4 patients, held out" in page
    assert ORIGIN.kind.meaning in page
    for fact in (ORIGIN.command, ORIGIN.weights, ORIGIN.date, ORIGIN.software_version, "patient023"):
        assert fact in page
    assert "Only 4 patients" in page
    assert "nan" not in re.findall(r"\w+", re.sub(r"\"data:[^\"]*\"", "", page))


def test_texts_on_the_page_are_escaped(written: Path) -> None:
    page = page_of(written)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_no_cell_of_the_table_is_a_formula(written: Path) -> None:
    with (written / "cases.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[2]["case"] == rows[2]["reason"] == f"'{EVIL}"
    assert [safe_cell(text) for text in ("+1", "-1", "@a", "\tx", "patient001")] == ["'+1", "'-1", "'@a", "'\tx", "patient001"]


def test_the_table_has_a_row_a_case_and_empty_cells_where_undefined() -> None:
    rows = {row["case"]: row for row in csv.DictReader(io.StringIO(case_table(FOUR)))}
    assert list(rows) == [case.name for case in FOUR]
    first = rows["patient003"]
    assert (first["dice_LV_ED"], first["hausdorff_mm_RV_ES"], first["surface_distance_mm_RV_ES"]) == (
        "0.9000",
        "2.0000",
        "0.2000",
    )
    assert (first["error_lv_ef_percent"], first["expert_lv_ef_percent"], first["DCM"]) == ("1.0000", "100.0000", "0.8000")
    assert (rows["patient008"]["most_likely"], rows["patient008"]["label"]) == ("RV", "")
    undefined = rows["patient018"]
    columns = ("hausdorff_mm_RV_ES", "error_lv_mass_g", "most_likely", "NOR", "predicted_dice_LV_ED")
    assert [undefined[key] for key in columns] == [""] * 5
    assert undefined["flags"] == "out_of_scope"


def test_a_page_without_masks_or_without_groups_leaves_the_rest_out(tmp_path: Path) -> None:
    for figures, present, absent in (
        ([diagnosed(Group.NOR, 0.7)], "Confusion table", "Bland-Altman"),
        ([replace(SURE, group=None)], "Bland-Altman", "Confusion table"),
        ([UNKNOWN], "Confusion table", "Reliability plot"),
    ):
        write_evaluation(figures, summarise(figures), ORIGIN, tmp_path)
        page = page_of(tmp_path)
        assert present in page
        assert absent not in page
        assert "Worst cases" not in page


def test_an_evaluation_replaces_the_one_before_and_leaves_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "cases.csv").write_text("old", encoding="utf-8")
    write_evaluation([UNKNOWN], summarise([UNKNOWN]), ORIGIN, tmp_path)
    assert "old" not in (tmp_path / "cases.csv").read_text(encoding="utf-8")
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "mine"
    with pytest.raises(OutputError):
        write_evaluation([UNKNOWN], summarise([UNKNOWN]), ORIGIN, tmp_path / "mine.txt")


def test_a_file_that_holds_no_figures_is_refused(tmp_path: Path) -> None:
    for text in ("", "{}x", "[1]"):
        (tmp_path / "cases.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"cases\.json"):
            read_cases(tmp_path / "cases.json")


def test_the_worst_are_those_of_low_overlap_large_distance_and_sure_mistakes() -> None:
    fine = [replace(SURE, name=f"fine{number}") for number in range(4)]
    wrong = [diagnosed(Group.NOR, 0.01, p, name=f"wrong{p}") for p in (0.6, 0.9, 0.8, 0.7)]
    bad = replace(SURE, name="bad", dice=dict.fromkeys(STRUCTURE_PHASES, 0.2), hausdorff_mm=dict.fromkeys(STRUCTURE_PHASES))
    remote = replace(SURE, name="remote", hausdorff_mm=dict.fromkeys(STRUCTURE_PHASES, 99.0))
    found = {case.name: case.reasons for case in worst_cases([*fine, *wrong, bad, remote])}
    assert found["bad"] == ("mean Dice 0.200",)
    assert found["remote"] == ("mean Hausdorff distance 99.0 mm",)
    assert found["wrong0.9"] == ("NOR taken for MINF (probability 0.90)",)
    assert "wrong0.6" not in found
    assert "diagnosis undefined: no short-axis heart was found" in str(worst_cases(FOUR))


@pytest.mark.parametrize("with_truth", [True, False])
def test_the_picture_of_a_case_shows_all_slices_with_both_outlines(with_truth: bool) -> None:
    case, analysis = case_and_analysis("someone")
    jpeg = draw_comparison(case if with_truth else replace(case, masks=None), analysis)
    picture = Pillow.open(io.BytesIO(jpeg))
    assert picture.format == "JPEG"
    rows = 2 * (3 if with_truth else 2)
    assert picture.width == pytest.approx(5 * 180, rel=0.05)
    assert picture.height == pytest.approx(rows * 180 + 60, rel=0.08)
