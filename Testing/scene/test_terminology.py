"""The terminology file, what is read from it, and what Slicer makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLLib.labels import STRUCTURES, Label
from CardiacMTLLib.resources import terminology_file
from CardiacMTLLib.terms import Code, structure_terms


def test_every_structure_has_its_snomed_code_and_colour() -> None:
    terms = structure_terms()
    found = {label: (term.kind.scheme, term.kind.value, term.color) for label, term in terms.items()}
    assert found == {
        Label.LV: ("SCT", "87878005", (152, 55, 13)),
        Label.RV: ("SCT", "53085002", (181, 85, 57)),
        Label.MYOCARDIUM: ("SCT", "74281007", (192, 104, 88)),
    }
    assert {term.category for term in terms.values()} == {Code("SCT", "123037004", "Anatomical Structure")}


@pytest.mark.parametrize("damage", ["{", "{}", '{"SegmentationCodes": {"Category": []}}', "[]"])
def test_a_damaged_file_is_named_in_the_error(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    path = tmp_path / "CardiacMTL.term.json"
    path.write_text(damage, encoding="utf-8")
    monkeypatch.setattr("CardiacMTLLib.terms.terminology_file", lambda: path)
    structure_terms.cache_clear()
    with pytest.raises(CardiacMTLError, match=r"CardiacMTL\.term\.json is damaged"):
        structure_terms()
    structure_terms.cache_clear()


def test_slicer_finds_each_entry_again_with_code_and_colour(host: Any) -> None:
    slicer = pytest.importorskip("slicer")
    entries = pytest.importorskip("CardiacMTLScene.terminology").coded_entries(host.terminologies)
    assert set(entries) == set(STRUCTURES)
    for label, serialized in entries.items():
        entry = slicer.vtkSlicerTerminologyEntry()
        assert host.terminologies.DeserializeTerminologyEntry(serialized, entry)
        host.terminologies.UpdateEntryFromLoadedTerminologies(entry, [], [])
        assert entry.GetTypeObject().GetCodeValue() == structure_terms()[label].kind.value
        assert tuple(entry.GetTypeObject().GetRecommendedDisplayRGBValue()) == structure_terms()[label].color


def test_a_code_that_slicer_does_not_know_is_an_error_although_slicer_reports_success(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminology = pytest.importorskip("CardiacMTLScene.terminology")
    known = structure_terms()
    unknown = replace(known[Label.LV], kind=Code("SCT", "999", "no such thing"))
    monkeypatch.setattr(terminology, "structure_terms", lambda: {**known, Label.LV: unknown})
    with pytest.raises(CardiacMTLError, match="SCT 999"):
        terminology.coded_entries(host.terminologies)


def test_loading_the_terminology_twice_does_no_harm(host: Any) -> None:
    terminology = pytest.importorskip("CardiacMTLScene.terminology")
    assert terminology.coded_entries(host.terminologies) == terminology.coded_entries(host.terminologies)


def test_the_file_has_the_layout_that_slicer_recognises() -> None:
    content = json.loads(terminology_file().read_text(encoding="utf-8"))
    assert content["@schema"].endswith("/segment-context-schema.json#")
    assert "CardiacMTL" in content["SegmentationCategoryTypeContextName"]
