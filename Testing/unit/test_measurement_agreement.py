"""`cardiacmtl-train agreement`: what is measured in both masks of every patient, and the page about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.inference.find import FoundHeart
from CardiacMTLLib.inference.segment import PhaseResult
from CardiacMTLLib.labels import STRUCTURE_PHASES, Label, Phase
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.preprocess.resample import Window
from CardiacMTLLib.reading.acdc import read_acdc_case
from CardiacMTLTraining.calibrate import Rows
from CardiacMTLTraining.cli import main
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.crossval import fold_folder
from CardiacMTLTraining.measurements.measured import Measured, Pair, check_out_of_fold, measured_pairs
from CardiacMTLTraining.measurements.page import PageOrigin, markdown_page
from CardiacMTLTraining.measurements.summary import summarise_measurements
from CardiacMTLTraining.out_of_fold import FOLDER_NAME, OutOfFold
from CardiacMTLTraining.quality.rows import PatientRow
from CardiacMTLTraining.train import CONFIGURATION_NAME, RunRecord
from Testing.acdc_folder import write_acdc_folder
from Testing.unit.hearts import study_of
from Testing.unit.rings import THICKNESS_MM, RingHeart, grid

PLACES = {"patient001": 0, "patient003": 1, "patient006": 1}
GEOMETRY = grid(n_slices=3)
STUDY = study_of(np.zeros((1, *GEOMETRY.shape_zyx), np.int16), GEOMETRY.spacing_xyz_mm)
ORIGIN = PageOrigin("the command", "2026-01-02", "abc", "def", 3, 4, 5, 2, "0" * 64)


def measured(factor: float, masks: tuple[Phase, ...] = tuple(Phase)) -> Measured:
    """A heart whose wall is `factor` times that of `THICKNESS_MM`."""
    stack = RingHeart({number: factor * mm for number, mm in THICKNESS_MM.items()}).stack(GEOMETRY)
    return Measured.of(dict.fromkeys(masks, stack), STUDY)


EXPERT, THICKER, ED_ALONE, NOTHING = measured(1.0), measured(1.2), measured(1.0, (Phase.ED,)), measured(1.0, ())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """data/ and cv/ as a finished cross-validation leaves them; its masks lack the basal-most slice of the RV."""
    write_acdc_folder(tmp_path / "data", *PLACES)
    crossval = tmp_path / "cv"
    (crossval / FOLDER_NAME / "joint").mkdir(parents=True)
    for fold in set(PLACES.values()):
        fold_folder(crossval, fold).mkdir()
        TrainingConfiguration(seed=7, split_seed=8).save(fold_folder(crossval, fold) / CONFIGURATION_NAME)
        RunRecord(7, ("patient099",), f"fold {fold}", "", "", 1, "c0ffee").save(fold_folder(crossval, fold))
    nothing = dict.fromkeys(STRUCTURE_PHASES, 0.0)
    Rows((), (), tuple(PatientRow(name, fold, None, None, nothing) for name, fold in PLACES.items()), ()).save(crossval)
    for name, fold in PLACES.items():
        masks = read_acdc_case(tmp_path / "data" / name).masks or {}
        found = {phase: mask.copy() for phase, mask in masks.items()}
        for mask in found.values():
            planes = np.flatnonzero((mask == Label.RV).any(axis=(1, 2)))
            mask[planes[-1]][mask[planes[-1]] == Label.RV] = 0
        phases = PhaseResult(found, None, dict.fromkeys(STRUCTURE_PHASES, 1.0), dict.fromkeys(Phase, 1.0))
        heart = FoundHeart(Window((0.0, 0.0), 64, 2.0), {Phase.ED: 0, Phase.ES: 1}, phases, None)
        OutOfFold(name, fold, heart).save(crossval / FOLDER_NAME / "joint" / f"{name}.npz")
    return tmp_path


def test_both_masks_of_every_patient_are_measured(folder: Path) -> None:
    pairs = measured_pairs(folder / "data", folder / "cv", PLACES)
    assert [pair.name for pair in pairs] == sorted(PLACES)
    for pair in pairs:
        case = read_acdc_case(folder / "data" / pair.name)
        assert pair.expert == Measured.of(case.masks or {}, case.study)
        assert pair.ours.table["lv_edv_ml"] == pair.expert.table["lv_edv_ml"]
        ours, theirs = (side.table["rv_edv_ml"].value for side in (pair.ours, pair.expert))
        assert ours is not None
        assert theirs is not None
        assert ours < theirs


def test_the_command_writes_a_page_that_says_how_to_make_it_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = folder / "page.md"
    assert main(["agreement", "--data", str(folder / "data"), "--crossval", str(folder / "cv"), "--out", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert f"written: {page}" in capsys.readouterr().out
    for words in (
        "Out of fold, 3 ACDC training patients",
        "seed 7, split seed 8",
        "c0ffee",
        "cardiacmtl-train agreement --data",
    ):
        assert words in text
    assert "| LV end-diastolic volume | mL | 3 |" in text
    assert str(folder) not in text
    assert [path.name for path in folder.iterdir() if "page" in path.name] == ["page.md"]


def test_a_patient_of_the_fold_s_own_training_is_refused(folder: Path) -> None:
    RunRecord(7, ("patient003",), "fold 1", "", "", 1, "").save(fold_folder(folder / "cv", 1))
    with pytest.raises(InputError, match="fold 1 was trained on patient003"):
        check_out_of_fold(folder / "cv", PLACES)


def test_a_patient_without_an_expert_mask_is_refused(folder: Path) -> None:
    (folder / "data/patient001/patient001_frame09_gt.nii.gz").unlink()
    with pytest.raises(InputError, match="patient001 lacks an expert mask"):
        measured_pairs(folder / "data", folder / "cv", PLACES)


def test_a_heart_that_was_not_found_is_undefined_not_left_out(folder: Path) -> None:
    OutOfFold("patient001", 0, None).save(folder / "cv" / FOLDER_NAME / "joint" / "patient001.npz")
    pairs = measured_pairs(folder / "data", folder / "cv", PLACES)
    assert pairs[0].ours.table["lv_edv_ml"].reason == "the ED frame is not known"
    line = next(line for line in summarise_measurements(pairs, 0).table if line.title == "lv_edv_ml")
    assert (line.error.n, line.undefined, line.reason) == (2, (1, 0), "the ED frame is not known")


def pairs_of(*sides: tuple[Measured, Measured]) -> list[Pair]:
    return [Pair(f"p{i}", ours, theirs, "") for i, (ours, theirs) in enumerate(sides)]


def test_bias_is_ours_less_the_experts_over_the_pairs_where_both_are_defined() -> None:
    summary = summarise_measurements(pairs_of((THICKER, EXPERT), (EXPERT, EXPERT), (NOTHING, EXPERT)), 0)
    line = next(line for line in summary.table if line.title == "lv_wall_thickness_mean_ed_mm")
    ours, theirs = (side.table[line.title].value for side in (THICKER, EXPERT))
    assert ours is not None
    assert theirs is not None
    assert (line.error.n, line.undefined, line.expert_mean) == (2, (1, 0), pytest.approx(theirs))
    assert line.error.bias == pytest.approx((ours - theirs) / 2)
    assert "body_surface_area_m2" not in {line.title for line in summary.table}


def test_segments_are_pooled_over_patients_and_shown_one_by_one() -> None:
    summary = summarise_measurements(pairs_of((THICKER, EXPERT), (EXPERT, EXPERT)), 0)
    at_ed, at_es, growth = summary.pooled
    assert [line.error.n for line in summary.pooled] == [32] * 3
    assert (at_ed.unit, at_es.unit, growth.unit) == ("mm", "mm", "%")
    assert at_ed.error.bias == pytest.approx(0.1 * 10.25, abs=0.1)
    lines = summary.by_segment["thickness at ED"]
    assert [line.title.split()[0] for line in lines] == [str(number) for number in range(1, 17)]
    assert lines[15].error.bias == pytest.approx(0.1 * THICKNESS_MM[16], abs=0.3)
    # two patients: whole patients are drawn, so that the interval reaches from the one's mean difference to the other's
    assert at_ed.error.bias_interval_95 == pytest.approx((0.0, 2 * at_ed.error.bias))


def test_classes_are_counted_where_both_have_one() -> None:
    summary = summarise_measurements(pairs_of((EXPERT, EXPERT), (ED_ALONE, EXPERT)), 0)
    assert summary.classes == {("absent", "absent"): 16}
    assert summary.same_class == (16, 16)
    assert [line.undefined for line in summary.pooled] == [(0, 0), (16, 0), (16, 0)]


def test_where_nothing_is_defined_the_page_says_so_and_why() -> None:
    summary = summarise_measurements(pairs_of((NOTHING, EXPERT)), 0)
    text = markdown_page(summary, ORIGIN)
    assert "| LV end-systolic volume | mL | 0 | | | | | | 1/0 (the ED frame is not known) |".replace("ED", "ES") in text
    assert "0 of 0 segments (0 %)" in text
    assert summary.pooled[0].error.bias_interval_95 is None


def test_the_page_holds_every_figure() -> None:
    other = replace(THICKER, table=dict(THICKER.table) | {"lv_edv_ml": Measurement(150.0, "mL")})
    text = markdown_page(summarise_measurements(pairs_of((other, EXPERT), (EXPERT, EXPERT), (THICKER, THICKER)), 0), ORIGIN)
    for name in ("thickness at ED", "thickness at ES", "thickening"):
        assert f"## Each segment: {name}" in text
    assert text.count("| 16 apical lateral |") == 3
    assert "the command" in text
    assert "seed 3, split seed 4; networks trained at commit def" in text
