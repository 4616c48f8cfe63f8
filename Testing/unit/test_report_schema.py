"""Every kind of record fits the schema that comes with the software, and a wrong one does not."""

import copy
from functools import cache
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from CardiacMTLLib.conclude import conclude
from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.network.heads import load_heads
from CardiacMTLLib.report.record import SCHEMA_VERSION, result_record
from CardiacMTLLib.report.schema import SCHEMA_FILE, record_schema
from Testing.unit.analyses import PROBABILITIES, analysis_of, study_like
from Testing.unit.corrections import corrected_analysis, phantom_analysis

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = record_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

RECORDS = {
    "whole cycle": lambda: result_record(phantom_analysis()),
    "ED and ES of a phantom": lambda: result_record(phantom_analysis(whole_cycle=False)),
    "one frame": lambda: result_record(
        analysis_of(study_like(n_frames=1), diagnosis=Diagnosis(None, None, "the ES frame is not known"))
    ),
    "out of scope": lambda: result_record(conclude(study_like(), None, load_heads())),
    "withheld": lambda: result_record(analysis_of(diagnosis=Diagnosis(PROBABILITIES, None, "no group is likely enough"))),
    "corrected": lambda: result_record(corrected_analysis(phantom_analysis()), phantom_analysis()),
    "slices left out": lambda: result_record(conclude_without(SliceSelection(frozenset({0}), frozenset({1})))),
    "as printed by --json": lambda: (
        result_record(analysis_of()) | {"outputs": ["result.json"], "left_out": [], "dicom_outputs": [], "dicom_notes": []}
    ),
}


def conclude_without(left_out):
    analysis = phantom_analysis()
    return type(analysis)(**{name: getattr(analysis, name) for name in analysis.__slots__} | {"left_out": left_out})


@cache
def whole():
    return RECORDS["corrected"]()


def test_the_schema_is_one_of_draft_2020_12():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA_FILE.parent.name == "report"


def test_schema_record_and_documentation_are_of_one_version():
    page = (ROOT / "docs/result-record.md").read_text(encoding="utf-8")

    assert SCHEMA["properties"]["schema_version"]["const"] == SCHEMA_VERSION
    assert SCHEMA["$id"].endswith(SCHEMA_VERSION)
    assert f"version {SCHEMA_VERSION}" in page
    assert [key for key in SCHEMA["properties"] if f"`{key}`" not in page] == []


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS.keys())
def test_a_record_fits_the_schema(record):
    assert [(list(error.absolute_path), error.message) for error in VALIDATOR.iter_errors(record())] == []


def test_the_schema_knows_every_key_of_a_whole_record_and_demands_it():
    known = set(SCHEMA["properties"])

    assert set(whole()) == set(SCHEMA["required"])
    assert known - set(SCHEMA["required"]) == {"outputs", "left_out", "dicom_outputs", "dicom_notes"}


WRONG = {
    "a value and a reason": lambda r: r["measurements"]["lv_edv_ml"].update(reason="why"),
    "neither value nor reason": lambda r: r["measurements"]["lv_edv_ml"].update(value=None),
    "a measurement is missing": lambda r: r["measurements"].pop("lv_ef_percent"),
    "a label that is no group": lambda r: r["diagnosis"].update(label="AMYLOID"),
    "a label without probabilities": lambda r: r["diagnosis"].update(probabilities=None),
    "no label and no reason": lambda r: r["diagnosis"].update(label=None),
    "a probability above one": lambda r: r["diagnosis"]["probabilities"].update(NOR=1.2),
    "four probabilities": lambda r: r["diagnosis"]["probabilities"].pop("RV"),
    "an unknown key": lambda r: r.update(patient_name="Jane Doe"),
    "an unknown key about the patient": lambda r: r["input"]["patient"].update(name="Jane Doe"),
    "no SHA-256": lambda r: r["model"].update(sha256="none"),
    "frames from zero": lambda r: r["frames"].update(ed=0),
    "a flag without what to check": lambda r: r["quality"]["flags"][0].pop("check"),
    "fifteen segments": lambda r: r["segments"].pop(),
    "an original without measurements": lambda r: r["correction"]["original"].pop("measurements"),
    "an original value without unit": lambda r: r["correction"]["original"]["measurements"]["lv_edv_ml"].pop("unit"),
    "a volume of zero": lambda r: r["curves"]["lv_volume_ml"].append(0),
    "another version": lambda r: r.update(schema_version="0.9"),
}


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_record_is_refused(spoil):
    record = copy.deepcopy(whole())
    spoil(record)

    assert not VALIDATOR.is_valid(record)


def test_the_record_of_the_phantom_has_what_the_schema_has_most_to_say_about():
    record = whole()

    assert record["curves"] is not None
    assert any(part["groups"] for part in record["diagnosis"]["explanation"]["features"])
    assert np.isfinite(record["quality"]["scope_score"])
    assert record["quality"]["flags"]
