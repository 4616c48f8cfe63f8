"""`result_record`: an analysis as the plain dictionary that result.json holds."""

from __future__ import annotations

import json
from typing import Any

from CardiacMTLLib import __version__
from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.diagnosis.diagnosis import MEANING, RESEARCH_USE, Diagnosis
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.reference import SOURCES, reference_of
from CardiacMTLLib.measure.slices import stored_numbers
from CardiacMTLLib.report.conventions import CONVENTIONS
from CardiacMTLLib.report.correction import correction_record
from CardiacMTLLib.report.curves_record import curves_record
from CardiacMTLLib.report.explanation_record import explanation_record
from CardiacMTLLib.report.segments_record import segments_record
from CardiacMTLLib.report.versions import software_versions
from CardiacMTLLib.volume import Patient, Sex

SCHEMA_VERSION = "1.3"
"""Version of the record's schema: the second number grows with every new key, the first when one changes its meaning."""

SOFTWARE_NAME = "CardiacMTL"

Record = dict[str, Any]


def result_record(analysis: Analysis, original: Analysis | None = None) -> Record:
    """The result record of `analysis`: strings, finite numbers, lists and dictionaries only, so that it is plain JSON.

    Frames and slices count from 1, as in the source. Measurements have three decimals, probabilities and quality four; the
    geometry is that of the study's file and is not rounded. No path, name or identifier of the patient is in it. `original` is
    the analysis before a correction, whose numbers then stand under `correction`; `result.schema.json` describes the record.
    Raises `ValueError` for a number that is not finite.
    """
    record: Record = {
        "schema_version": SCHEMA_VERSION,
        "research_use": RESEARCH_USE,
        "software": {"name": SOFTWARE_NAME, "version": __version__},
        "versions": software_versions(),
        "model": {"name": analysis.model.name, "version": analysis.model.version, "sha256": analysis.model.sha256},
        "diagnosis": _diagnosis(analysis.diagnosis),
        "measurements": {
            name: _measurement(name, measurement, analysis.study.patient.sex)
            for name, measurement in analysis.measurements.items()
        },
        "reference_sources": {
            source.key: {"citation": source.citation, "ages": source.ages, "cohort": source.cohort} for source in SOURCES
        },
        "curves": curves_record(analysis.curves),
        "segments": segments_record(analysis.segments),
        "segment_orientation": None if analysis.segments is None else analysis.segments.orientation.value,
        "conventions": dict(CONVENTIONS),
        "quality": _quality(analysis),
        "correction": correction_record(analysis, original),
        "frames": {phase.lower(): _frame_number(analysis, phase) for phase in Phase},
        "geometry": _geometry(analysis.study.stored.geometry),
        "input": {
            "frame_count": len(analysis.study.frames),
            "patient": _patient(analysis.study.patient),
            "warnings": list(analysis.study.warnings),
            "slices_left_out": {
                phase.lower(): stored_numbers(analysis.left_out.excluded(phase), analysis.study) for phase in Phase
            },
        },
        "seconds": {stage: _rounded(seconds, 3) for stage, seconds in analysis.seconds.items()},
    }
    record_text(record)
    return record


def record_text(record: Record) -> str:
    """`record` as indented JSON; raises `ValueError` where a number is not finite."""
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _diagnosis(diagnosis: Diagnosis) -> Record:
    probabilities = diagnosis.probabilities
    logits = diagnosis.auxiliary_logits
    return {
        "probabilities": None if probabilities is None else {group.value: _rounded(probabilities[group], 4) for group in Group},
        "label": None if diagnosis.label is None else diagnosis.label.value,
        "reason": diagnosis.reason,
        "meaning": MEANING,
        "auxiliary_logits": None if logits is None else [_rounded(logit, 4) for logit in logits],
        "contributions": [
            {
                "feature": contribution.feature,
                "value": _rounded(contribution.value, 3),
                "unit": contribution.unit,
                "logits": _rounded(contribution.logits, 4),
            }
            for contribution in diagnosis.contributions
        ],
        "explanation": explanation_record(diagnosis.explanation),
    }


def _measurement(name: str, measurement: Measurement, sex: Sex | None) -> Record:
    reference = reference_of(name, measurement.value, sex)
    return {
        "value": _rounded(measurement.value, 3),
        "unit": measurement.unit,
        "reason": measurement.reason,
        "reference": [
            {
                "sex": entry.sex.value,
                "low": entry.low,
                "high": entry.high,
                "source": entry.source.key,
                "ages": entry.source.ages,
                "cohort": entry.source.cohort,
                "evidence": entry.evidence.value,
            }
            for entry in reference.ranges
        ],
        "outside": None if reference.outside is None else reference.outside.value,
    }


def _quality(analysis: Analysis) -> Record:
    predicted = analysis.predicted_dice
    return {
        "flags": [{"code": flag.code, "text": flag.text, "check": flag.check} for flag in analysis.flags],
        "predicted_dice": None if predicted is None else {key: _rounded(value, 4) for key, value in predicted.items()},
        "scope_score": _rounded(analysis.scope_score, 4),
    }


def _patient(patient: Patient) -> Record:
    """What the measurements were computed with; nothing here identifies a person."""
    return {
        "height_cm": patient.height_cm,
        "weight_kg": patient.weight_kg,
        "sex": None if patient.sex is None else patient.sex.value,
        "heart_rate_bpm": patient.heart_rate_bpm,
    }


def _geometry(geometry: Geometry) -> Record:
    return {
        "size_xyz": list(geometry.size_xyz),
        "spacing_xyz_mm": list(geometry.spacing_xyz_mm),
        "direction": list(geometry.direction),
        "origin_xyz_mm": list(geometry.origin_xyz_mm),
    }


def _frame_number(analysis: Analysis, phase: Phase) -> int | None:
    return analysis.study.frame_number(analysis.frames[phase]) if phase in analysis.frames else None


def _rounded(value: float | None, decimals: int) -> float | None:
    """`value` as a Python number with so many decimals, without a negative zero."""
    return None if value is None else round(float(value), decimals) + 0.0
