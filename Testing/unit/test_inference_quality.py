import numpy as np
import pytest

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.inference.quality import FORBIDDING, quality_flags
from CardiacMTLLib.labels import STRUCTURES, Label, Phase
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.preprocess.resample import Window
from CardiacMTLLib.volume import Patient
from Testing.unit.hearts import ED_HEART, ES_HEART

GRID = Geometry((80, 60, 11), (2.2, 2.2, 8.0))
GOOD = {Phase.ED: ED_HEART.mask(GRID), Phase.ES: ES_HEART.mask(GRID)}


def flags_of(masks, geometry=GRID, window=None):
    return quality_flags(masks, geometry, measure_function(masks, geometry, Patient()), window)


def codes(masks, geometry=GRID, window=None):
    return [flag.code for flag in flags_of(masks, geometry, window)]


def test_a_good_study_has_no_flag():
    assert codes(GOOD) == []


@pytest.mark.robustness(25)
def test_ventricles_larger_at_es_are_flagged_and_forbid_a_diagnosis():
    found = codes({Phase.ED: GOOD[Phase.ES], Phase.ES: GOOD[Phase.ED]})
    assert found[:2] == ["lv_esv_above_edv", "rv_esv_above_edv"]
    assert set(found[:2]) <= FORBIDDING


@pytest.mark.robustness(25)
@pytest.mark.parametrize("phase", list(Phase))
def test_myocardium_that_differs_between_the_phases_is_flagged_and_forbids_a_diagnosis(phase):
    thinned = GOOD[phase].copy()
    wall = np.flatnonzero(thinned == Label.MYOCARDIUM)
    thinned.flat[wall[: int(0.45 * len(wall))]] = 0
    flags = [flag for flag in flags_of(GOOD | {phase: thinned}) if flag.code == "mass_mismatch"]
    assert len(flags) == 1
    assert "mass_mismatch" in FORBIDDING
    assert "mL at ED" in flags[0].text


def test_one_slice_is_not_judged_by_its_myocardium():
    one = {phase: mask[5:6].copy() for phase, mask in GOOD.items()}
    one[Phase.ES][0, :30][one[Phase.ES][0, :30] == Label.MYOCARDIUM] = 0
    assert "mass_mismatch" not in codes(one, Geometry((80, 60, 1), (2.2, 2.2, 8.0)))


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_structure_that_is_not_found_is_named(structure, phase):
    emptied = GOOD[phase].copy()
    emptied[emptied == structure] = 0
    flags = [flag for flag in flags_of(GOOD | {phase: emptied}) if flag.code == f"empty_{phase.lower()}"]
    assert [flag.text for flag in flags] == [f"not found at {phase}: {structure.name}"]


@pytest.mark.robustness(27)
@pytest.mark.parametrize("edge", [np.s_[:, 0], np.s_[:, -1], np.s_[:, :, 0], np.s_[:, :, -1]])
def test_a_mask_at_the_border_of_the_image_is_flagged(edge):
    touching = GOOD[Phase.ES].copy()
    touching[edge][3:5, 10:14] = Label.RV
    assert codes(GOOD | {Phase.ES: touching}) == ["border_es"]


def test_a_heart_that_the_network_s_window_cuts_is_flagged_and_forbids_a_diagnosis():
    y, x = np.nonzero(GOOD[Phase.ED].any(axis=0))
    centre = ((x.min() + x.max()) / 2 * 2.2, (y.min() + y.max()) / 2 * 2.2)
    wide, narrow = (int(np.ptp(x) * 2.2 / 1.5) + extra for extra in (10, -6))
    assert codes(GOOD, window=Window(centre, wide, 1.5)) == []
    to_y, to_x = (matrix.sum(axis=1) > 0.5 for matrix in Window(centre, narrow, 1.5).restore_matrices(GRID))
    cut = {phase: np.where(to_y[:, None] & to_x, mask, 0).astype(np.uint8) for phase, mask in GOOD.items()}
    found = codes(cut, window=Window(centre, narrow, 1.5))
    assert "cut_ed" in found
    assert {"cut_ed", "cut_es"} <= FORBIDDING


@pytest.mark.parametrize("edge", [np.s_[:, 0], np.s_[:, -1], np.s_[:, :, 0], np.s_[:, :, -1]])
def test_a_window_that_reaches_beyond_the_image_cuts_nothing(edge):
    touching = GOOD[Phase.ED].copy()
    touching[edge][3:5, 10:14] = Label.RV
    assert codes(GOOD | {Phase.ED: touching}, window=Window((88.0, 66.0), 200, 1.5)) == ["border_ed"]


def test_flags_are_sentences_with_unlike_codes():
    touching = np.full_like(GOOD[Phase.ED], Label.MYOCARDIUM)
    flags = flags_of({Phase.ED: touching, Phase.ES: np.zeros_like(touching)})
    assert len({flag.code for flag in flags}) == len(flags) >= 3
    assert all(flag.text and "\n" not in flag.text for flag in flags)
    assert all(flag.check[0].isupper() and flag.check[-1] in ".?" and "\n" not in flag.check for flag in flags)
