"""The model card tells the figures of an evaluation."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.manifest import Calibration, Manifest, Provenance
from CardiacMTLTraining.card import model_card
from CardiacMTLTraining.evaluation.origin import Origin
from CardiacMTLTraining.evaluation.summary import summarise
from Testing.unit.evaluated import FOUR, ORIGIN, UNDEFINED

KEPT_OUT = replace(ORIGIN, only="3/5")


def record_of(cases: Any, origin: Origin) -> dict[str, Any]:
    """The record as `export` reads it."""
    record: dict[str, Any] = json.loads(json.dumps(summarise(cases).to_json(origin)))
    return record


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


def test_the_card_tells_the_figures_of_patients_that_were_kept_out() -> None:
    card = model_card(manifest_with(held_out=record_of(FOUR, KEPT_OUT)))
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
    failed = replace(KEPT_OUT, failed={"patient023": "cannot be read"})
    card = model_card(manifest_with(held_out=record_of([UNDEFINED], failed)))
    assert "| lv_ef_percent | 0 | undefined | undefined | undefined |" in card
    assert "could not be analysed: patient023" in card


def test_a_card_without_figures_says_so() -> None:
    card = model_card(manifest_with())
    assert "Not yet evaluated on patients that were kept out." in card
    assert "For research use only" in card
    assert "{" not in card
