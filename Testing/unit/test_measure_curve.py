import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.curve import CycleCurves, cycle_curves, measure_rates
from CardiacMTLLib.measure.cycle_times import cycle_times
from CardiacMTLLib.phantom.cycle import contraction
from CardiacMTLLib.volume import Patient
from Testing.unit.hearts import study_of

MEAN_ML, SWING_ML = 100.0, 40.0


def sine_ml(n_frames, shift=0.0):
    """Volumes of a beat whose volume is a cosine of time, largest at `shift` of the beat."""
    shares = np.arange(n_frames) / n_frames
    return tuple(MEAN_ML + SWING_ML * np.cos(2 * np.pi * (shares - shift)))


def curves_of(lv_ml, rv_ml=None, times_ms=None, heart_rate_bpm=60.0):
    return CycleCurves(cycle_times(len(lv_ml), times_ms, heart_rate_bpm), tuple(lv_ml), tuple(rv_ml or lv_ml))


def values(table):
    return {name: measurement.value for name, measurement in table.items()}


def extremes(n_frames, shift=0):
    return {Phase.ED: shift % n_frames, Phase.ES: (shift + n_frames // 2) % n_frames}


@pytest.mark.parametrize("heart_rate_bpm", [40.0, 60.0, 150.0])
@pytest.mark.parametrize("n_frames", [8, 12, 20, 30])
def test_the_rates_of_a_volume_that_is_a_cosine_of_time_are_those_of_its_derivative(n_frames, heart_rate_bpm):
    beat_s = 60 / heart_rate_bpm
    steepest = 2 * math.pi * SWING_ML / beat_s
    found = values(measure_rates(curves_of(sine_ml(n_frames), heart_rate_bpm=heart_rate_bpm), extremes(n_frames)))
    for ventricle in ("lv", "rv"):
        for name in ("ejection", "filling"):
            key = f"{ventricle}_peak_{name}_rate"
            assert found[f"{key}_ml_per_s"] == pytest.approx(steepest, rel=1e-4)
            assert found[f"{key}_edv_per_s"] == pytest.approx(steepest / (MEAN_ML + SWING_ML), rel=1e-4)
            assert found[f"{key}_time_ms"] == pytest.approx(1000 * beat_s / 4, rel=2e-3)


@pytest.mark.parametrize("n_frames", [12, 20, 30])
def test_the_rates_of_a_heart_that_fills_fast_and_again_with_its_atria_are_true_within_a_tenth(n_frames):
    def volume(share):
        return 140 - 85 * contraction(share % 1, 0.38)

    fine = np.diff([volume(share) for share in np.linspace(0, 1, 5001)]) * 5000
    es = round(0.38 * n_frames)
    found = values(measure_rates(curves_of([volume(f / n_frames) for f in range(n_frames)]), {Phase.ED: 0, Phase.ES: es}))
    assert found["lv_peak_ejection_rate_ml_per_s"] == pytest.approx(-fine.min(), rel=0.1)
    assert found["lv_peak_filling_rate_ml_per_s"] == pytest.approx(fine.max(), rel=0.1)
    assert found["lv_peak_ejection_rate_time_ms"] == pytest.approx(190, abs=50)
    assert found["lv_peak_filling_rate_time_ms"] == pytest.approx(1000 * 0.62 * 0.18, abs=50)


def test_unevenly_spaced_times_of_the_images_are_used_as_they_are():
    times_ms = np.sort(np.random.default_rng(0).uniform(0, 800, 20))
    times_ms[0], times_ms[-1] = 0.0, 760.0
    volumes = MEAN_ML + SWING_ML * np.cos(2 * np.pi * times_ms / 800)
    frames = {Phase.ED: 0, Phase.ES: int(volumes.argmin())}
    found = values(measure_rates(curves_of(volumes, times_ms=tuple(times_ms), heart_rate_bpm=None), frames))
    assert found["lv_peak_ejection_rate_ml_per_s"] == pytest.approx(2 * math.pi * SWING_ML / 0.8, rel=1e-3)


def beat_ml(shares, early_ml, atrial_ml):
    """A beat that ejects up to 0.35, fills early about 0.47 and again with its atria about 0.92."""

    def step(middle, width):
        return 1 / (1 + np.exp(-(np.asarray(shares) - middle) / width))

    return 150 - (early_ml + atrial_ml) * step(0.17, 0.035) + early_ml * step(0.47, 0.03) + atrial_ml * step(0.92, 0.02)


def rates_of_part(covered, early_ml, atrial_ml, n_frames=25):
    """The rates where prospective gating leaves out all behind `covered` of a beat of one second."""
    shares = np.arange(n_frames) * covered / n_frames
    volumes = beat_ml(shares, early_ml, atrial_ml)
    curves = curves_of(volumes, times_ms=tuple(1000 * shares), heart_rate_bpm=60)
    return measure_rates(curves, {Phase.ED: 0, Phase.ES: int(volumes.argmin())})


@pytest.mark.parametrize("covered", [1.0, 0.9, 0.8, 0.7, 0.68])
def test_the_part_of_the_beat_that_no_frame_shows_makes_no_rate(covered):
    steepest_ml_per_s = 70 / (4 * 0.03)
    found = values(rates_of_part(covered, 70, 25))
    assert 0.7 * steepest_ml_per_s < found["lv_peak_filling_rate_ml_per_s"] < steepest_ml_per_s
    assert 500 < found["lv_peak_ejection_rate_ml_per_s"] < 95 / (4 * 0.035)


def test_filling_that_is_steepest_at_the_edge_of_what_frames_show_has_no_rate_and_says_why():
    table = rates_of_part(0.9, 10, 85)
    for ending in ("ml_per_s", "edv_per_s", "time_ms"):
        filling = table[f"lv_peak_filling_rate_{ending}"]
        assert filling.value is None
        assert filling.reason == "the steepest rise from ES to ED lies in a part of the beat that no frame shows"
    assert table["lv_peak_ejection_rate_ml_per_s"].value is not None


def test_each_ventricle_has_its_own_curve():
    found = values(measure_rates(curves_of(sine_ml(20), tuple(2 * v for v in sine_ml(20))), extremes(20)))
    assert found["rv_peak_filling_rate_ml_per_s"] == pytest.approx(2 * found["lv_peak_filling_rate_ml_per_s"])
    assert found["rv_peak_filling_rate_edv_per_s"] == pytest.approx(found["lv_peak_filling_rate_edv_per_s"])


def test_a_frame_that_does_not_fit_its_neighbours_does_not_make_the_rate():
    spoiled = list(sine_ml(20))
    spoiled[15] = 0.3 * spoiled[15]
    found, true = (values(measure_rates(curves_of(curve), extremes(20))) for curve in (spoiled, sine_ml(20)))
    assert found == pytest.approx(true, rel=0.01)


@st.composite
def beats(draw):
    """A curve of a few harmonics, and where ED and ES lie."""
    n_frames = draw(st.integers(12, 30))
    waves = draw(st.lists(st.tuples(st.floats(-15, 15), st.floats(-15, 15)), min_size=2, max_size=4))
    shares = np.arange(n_frames) / n_frames
    volumes = 100 + 25 * np.cos(2 * np.pi * shares)
    for number, (cosine, sine) in enumerate(waves, start=1):
        angle = 2 * np.pi * number * shares
        volumes = volumes + (cosine * np.cos(angle) + sine * np.sin(angle)) / number**2
    return volumes, {Phase.ED: int(volumes.argmax()), Phase.ES: int(volumes.argmin())}


@given(beats(), st.floats(0.2, 5))
def test_rates_grow_with_the_volume_and_their_times_and_shares_do_not(beat, factor):
    volumes, frames = beat
    before, after = (values(measure_rates(curves_of(scale * volumes), frames)) for scale in (1, factor))
    for name, value in before.items():
        wanted = None if value is None else value * (factor if name.endswith("ml_per_s") else 1)
        fine = 1.0 if name.endswith("time_ms") else 1e-6
        assert after[name] == (None if wanted is None else pytest.approx(wanted, rel=1e-6, abs=fine))


@given(beats(), st.integers(1, 29))
def test_where_the_cycle_starts_changes_nothing(beat, steps):
    volumes, frames = beat
    shifted = {phase: (frame + steps) % len(volumes) for phase, frame in frames.items()}
    before = values(measure_rates(curves_of(volumes), frames))
    after = values(measure_rates(curves_of(np.roll(volumes, steps)), shifted))
    for name, value in before.items():
        if not name.endswith("time_ms"):
            assert after[name] == (None if value is None else pytest.approx(value, rel=1e-6, abs=1e-6))


REASONS = {
    "too few frames": (curves_of(sine_ml(7)), extremes(7), "the cycle has 7 frames; a rate needs at least 8"),
    "no ES": (curves_of(sine_ml(20)), {Phase.ED: 0}, "the ES frame is not known"),
    "no times": (
        curves_of(sine_ml(20), heart_rate_bpm=None),
        extremes(20),
        "neither the times of the frames nor the heart rate are known; give the heart rate",
    ),
    "part of a beat": (
        curves_of(sine_ml(20), times_ms=tuple(range(0, 400, 20)), heart_rate_bpm=60),
        extremes(20),
        "the frames cover 400 ms of a beat that lasts 1000 ms at the given heart rate; check the heart rate",
    ),
    "no ventricle": (curves_of((*sine_ml(19), 0.0)), extremes(20), "no LV was found in frame 20"),
    "one slice": (None, extremes(20), "the study has one slice; a volume needs at least two"),
    "no motion": (curves_of([80.0] * 20), extremes(20), "the LV volume does not fall from ED to ES"),
}


@pytest.mark.parametrize(("curves", "frames", "reason"), REASONS.values(), ids=REASONS.keys())
def test_a_rate_that_cannot_be_told_says_why(curves, frames, reason):
    table = measure_rates(curves, frames)
    assert len(table) == 12
    for ending in ("ml_per_s", "edv_per_s", "time_ms"):
        assert (table[f"lv_peak_ejection_rate_{ending}"].value, table[f"lv_peak_ejection_rate_{ending}"].reason) == (
            None,
            reason,
        )


def test_ed_and_es_exchanged_have_no_ejection_and_no_filling():
    table = measure_rates(curves_of(sine_ml(20)), {Phase.ED: 10, Phase.ES: 0})
    assert table["lv_peak_ejection_rate_ml_per_s"].reason == "the LV volume does not fall from ED to ES"
    assert table["lv_peak_filling_rate_ml_per_s"].reason == "the LV volume does not rise from ES to ED"


def test_the_curves_are_the_volumes_of_the_masks_frame_by_frame():
    cine = np.zeros((3, 2, 10, 10), np.uint8)
    for frame, (lv, rv) in enumerate([(30, 20), (10, 8), (20, 0)]):
        cine[frame].reshape(-1)[:lv] = Label.LV
        cine[frame].reshape(-1)[lv : lv + rv] = Label.RV
    study = study_of(np.zeros_like(cine), (2.0, 5.0, 10.0), frame_times_ms=(0.0, 300.0, 600.0), patient=Patient())
    curves = cycle_curves(cine, study)
    assert curves.lv_volume_ml == pytest.approx((3.0, 1.0, 2.0))
    assert curves.rv_volume_ml == pytest.approx((2.0, 0.8, 0.0))
    assert curves.times.times_ms == (0.0, 300.0, 600.0)


def test_one_slice_has_no_curves():
    cine = np.ones((3, 1, 10, 10), np.uint8)
    assert cycle_curves(cine, study_of(cine, (2.0, 2.0, 8.0))) is None
