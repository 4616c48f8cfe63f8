import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from CardiacMTLLib import __version__
from CardiacMTLLib.analysis import QualityFlag
from CardiacMTLLib.diagnosis.diagnosis import MEANING, RESEARCH_USE, Diagnosis
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.report.record import record_text, result_record
from Testing.unit.analyses import CERTAIN, PROBABILITIES, analysis_of, study_like

ANALYSIS = analysis_of()


def test_the_record_names_schema_software_model_and_research_use():
    record = result_record(analysis_of())

    assert record["schema_version"] == "1.3"
    assert record["software"] == {"name": "CardiacMTL", "version": __version__}
    assert record["model"] == {"name": "acdc-joint", "version": "1.2.0", "sha256": "0123456789abcdef" * 4}
    assert record["research_use"] == RESEARCH_USE


def test_probabilities_are_keyed_by_the_five_groups_in_class_order():
    diagnosis = result_record(analysis_of())["diagnosis"]

    assert list(diagnosis["probabilities"]) == ["NOR", "MINF", "DCM", "HCM", "RV"]
    assert diagnosis["probabilities"] == {group.value: share for group, share in PROBABILITIES.items()}
    assert (diagnosis["label"], diagnosis["reason"], diagnosis["meaning"]) == ("DCM", None, MEANING)


@pytest.mark.parametrize("probabilities", [PROBABILITIES, None])
def test_a_withheld_label_is_null_with_its_reason(probabilities):
    diagnosis = result_record(analysis_of(diagnosis=Diagnosis(probabilities, None, "too uncertain")))["diagnosis"]

    assert (diagnosis["label"], diagnosis["reason"]) == (None, "too uncertain")
    assert (diagnosis["probabilities"] is None) == (probabilities is None)
    assert diagnosis["auxiliary_logits"] is None


def test_frames_count_from_one_and_are_null_where_not_found():
    assert result_record(analysis_of())["frames"] == {"ed": 1, "es": 2}
    assert result_record(analysis_of(study_like(n_frames=1)))["frames"] == {"ed": 1, "es": None}


def test_frames_of_a_longer_cine_keep_their_numbers():
    record = result_record(analysis_of(replace(study_like(), frame_numbers=(1, 16))))

    assert record["frames"] == {"ed": 1, "es": 16}
    assert record["input"]["frame_count"] == 2


def test_every_measurement_has_a_number_or_a_reason():
    record = result_record(analysis_of(study_like(n_frames=1)))

    assert record["measurements"]["lv_edv_ml"]["value"] > 0
    assert record["measurements"]["lv_edv_ml"]["reason"] is None
    assert record["measurements"]["lv_ef_percent"]["value"] is None
    assert "ES" in record["measurements"]["lv_ef_percent"]["reason"]


def test_flags_and_warnings_are_kept():
    analysis = analysis_of(
        study_like(warnings=("two spacings",)), flags=(QualityFlag("base", "base not covered", "Look there."),)
    )

    assert result_record(analysis)["quality"]["flags"] == [{"code": "base", "text": "base not covered", "check": "Look there."}]
    assert result_record(analysis)["input"]["warnings"] == ["two spacings"]


def test_the_geometry_is_that_of_the_file_not_of_the_standard_axes():
    study = study_like(flipped=True)
    geometry = result_record(analysis_of(study))["geometry"]

    assert study.stored.geometry != study.geometry
    assert geometry["origin_xyz_mm"] == list(study.stored.geometry.origin_xyz_mm)
    assert geometry["direction"] == list(study.stored.geometry.direction)
    assert geometry["spacing_xyz_mm"] == [2.0, 2.0, 9.0]


def strict(text):
    """Parse JSON, refusing NaN and Infinity."""

    def refuse(name):
        raise AssertionError(f"{name} in JSON")

    return json.loads(text, parse_constant=refuse)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6))
def test_any_measured_number_survives_json_within_its_rounding(value):
    analysis = replace(ANALYSIS, measurements={"lv_edv_ml": Measurement(value, "mL")})
    read = strict(record_text(result_record(analysis)))["measurements"]["lv_edv_ml"]["value"]

    assert abs(read - value) <= 0.0005 + 1e-9 * abs(value)
    assert str(read) != "-0.0"


def test_the_record_is_read_back_from_json_as_it_was():
    record = result_record(ANALYSIS)

    assert strict(record_text(record)) == record


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused(number):
    diagnosis = replace(CERTAIN, auxiliary_logits=(number, 0.0, 0.0, 0.0, 0.0))

    with pytest.raises(ValueError, match="JSON compliant"):
        result_record(analysis_of(diagnosis=diagnosis))


def test_numpy_numbers_become_plain_ones():
    probabilities = {group: np.float64(0.2) for group in Group}
    record = result_record(replace(ANALYSIS, frames={Phase.ED: np.int64(3)}, diagnosis=Diagnosis(probabilities, None, "even")))

    assert strict(record_text(record))["frames"] == {"ed": 4, "es": None}
