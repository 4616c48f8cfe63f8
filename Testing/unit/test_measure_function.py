from dataclasses import replace

import numpy as np
import pytest

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import STRUCTURES, Label, Phase
from CardiacMTLLib.measure.body import body_surface_area_m2
from CardiacMTLLib.measure.features import feature_values
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.measure.volumes import structure_volumes_ml
from CardiacMTLLib.volume import Patient
from Testing.unit.hearts import ED_HEART, ES_HEART

GRID = Geometry((110, 90, 14), (1.4, 1.4, 6.0))
MASKS = {Phase.ED: ED_HEART.mask(GRID), Phase.ES: ES_HEART.mask(GRID)}
PATIENT = Patient(172.0, 72.0, heart_rate_bpm=75.0)
PLAIN = (
    "lv_edv_ml", "lv_esv_ml", "lv_sv_ml", "lv_ef_percent", "lv_mass_g", "lv_mass_to_edv_g_per_ml", "cardiac_output_l_per_min",
    "rv_edv_ml", "rv_esv_ml", "rv_sv_ml", "rv_ef_percent", "body_surface_area_m2",
)  # fmt: skip
INDEXED = (
    "lv_edv_ml_per_m2", "lv_esv_ml_per_m2", "lv_sv_ml_per_m2", "lv_mass_g_per_m2", "rv_edv_ml_per_m2", "rv_esv_ml_per_m2",
    "rv_sv_ml_per_m2",
)  # fmt: skip
CARDIAC_INDEX = "cardiac_index_l_per_min_per_m2"


def values(masks=MASKS, geometry=GRID, patient=PATIENT):
    return {name: m.value for name, m in measure_function(masks, geometry, patient).items()}


def without(structure, phase):
    emptied = MASKS[phase].copy()
    emptied[emptied == structure] = 0
    return MASKS | {phase: emptied}


@pytest.mark.robustness(26)
@pytest.mark.parametrize("spacing", [(1.4, 1.4, 6.0), (0.9, 1.7, 6.0), (1.4, 1.4, 3.0)])
def test_volumes_of_analytic_hearts_are_found_to_partial_volume_error(spacing):
    grid = Geometry((int(154 / spacing[0]), int(126 / spacing[1]), int(90 / spacing[2])), spacing)
    for heart in (ED_HEART, ES_HEART):
        volumes = structure_volumes_ml(heart.mask(grid), grid)
        assert volumes[Label.LV] == pytest.approx(heart.lv_ml, rel=0.01)
        assert volumes[Label.RV] == pytest.approx(heart.rv_ml, rel=0.01)
        assert volumes[Label.MYOCARDIUM] == pytest.approx(heart.myocardium_ml, rel=0.01)


def test_an_empty_mask_has_volume_0_of_every_structure():
    assert structure_volumes_ml(np.zeros(GRID.shape_zyx, np.uint8), GRID) == dict.fromkeys(STRUCTURES, 0.0)


def test_the_table_has_its_names_in_display_order():
    assert tuple(measure_function(MASKS, GRID, PATIENT)) == (*PLAIN, *INDEXED, CARDIAC_INDEX)


def test_units_agree_with_the_names():
    suffixes = {"mL": "_ml", "g": "_g", "%": "_percent", "m²": "_m2", "mL/m²": "_ml_per_m2", "g/m²": "_g_per_m2"}
    suffixes |= {"g/mL": "_g_per_ml", "L/min": "_l_per_min", "L/min/m²": "_l_per_min_per_m2"}
    for name, measurement in measure_function(MASKS, GRID, PATIENT).items():
        assert name.endswith(suffixes[measurement.unit])


def test_measurements_of_analytic_hearts_are_their_closed_forms():
    found = values()
    for prefix, kind in (("lv", "lv_ml"), ("rv", "rv_ml")):
        edv, esv = getattr(ED_HEART, kind), getattr(ES_HEART, kind)
        assert found[f"{prefix}_edv_ml"] == pytest.approx(edv, rel=0.01)
        assert found[f"{prefix}_esv_ml"] == pytest.approx(esv, rel=0.01)
        assert found[f"{prefix}_ef_percent"] == pytest.approx(100 * (1 - esv / edv), abs=0.7)
    assert found["lv_mass_g"] == pytest.approx(1.05 * ED_HEART.myocardium_ml, rel=0.01)


@pytest.mark.parametrize("prefix", ["lv", "rv"])
def test_stroke_volume_and_ejection_fraction_follow_from_the_volumes(prefix):
    found = values()
    edv, esv = found[f"{prefix}_edv_ml"], found[f"{prefix}_esv_ml"]
    assert found[f"{prefix}_sv_ml"] == pytest.approx(edv - esv)
    assert found[f"{prefix}_ef_percent"] == pytest.approx(100 * (edv - esv) / edv)


def test_indexed_values_are_the_plain_ones_over_the_body_surface_area_of_mosteller():
    found = values()
    area = np.sqrt(172.0 * 72.0 / 3600)
    assert found["body_surface_area_m2"] == pytest.approx(area)
    for name in INDEXED:
        assert found[name] == pytest.approx(found[name.removesuffix("_per_m2")] / area)


@pytest.mark.parametrize(
    ("patient", "missing"),
    [
        (Patient(), "height and weight are not known"),
        (Patient(height_cm=170.0), "the weight is not known"),
        (Patient(weight_kg=70.0), "the height is not known"),
    ],
)
def test_without_height_or_weight_only_the_indexed_values_are_undefined_and_say_which_is_missing(patient, missing):
    assert body_surface_area_m2(patient) is None
    table = measure_function(MASKS, GRID, patient)
    undefined = {name for name, m in table.items() if m.value is None}
    assert undefined == {"body_surface_area_m2", *INDEXED, CARDIAC_INDEX, "cardiac_output_l_per_min"}
    undefined -= {CARDIAC_INDEX, "cardiac_output_l_per_min"}
    assert all(table[name].reason.startswith(missing) for name in undefined)


@pytest.mark.parametrize("rate", [40.0, 75.0, 180.0])
def test_cardiac_output_is_the_stroke_volume_of_a_minute_in_litres_and_the_index_that_over_the_body(rate):
    patient = replace(PATIENT, heart_rate_bpm=rate)
    found = values(patient=patient)
    assert found["cardiac_output_l_per_min"] == pytest.approx(found["lv_sv_ml"] * rate / 1000)
    assert found[CARDIAC_INDEX] == pytest.approx(found["cardiac_output_l_per_min"] / found["body_surface_area_m2"])


def test_without_heart_rate_or_body_size_output_and_index_say_which():
    no_rate = measure_function(MASKS, GRID, replace(PATIENT, heart_rate_bpm=None))
    for name in ("cardiac_output_l_per_min", CARDIAC_INDEX):
        assert no_rate[name].reason == "the heart rate is not known; give it to compute the cardiac output"
    no_size = measure_function(MASKS, GRID, Patient(heart_rate_bpm=75.0))
    assert no_size["cardiac_output_l_per_min"].value == values()["cardiac_output_l_per_min"]
    assert "height and weight are not known" in no_size[CARDIAC_INDEX].reason
    no_es = measure_function({Phase.ED: MASKS[Phase.ED]}, GRID, PATIENT)
    assert no_es["cardiac_output_l_per_min"].reason == no_es[CARDIAC_INDEX].reason == "the ES frame is not known"


def test_mass_to_volume_is_that_of_the_table():
    found = values()
    assert found["lv_mass_to_edv_g_per_ml"] == pytest.approx(found["lv_mass_g"] / found["lv_edv_ml"])
    table = measure_function(without(Label.MYOCARDIUM, Phase.ED), GRID, PATIENT)
    assert table["lv_mass_to_edv_g_per_ml"].reason == "no myocardium was found at ED"


@pytest.mark.parametrize(("known", "missing"), [(Phase.ED, Phase.ES), (Phase.ES, Phase.ED)])
def test_what_a_missing_phase_leaves_undefined_says_so(known, missing):
    table = measure_function({known: MASKS[known]}, GRID, PATIENT)
    letters = {Phase.ED: "edv", Phase.ES: "esv"}
    assert table[f"lv_{letters[known]}_ml"].value == values()[f"lv_{letters[known]}_ml"]
    for name in (f"lv_{letters[missing]}_ml", "lv_sv_ml", "lv_ef_percent", "rv_ef_percent", "rv_sv_ml_per_m2"):
        assert table[name].reason == f"the {missing} frame is not known"
    assert (table["lv_mass_g"].value is None) == (missing is Phase.ED)


def test_one_slice_has_no_volumes_and_says_why():
    one = Geometry((110, 90, 1), (1.4, 1.4, 6.0))
    table = measure_function({phase: mask[6:7] for phase, mask in MASKS.items()}, one, PATIENT)
    for name in (*PLAIN[:-1], *INDEXED, CARDIAC_INDEX):
        assert table[name].value is None
        assert "one slice" in table[name].reason
    assert table["body_surface_area_m2"].value is not None


@pytest.mark.robustness(24)
@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize(
    ("structure", "word", "dependent"),
    [(Label.LV, "LV", "lv_ef_percent"), (Label.RV, "RV", "rv_ef_percent"), (Label.MYOCARDIUM, "myocardium", "lv_mass_g")],
)
def test_an_empty_structure_is_undefined_with_the_reason_and_never_zero(phase, structure, word, dependent):
    table = measure_function(without(structure, phase), GRID, PATIENT)
    assert all(m.value is None or m.value != 0 for m in table.values())
    if (structure, phase) == (Label.MYOCARDIUM, Phase.ES):
        assert table[dependent].value is not None
    else:
        assert table[dependent].reason == f"no {word} was found at {phase}"


@pytest.mark.parametrize("masks", [{}, {Phase.ED: MASKS[Phase.ED]}, {p: np.zeros_like(m) for p, m in MASKS.items()}, MASKS])
@pytest.mark.parametrize("patient", [Patient(), PATIENT])
def test_every_measurement_is_a_number_or_a_reason(masks, patient):
    for measurement in measure_function(masks, GRID, patient).values():
        assert (measurement.value is None) == bool(measurement.reason)
        assert measurement.value is None or np.isfinite(measurement.value)


@pytest.mark.robustness(25)
def test_a_ventricle_that_grows_to_es_gives_a_negative_fraction_and_no_error():
    swapped = {Phase.ED: MASKS[Phase.ES], Phase.ES: MASKS[Phase.ED]}
    assert values(swapped)["lv_ef_percent"] < 0
    assert values(swapped)["lv_sv_ml"] < 0


def test_unknown_labels_of_a_hand_made_mask_are_not_counted():
    foreign = {phase: np.where(mask == 0, 7, mask).astype(np.uint8) for phase, mask in MASKS.items()}
    assert values(foreign) == values()


def test_features_repeat_the_numbers_of_the_table():
    table = measure_function(MASKS, GRID, PATIENT)
    features = feature_values(table, MASKS, GRID, 1.0)
    names = ("lv_edv_ml", "lv_esv_ml", "lv_ef_percent", "rv_edv_ml", "rv_esv_ml", "rv_ef_percent", "lv_mass_g")
    assert list(features[:7]) == [table[name].value for name in names]
    assert features[7] == table["lv_edv_ml"].value / table["rv_edv_ml"].value
    assert features[8] == table["rv_esv_ml"].value / table["lv_esv_ml"].value
    assert features[9] == table["lv_mass_g"].value / table["lv_edv_ml"].value
    assert features[10] == pytest.approx(ED_HEART.wall_mm, abs=1.5)
    assert np.isfinite(features).all()


def test_only_volumes_and_mass_are_divided_by_body_size():
    table = measure_function(MASKS, GRID, PATIENT)
    plain, indexed = (feature_values(table, MASKS, GRID, divisor) for divisor in (1.0, 2.0))
    np.testing.assert_allclose(plain / indexed, [2, 2, 1, 2, 2, 1, 2] + 17 * [1])


def test_features_of_an_undefined_measurement_are_its_reason():
    masks = without(Label.RV, Phase.ES)
    assert feature_values(measure_function(masks, GRID, PATIENT), masks, GRID, 1.0) == "no RV was found at ES"


def test_features_need_a_closed_wall():
    thin = replace(ES_HEART, wall_mm=0.5)
    masks = MASKS | {Phase.ES: thin.mask(GRID)}
    assert feature_values(measure_function(masks, GRID, PATIENT), masks, GRID, 1.0) == "no slice shows a closed wall at ES"
