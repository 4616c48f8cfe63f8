"""The model card tells the figures that there are, and of which patients each is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from CardiacMTLLib.labels import STRUCTURE_PHASES
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.manifest import Calibration, Manifest, Provenance
from CardiacMTLTraining.ablation import Ablation, Difference, HeadFigures
from CardiacMTLTraining.card import model_card
from CardiacMTLTraining.evaluation.mask_quality import EstimateFigures
from CardiacMTLTraining.evaluation.origin import Kind, Origin
from CardiacMTLTraining.evaluation.summary import summarise
from CardiacMTLTraining.quality.negatives import Use
from CardiacMTLTraining.quality.report import KindFigures, MaskQualityReport, ScopeReport, Share
from Testing.unit.evaluated import FOUR, ORIGIN, UNDEFINED
from Testing.unit.made_distributions import distributions_of

KEPT_OUT = replace(ORIGIN, only="3/5", command=f"{ORIGIN.command} --only 3/5 --kind held-out")
OUT_OF_FOLD = replace(
    ORIGIN,
    kind=Kind.OUT_OF_FOLD,
    weights="those of 5 folds",
    command="cardiacmtl-train crossval --cache CACHE --data ACDC --out CV",
)
ABLATION = Ablation(
    (
        HeadFigures("joint", "clinical layer and embedding", 79, 72, (0.826, 0.964), 0.3214, (0.21, 0.44)),
        HeadFigures("separate", "embedding only", 79, 31, (0.284, 0.508), 1.4567, (1.3, 1.6)),
    ),
    (Difference("log-loss", "joint, clinical layer only", "joint, embedding only", 79, -0.6543, (-0.8, -0.5)),),
)
QUALITY: dict[str, Any] = {
    "scope": ScopeReport(
        Share(78, 79, 78 / 79, (0.93, 1.0)),
        ("patient009",),
        {
            "white_noise": KindFigures(Use.CALIBRATION, Share(15, 15, 1.0, (0.78, 1.0)), 15, 1.0),
            "sphere": KindFigures(Use.REPORTED, Share(9, 15, 0.6, (0.3, 0.8)), 2, 0.8765),
        },
    ).to_json(),
    "mask_quality": MaskQualityReport(
        dict.fromkeys(STRUCTURE_PHASES, EstimateFigures(79, 0.71, 0.66, 0.001, 0.0213))
        | {"RV_ES": EstimateFigures(0, None, None, None, None)},
        {},
        {},
    ).to_json(),
}


def record_of(cases: Any, origin: Origin) -> dict[str, Any]:
    """The record as `export` reads it, without what it leaves out."""
    record: dict[str, Any] = json.loads(json.dumps(summarise(cases).to_json(origin)))
    return {key: value for key, value in record.items() if key not in ("patients", "spread")}


def manifest_with(rule: str = "3/5", **metrics: Any) -> Manifest:
    return Manifest(
        "tiny",
        "1.0",
        "0123456789ab" * 5,
        NetworkConfiguration(),
        Calibration(label_threshold=0.61),
        Provenance(data="phantoms", n_patients=79, held_out=rule, commit="abcdef0123456789", training={"batch_size": 16}),
        metrics=json.loads(json.dumps(metrics)),
    )


def section(card: str, title: str) -> str:
    """The text below the heading that begins with `title`, up to the next heading."""
    _, found, rest = card.partition(f"### {title}")
    assert found, f"no section {title}"
    return rest.partition("\n### ")[0]


def test_the_card_tells_the_figures_of_patients_that_were_kept_out() -> None:
    text = section(model_card(manifest_with(held_out=record_of(FOUR, KEPT_OUT))), "Held out: 4 patients")
    assert "**0.600**" in text
    assert "--only 3/5" in text
    assert "| LV | 0.600 | 0.600 | 4.0 | 4.0 | 0.40 | 0.40 |" in text
    assert "| lv_ef_percent | 3 | 2.0 | +2.0 | " in text
    assert "**2 of 4** right" in text
    assert "| HCM | 0 | 0 | 0 | 0 | 0 | 1 |" in text


def test_the_figures_out_of_fold_stand_apart_from_those_of_patients_kept_out() -> None:
    better = record_of(FOUR[:2], OUT_OF_FOLD)
    card = model_card(manifest_with(out_of_fold=better, held_out=record_of(FOUR, KEPT_OUT)))
    out_of_fold = section(card, "Out of fold: 2 patients, those of 5 folds")
    assert "**0.850**" in out_of_fold
    assert "cardiacmtl-train crossval" in out_of_fold
    assert "**2 of 2** right" in out_of_fold
    assert "**0.600**" not in out_of_fold
    assert "**0.850**" not in section(card, "Held out")


def test_the_card_says_undefined_where_nothing_was_found_and_names_who_failed() -> None:
    failed = replace(KEPT_OUT, failed={"patient023": "cannot be read"})
    card = model_card(manifest_with(held_out=record_of([UNDEFINED], failed)))
    assert "| lv_ef_percent | 0 | undefined | undefined | undefined | undefined |" in card
    assert "| LV | 0.000 | 0.000 | undefined | undefined | undefined | undefined |" in card
    assert "could not be analysed: patient023" in card


def test_the_card_compares_the_parts_of_the_design() -> None:
    text = section(model_card(manifest_with(ablation=ABLATION.to_json())), "What the parts are worth")
    assert "| joint | clinical layer and embedding | 72 of 79 | 0.321 (0.210 to 0.440) |" in text
    assert "| separate | embedding only | 31 of 79 | 1.457 (1.300 to 1.600) |" in text
    assert "| log-loss | joint, clinical layer only | joint, embedding only | -0.6543 (-0.8000 to -0.5000) |" in text


def test_the_card_says_why_a_head_alone_is_right_more_often_than_the_whole_pipeline() -> None:
    card = model_card(manifest_with(ablation=ABLATION.to_json(), out_of_fold=record_of(FOUR, OUT_OF_FOLD)))
    told = section(card, "What the parts are worth")
    assert "the diagnosis above is that of the whole pipeline, which gives none where volumes contradict each other" in told
    assert "(1 of 4 patients), and those count as not right." in told


def test_the_card_tells_how_the_estimates_of_quality_hold() -> None:
    text = section(model_card(manifest_with(quality=QUALITY)), "Estimates of quality")
    assert "taken as such: 78 of 79." in text
    assert "| white_noise | calibrate | 15 of 15 | 1.000 |" in text
    assert "| sphere | report | 9 of 15 | 0.876 |" in text or "| sphere | report | 9 of 15 | 0.877 |" in text
    assert "| LV_ED | 79 | 0.71 | 0.66 | 0.021 |" in text
    assert "| RV_ES | 0 | undefined | undefined | undefined |" in text


def test_the_card_tells_of_whom_the_distributions_are() -> None:
    with_them = replace(manifest_with(), distributions=distributions_of())
    assert "each group of\n101 made-up hearts a group; it holds no values of single patients." in model_card(with_them)
    assert "percentiles" not in model_card(manifest_with())


def test_a_card_without_figures_says_so() -> None:
    card = model_card(manifest_with())
    assert "Not yet measured." in card
    assert "For research use only" in card
    assert "0.61" in card
    assert "{" not in card
    assert "###" not in card


@pytest.mark.parametrize("rule", ["3/5", ""])
def test_the_commands_on_the_card_keep_out_the_same_patients_in_both_trainings(rule: str) -> None:
    card = model_card(manifest_with(rule))
    commands = [line for line in card.splitlines() if line.startswith(("cardiacmtl-train train", "cardiacmtl-train crossval"))]
    assert len(commands) == 2
    assert [line.partition(" --hold-out ")[2] for line in commands] == [rule, rule]
    assert ("Patients whose number leaves 3 when divided by 5 were kept out of training." in card) == bool(rule)
