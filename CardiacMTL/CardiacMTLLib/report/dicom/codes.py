"""`MEASUREMENT_CODES`: the code of every measurement, and the group of the report that it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.report.dicom.concepts import MAXIMUM, MEAN, MOSTELLER, Concept, private


class Part(StrEnum):
    """A group of the report that stands on no single segment; the value is its title."""

    LV = "LV function"
    RV = "RV function"
    BODY = "Body size"


Place = tuple[Label, Phase] | Part
"""The group of a measurement: the segment that it was measured in, or a part of the heart or the body."""


@dataclass(frozen=True, slots=True)
class MeasurementCode:
    """The concept of a measurement, its group, and what else tells it from others with the same concept.

    `derivation` is how it sums up several values; `method` the coded formula.
    """

    concept: Concept
    place: Place
    derivation: Concept | None = None
    method: Concept | None = None


_LV_ED, _LV_ES = (Label.LV, Phase.ED), (Label.LV, Phase.ES)
_RV_ED, _RV_ES = (Label.RV, Phase.ED), (Label.RV, Phase.ES)
_WALL_ED, _WALL_ES = (Label.MYOCARDIUM, Phase.ED), (Label.MYOCARDIUM, Phase.ES)

WALL_THICKNESS = Concept("DCM", "122445", "Wall Thickness")
WALL_THICKENING = private("WALL_THICKENING", "LV wall thickening from ED to ES, in % of that at ED")
_STROKE_VOLUME = Concept("SCT", "90096001", "Stroke Volume")
_PEAK_EJECTION = Concept("DCM", "122616", "Peak Ejection Rate")
_PEAK_FILLING = Concept("DCM", "122618", "Peak Filling Rate")


def _rates(ventricle: str, part: Part) -> dict[str, MeasurementCode]:
    name = ventricle.upper()
    prefix = f"{ventricle}_peak"
    return {
        f"{prefix}_ejection_rate_ml_per_s": MeasurementCode(_PEAK_EJECTION, part),
        f"{prefix}_ejection_rate_edv_per_s": MeasurementCode(
            private(f"{name}_PER_EDV", f"{name} peak ejection rate over end-diastolic volume"), part
        ),
        f"{prefix}_ejection_rate_time_ms": MeasurementCode(
            private(f"{name}_PER_TIME", f"{name} time from ED to the peak ejection rate"), part
        ),
        f"{prefix}_filling_rate_ml_per_s": MeasurementCode(_PEAK_FILLING, part),
        f"{prefix}_filling_rate_edv_per_s": MeasurementCode(
            private(f"{name}_PFR_EDV", f"{name} peak filling rate over end-diastolic volume"), part
        ),
        f"{prefix}_filling_rate_time_ms": MeasurementCode(
            private(f"{name}_PFR_TIME", f"{name} time from ES to the peak filling rate"), part
        ),
    }


MEASUREMENT_CODES: Mapping[str, MeasurementCode] = {
    "lv_edv_ml": MeasurementCode(Concept("LN", "8821-1", "Left Ventricular ED Volume"), _LV_ED),
    "lv_esv_ml": MeasurementCode(Concept("LN", "8823-7", "Left Ventricular ES Volume"), _LV_ES),
    "lv_sv_ml": MeasurementCode(_STROKE_VOLUME, Part.LV),
    "lv_ef_percent": MeasurementCode(Concept("LN", "8811-2", "Left ventricular ejection fraction by MR"), Part.LV),
    "lv_mass_g": MeasurementCode(Concept("SCT", "118538004", "Mass"), _WALL_ED),
    "lv_mass_to_edv_g_per_ml": MeasurementCode(private("LV_MASS_TO_EDV", "LV mass over LV end-diastolic volume"), Part.LV),
    "cardiac_output_l_per_min": MeasurementCode(Concept("SCT", "82799009", "Cardiac Output"), Part.LV),
    "rv_edv_ml": MeasurementCode(Concept("LN", "8822-9", "Right Ventricular ED Volume"), _RV_ED),
    "rv_esv_ml": MeasurementCode(Concept("LN", "8824-5", "Right Ventricular ES Volume"), _RV_ES),
    "rv_sv_ml": MeasurementCode(_STROKE_VOLUME, Part.RV),
    "rv_ef_percent": MeasurementCode(Concept("LN", "8818-7", "Right ventricular ejection fraction by MR"), Part.RV),
    "body_surface_area_m2": MeasurementCode(Concept("LN", "8277-6", "BSA"), Part.BODY, method=MOSTELLER),
    "lv_edv_ml_per_m2": MeasurementCode(private("LV_EDVI", "LV end-diastolic volume over body surface area"), _LV_ED),
    "lv_esv_ml_per_m2": MeasurementCode(private("LV_ESVI", "LV end-systolic volume over body surface area"), _LV_ES),
    "lv_sv_ml_per_m2": MeasurementCode(private("LV_SVI", "LV stroke volume over body surface area"), Part.LV),
    "lv_mass_g_per_m2": MeasurementCode(private("LV_MASSI", "LV mass over body surface area"), _WALL_ED),
    "rv_edv_ml_per_m2": MeasurementCode(private("RV_EDVI", "RV end-diastolic volume over body surface area"), _RV_ED),
    "rv_esv_ml_per_m2": MeasurementCode(private("RV_ESVI", "RV end-systolic volume over body surface area"), _RV_ES),
    "rv_sv_ml_per_m2": MeasurementCode(private("RV_SVI", "RV stroke volume over body surface area"), Part.RV),
    "cardiac_index_l_per_min_per_m2": MeasurementCode(Concept("SCT", "54993008", "Cardiac Index"), Part.LV),
    **_rates("lv", Part.LV),
    **_rates("rv", Part.RV),
    "lv_wall_thickness_mean_ed_mm": MeasurementCode(WALL_THICKNESS, _WALL_ED, MEAN),
    "lv_wall_thickness_max_ed_mm": MeasurementCode(WALL_THICKNESS, _WALL_ED, MAXIMUM),
    "lv_wall_thickness_mean_es_mm": MeasurementCode(WALL_THICKNESS, _WALL_ES, MEAN),
    "lv_wall_thickness_max_es_mm": MeasurementCode(WALL_THICKNESS, _WALL_ES, MAXIMUM),
    "lv_wall_thickening_mean_percent": MeasurementCode(WALL_THICKENING, Part.LV, MEAN),
}
"""By the names of the result record.

LOINC and SNOMED CT codes are those of PS3.16 CID 3833 (ejection fraction), CID 3835 (volumes), CID 12239 (output), CID 12304
(mass) and CID 3455 (body surface area). Wall thickness and peak rates are DICOM's own. A code that means another method (the
LOINC codes of echocardiography) is not taken.
"""

SEGMENT_SITES: Mapping[int, Concept] = {
    number: Concept("SCT", value, f"left ventricle {name} segment")
    for number, value, name in (
        (1, "264850008", "basal anterior"),
        (2, "396482007", "basal anteroseptal"),
        (3, "396646008", "basal inferoseptal"),
        (4, "264846001", "basal inferior"),
        (5, "396652009", "basal inferolateral"),
        (6, "396654005", "basal anterolateral"),
        (7, "264848000", "mid anterior"),
        (8, "396647004", "mid anteroseptal"),
        (9, "396649001", "mid inferoseptal"),
        (10, "264847005", "mid inferior"),
        (11, "396655006", "mid inferolateral"),
        (12, "396656007", "mid anterolateral"),
        (13, "264844003", "apical anterior"),
        (14, "264845002", "apical septal"),
        (15, "264849008", "apical inferior"),
        (16, "264853005", "apical lateral"),
    )
}
"""The segments of the American Heart Association by their numbers (PS3.16 CID 3717)."""
