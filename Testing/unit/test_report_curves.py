import json
import sys
from dataclasses import replace

import pytest

from CardiacMTLLib.errors import CardiacMTLError, MissingPackageError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.curve import CycleCurves, measure_rates
from CardiacMTLLib.measure.cycle_times import cycle_times
from CardiacMTLLib.outputs import CURVES_FILE, write_outputs
from CardiacMTLLib.report.curve_plot import draw_curves
from CardiacMTLLib.report.html import NOT_ASKED, Picture, render_report
from CardiacMTLLib.report.record import result_record
from CardiacMTLLib.report.wording import measurement_title, number_text
from Testing.unit.analyses import analysis_of, study_like

LV = (120.0, 100.0, 60.0, 50.0, 52.0, 70.0, 95.0, 110.0, 116.0)
RV = (150.0, 130.0, 90.0, 0.0, 85.0, 100.0, 120.0, 135.0, 145.0)
PHASES = {Phase.ED: 0, Phase.ES: 3}


def analysis(times_ms=tuple(range(0, 900, 100)), heart_rate_bpm=None):
    curves = CycleCurves(cycle_times(9, times_ms, heart_rate_bpm), LV, RV)
    made = replace(analysis_of(study_like(n_frames=9), cine=True), curves=curves, frames=PHASES)
    return replace(made, measurements={**made.measurements, **measure_rates(curves, PHASES)})


def test_the_record_holds_times_and_volumes_frame_by_frame():
    curves = result_record(analysis())["curves"]
    assert curves["time_ms"] == [float(time) for time in range(0, 900, 100)]
    assert curves["cycle_ms"] == pytest.approx(900)
    assert curves["lv_volume_ml"] == list(LV)
    assert curves["rv_volume_ml"] == [*RV[:3], None, *RV[4:]]
    assert (curves["time_source"], curves["time_reason"]) == ("those of the images", None)


def test_without_times_the_record_has_shares_of_the_cycle_and_the_reason():
    record = result_record(analysis(times_ms=None))
    curves = record["curves"]
    assert (curves["time_ms"], curves["cycle_ms"]) == (None, None)
    assert curves["cycle_share"][4] == pytest.approx(4 / 9, abs=1e-5)
    assert "give the heart rate" in curves["time_reason"]
    rate = record["measurements"]["lv_peak_ejection_rate_ml_per_s"]
    assert (rate["value"], rate["unit"], rate["reason"]) == (None, "mL/s", curves["time_reason"])
    json.dumps(record, allow_nan=False)


def test_the_record_of_two_phases_has_no_curves():
    assert result_record(analysis_of())["curves"] is None


@pytest.mark.parametrize("times", [{}, {"times_ms": None}, {"times_ms": None, "heart_rate_bpm": 60.0}])
def test_the_curves_are_drawn_the_same_each_time_whatever_is_known_of_the_times(times, tmp_path):
    for name in ("a.png", "b.png"):
        draw_curves(analysis(**times), tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first.startswith(b"\x89PNG")
    assert first == second


def test_another_curve_gives_another_picture(tmp_path):
    draw_curves(analysis(), tmp_path / "a.png")
    draw_curves(replace(analysis(), frames={Phase.ED: 1}), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("made", "reason"), [(analysis_of(), "was not segmented"), (replace(analysis_of(cine=True), curves=None), "one slice")]
)
def test_without_curves_there_is_a_reason_and_no_picture(made, reason, tmp_path):
    with pytest.raises(CardiacMTLError, match=reason):
        draw_curves(made, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_without_matplotlib_the_curves_are_left_out_with_a_note_that_the_report_repeats(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "CardiacMTLLib.report.curve_drawing", raising=False)
    with pytest.raises(MissingPackageError, match="install matplotlib"):
        draw_curves(analysis(), tmp_path / "a.png")
    files = write_outputs(analysis(), tmp_path / "out")
    assert CURVES_FILE not in files.names
    assert any(note.startswith("curves.png is left out: the volume-time curves need") for note in files.notes)
    assert "The volume-time curves were left out" in (tmp_path / "out/report.html").read_text(encoding="utf-8")


def test_the_report_of_a_cycle_shows_the_curves_and_says_where_the_times_come_from(tmp_path):
    draw_curves(analysis(), tmp_path / "a.png")
    page = render_report(analysis(), sheet=NOT_ASKED, view=NOT_ASKED, curves=Picture(tmp_path / "a.png"))
    assert "Volumes over the cycle" in page
    assert "in each of the 9 frames. The times are those of the images." in page
    assert "LV peak ejection rate over end-diastolic volume" in page


def test_a_run_without_a_cycle_neither_draws_nor_mentions_curves(tmp_path):
    files = write_outputs(analysis_of(), tmp_path / "out")
    assert CURVES_FILE not in files.names
    assert not any("curves.png" in note for note in files.notes)
    assert "Volumes over the cycle" not in (tmp_path / "out/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "unit", "title", "number"),
    [
        ("lv_peak_ejection_rate_ml_per_s", "mL/s", "LV peak ejection rate", "412"),
        ("rv_peak_filling_rate_edv_per_s", "EDV/s", "RV peak filling rate over end-diastolic volume", "412.0"),
        ("lv_peak_filling_rate_time_ms", "ms", "LV peak filling rate, time", "412"),
    ],
)
def test_rates_have_titles_and_decimals(name, unit, title, number):
    assert (measurement_title(name), number_text(412.04, unit)) == (title, number)
