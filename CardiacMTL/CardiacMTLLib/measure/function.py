"""The measurement table: volumes and function of both ventricles, and LV mass."""

from __future__ import annotations

from collections.abc import Mapping

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.body import body_size_missing, body_surface_area_m2
from CardiacMTLLib.measure.constants import MYOCARDIAL_DENSITY_G_PER_ML
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.volumes import ONE_SLICE, structure_volumes_ml
from CardiacMTLLib.volume import Mask, Patient

_VENTRICLES = {"lv": Label.LV, "rv": Label.RV}
_INDEXED = ("lv_edv", "lv_esv", "lv_sv", "lv_mass", "rv_edv", "rv_esv", "rv_sv")
_NO_HEART_RATE = "the heart rate is not known; give it to compute the cardiac output"


def measure_function(masks: Mapping[Phase, Mask], geometry: Geometry, patient: Patient) -> dict[str, Measurement]:
    """Measurements by their names in the result record, in display order, from (z, y, x) masks of the known phases.

    For each ventricle EDV, ESV, SV = EDV - ESV (mL) and EF = 100 * SV / EDV (%); LV mass (g) = 1.05 g/mL x myocardial
    volume at ED, papillary muscles counted to the cavity as in ACDC; mass over LVEDV (g/mL), which tells concentric from
    eccentric remodelling (Dweck et al., JCMR 2012;14:50); volumes and mass also over body surface area (Mosteller). Cardiac
    output (L/min) = LV stroke volume x heart rate / 1000, and cardiac index that over body surface area (L/min/m2), where the
    heart rate is known; both are what the LV moves, with what leaks back through a valve. Each undefined one says why.
    Conventions: Schulz-Menger et al., JCMR 2020;22:19.
    """
    table: dict[str, Measurement] = {}
    for prefix, structure in _VENTRICLES.items():
        edv = _volume(masks, Phase.ED, structure, geometry)
        esv = _volume(masks, Phase.ES, structure, geometry)
        table |= {f"{prefix}_edv_ml": edv, f"{prefix}_esv_ml": esv, f"{prefix}_sv_ml": _stroke_volume(edv, esv)}
        table[f"{prefix}_ef_percent"] = _ejection_fraction(edv, esv)
        if structure is Label.LV:
            myocardium = _volume(masks, Phase.ED, Label.MYOCARDIUM, geometry)
            table["lv_mass_g"] = _scaled(myocardium, MYOCARDIAL_DENSITY_G_PER_ML, "g")
            table["lv_mass_to_edv_g_per_ml"] = _mass_to_volume(table["lv_mass_g"], edv)
            table["cardiac_output_l_per_min"] = _cardiac_output(table["lv_sv_ml"], patient.heart_rate_bpm)
    area = body_surface_area_m2(patient)
    no_area = f"{body_size_missing(patient)}; give height and weight to index by body surface area"
    table["body_surface_area_m2"] = Measurement(area, "m²", None if area else no_area)
    for name in _INDEXED:
        unit = "g" if name == "lv_mass" else "mL"
        plain = table[f"{name}_{unit.lower()}"]
        key = f"{name}_{unit.lower()}_per_m2"
        table[key] = _scaled(plain, 1 / area, f"{unit}/m²") if area else Measurement(None, f"{unit}/m²", no_area)
    output = table["cardiac_output_l_per_min"]
    per_area = Measurement(None, "L/min/m²", output.reason or no_area)
    table["cardiac_index_l_per_min_per_m2"] = _scaled(output, 1 / area, "L/min/m²") if area else per_area
    return table


def _volume(masks: Mapping[Phase, Mask], phase: Phase, structure: Label, geometry: Geometry) -> Measurement:
    if phase not in masks:
        return Measurement(None, "mL", f"the {phase} frame is not known")
    if geometry.shape_zyx[0] < 2:
        return Measurement(None, "mL", ONE_SLICE)
    volume = structure_volumes_ml(masks[phase], geometry)[structure]
    if volume == 0:
        return Measurement(None, "mL", f"no {structure.name.replace('MYOCARDIUM', 'myocardium')} was found at {phase}")
    return Measurement(volume, "mL")


def _scaled(volume: Measurement, factor: float, unit: str) -> Measurement:
    return Measurement(None if volume.value is None else volume.value * factor, unit, volume.reason)


def _stroke_volume(edv: Measurement, esv: Measurement) -> Measurement:
    if edv.value is None or esv.value is None:
        return Measurement(None, "mL", edv.reason or esv.reason)
    return Measurement(edv.value - esv.value, "mL")


def _ejection_fraction(edv: Measurement, esv: Measurement) -> Measurement:
    if edv.value is None or esv.value is None:
        return Measurement(None, "%", edv.reason or esv.reason)
    return Measurement(100 * (edv.value - esv.value) / edv.value, "%")


def _mass_to_volume(mass: Measurement, edv: Measurement) -> Measurement:
    if mass.value is None or edv.value is None:
        return Measurement(None, "g/mL", mass.reason or edv.reason)
    return Measurement(mass.value / edv.value, "g/mL")


def _cardiac_output(stroke: Measurement, heart_rate_bpm: float | None) -> Measurement:
    if stroke.value is None or heart_rate_bpm is None:
        return Measurement(None, "L/min", stroke.reason or _NO_HEART_RATE)
    return Measurement(stroke.value * heart_rate_bpm / 1000, "L/min")
