"""Figures of a model: how cases are summed up, written, and told on the card."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from CardiacMTLLib.labels import STRUCTURES, Group, Phase
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.manifest import Calibration, Manifest, Provenance
from CardiacMTLTraining.card import model_card
from CardiacMTLTraining.evaluate import COMPARED, CaseFigures, format_summary, summarise, write_figures

KEYS = [f"{structure.name}_{phase}" for structure in STRUCTURES for phase in Phase]


def figures_of(name: str, overlap: float | None, group: Group | None, chances: tuple[float, ...] | None) -> CaseFigures:
    """A case of one overlap and one error throughout; its label is withheld below a half."""
    error = None if overlap is None else 10 * (1 - overlap)
    distance = None if overlap is None else 20 * (1 - overlap)
    label = None if chances is None or max(chances) < 0.5 else list(Group)[int(np.argmax(chances))]
    return CaseFigures(
        name, dict.fromkeys(KEYS, overlap), dict.fromkeys(KEYS, distance), dict.fromkeys(COMPARED, error), group, chances, label
    )


SURE = figures_of("patient003", 0.9, Group.DCM, (0.05, 0.05, 0.8, 0.05, 0.05))
UNSURE = figures_of("patient008", 0.8, Group.RV, (0.1, 0.2, 0.1, 0.15, 0.45))
WRONG = figures_of("patient013", 0.7, Group.NOR, (0.1, 0.6, 0.1, 0.1, 0.1))
UNDEFINED = replace(
    figures_of("patient018", 0.0, Group.HCM, None), hausdorff_mm=dict.fromkeys(KEYS), errors=dict.fromkeys(COMPARED)
)
FOUR = (SURE, UNSURE, WRONG, UNDEFINED)


def manifest_with(**metrics: Any) -> Manifest:
    return Manifest(
        "tiny",
        "1.0",
        "0123456789ab" * 5,
        NetworkConfiguration(),
        Calibration(),
        Provenance(data="phantoms", n_patients=79, held_out="3/5", commit="abcdef0123456789", training={"batch_size": 16}),
        metrics={"head_out_of_fold": {"indexed_accuracy": 0.911, "unindexed_accuracy": 0.886, "embedding_accuracy": 0.215}}
        | metrics,
    )


def test_overlaps_and_errors_are_means_over_the_cases_where_they_are_defined() -> None:
    summary = summarise(FOUR)
    assert summary["n_patients"] == 4
    assert summary["patients"] == ["patient003", "patient008", "patient013", "patient018"]
    assert summary["dice_mean"] == pytest.approx(0.6)
    low, high = summary["dice_mean_interval_95"]
    assert low < 0.6 < high
    assert summary["dice"] == pytest.approx(dict.fromkeys(KEYS, 0.6))
    assert summary["hausdorff_mm"] == pytest.approx(dict.fromkeys(KEYS, 4.0))
    assert summary["errors"]["lv_ef_percent"] == pytest.approx({"n": 3, "mean_absolute": 2.0, "bias": 2.0, "sd": 1.0})


def test_a_bias_keeps_its_sign() -> None:
    cases = [replace(SURE, errors=dict.fromkeys(COMPARED, error)) for error in (-4.0, 2.0)]
    error = summarise(cases)["errors"]["rv_edv_ml"]
    assert (error["bias"], error["mean_absolute"]) == pytest.approx((-1.0, 3.0))


def test_an_undefined_diagnosis_counts_as_wrong_and_a_withheld_label_by_its_largest_probability() -> None:
    diagnosis = summarise(FOUR)["diagnosis"]
    assert (diagnosis["right"], diagnosis["n"], diagnosis["accuracy"]) == (2, 4, 0.5)
    assert diagnosis["accuracy_interval_95"] == pytest.approx((0.0676, 0.9324), abs=1e-3)
    assert (diagnosis["labelled"], diagnosis["labelled_right"]) == (2, 1)
    assert diagnosis["log_loss"] == pytest.approx(-np.log([0.8, 0.45, 0.1]).mean())
    assert diagnosis["confusion"]["HCM"]["none"] == 1
    assert diagnosis["confusion"]["NOR"]["MINF"] == 1
    assert sum(sum(row.values()) for row in diagnosis["confusion"].values()) == 4


def test_cases_of_no_known_group_have_masks_judged_and_no_diagnosis() -> None:
    cases = [replace(case, group=None) for case in FOUR]
    assert "diagnosis" not in summarise(cases)
    assert "diagnosis" not in format_summary(summarise(cases))
    assert summarise([*cases, SURE])["diagnosis"]["n"] == 1


def test_the_figures_are_written_for_machines_with_a_row_a_case(tmp_path: Path) -> None:
    summary = summarise(FOUR)
    write_figures(FOUR, summary, tmp_path / "figures")
    read = json.loads((tmp_path / "figures" / "summary.json").read_text(encoding="utf-8"))
    assert read["diagnosis"]["confusion"]["RV"]["RV"] == 1
    with (tmp_path / "figures" / "cases.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["case"]: row for row in csv.DictReader(stream)}
    assert list(rows) == [case.name for case in FOUR]
    assert rows["patient003"]["dice_LV_ED"] == "0.9000"
    assert rows["patient003"]["error_lv_ef_percent"] == "1.0000"
    assert rows["patient003"]["DCM"] == "0.8000"
    assert (rows["patient008"]["most_likely"], rows["patient008"]["label"]) == ("RV", "")
    undefined = rows["patient018"]
    assert [undefined[key] for key in ("hausdorff_mm_RV_ES", "error_lv_mass_g", "most_likely", "NOR")] == [""] * 4


def test_the_terminal_says_undefined_and_never_nan() -> None:
    text = format_summary(summarise([UNDEFINED]))
    assert "undefined" in text
    assert "nan" not in text.lower()


def test_the_card_tells_the_figures_of_patients_that_were_kept_out() -> None:
    card = model_card(manifest_with(held_out=summarise(FOUR) | {"only": "3/5", "failed": {}}))
    assert "**0.600**" in card
    assert "--only 3/5" in card
    assert "| LV | 0.600 | 0.600 | 4.0 | 4.0 |" in card
    assert "| lv_ef_percent | 3 | 2.0 | +2.0 | 1.0 |" in card
    assert "**2 of 4** right" in card
    assert "| HCM | 0 | 0 | 0 | 0 | 0 | 1 |" in card
    assert "91.1%" in card
    assert "embedding alone was right in 21.5%" in card
    assert "Patients whose number leaves 3 when divided by 5 were kept out" in card


def test_the_card_says_undefined_where_nothing_was_found_and_names_who_failed() -> None:
    summary = summarise([UNDEFINED]) | {"only": "3/5", "failed": {"patient023": "cannot be read"}}
    card = model_card(manifest_with(held_out=summary))
    assert "| lv_ef_percent | 0 | undefined | undefined | undefined |" in card
    assert "could not be analysed: patient023" in card


def test_a_card_without_figures_says_so() -> None:
    card = model_card(manifest_with())
    assert "Not yet evaluated on patients that were kept out." in card
    assert "For research use only" in card
    assert "{" not in card
