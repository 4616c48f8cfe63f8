"""`cardiacmtl run`: its options reach the study and the network, and it prints and writes what it found."""

import io
import json
import re

import pytest

from CardiacMTLLib.cli import main, warm_up_scene
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.outputs import RESULT_FILES
from Testing.unit.command_line import run


def test_run_writes_the_results_and_prints_a_summary(engine, no_slicer, cine, tmp_path, capsys):
    status = run("run", cine, "--out", tmp_path / "out", "--height-cm", 172, "--weight-kg", 72)
    printed = capsys.readouterr().out

    assert status == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(RESULT_FILES) - {"scene.mrb", "overlay_3d.png"}
    assert "Pattern most like DCM (dilated cardiomyopathy, ACDC definition), probability 82.0 %" in printed
    assert re.search(r"^LV  EDV \d+ mL   ESV \d+ mL   EF \d+ %   mass \d+ g$", printed, re.MULTILINE)
    assert "research use only" in printed


def test_without_slicer_core_the_run_says_what_is_missing(engine, no_slicer, cine, tmp_path, capsys):
    assert run("run", cine, "--out", tmp_path / "out") == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Note: ")]

    assert len(notes) == 2
    assert all("slicer" in note and "install slicer-core" in note for note in notes)


class Beside:
    """Stands in for the second process: notes what it is told."""

    def __init__(self, warm_up):
        self.told = [warm_up.__name__]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.told.append("end")

    def write(self, writer, analysis, path):
        self.told.append((writer.__name__, path.name))
        path.write_bytes(b"made beside")


@pytest.mark.parametrize("own_program", [True, False])
def test_the_program_draws_in_a_second_process_and_a_call_from_python_does_not(
    own_program, engine, no_slicer, phases, tmp_path, monkeypatch, capsys
):
    started = []
    monkeypatch.setattr("CardiacMTLLib.writer_process.started", lambda warm_up: started.append(Beside(warm_up)) or started[0])
    arguments = ["run", "--ed", str(phases[0]), "--es", str(phases[1]), "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", ["cardiacmtl", *arguments])
    assert main(None if own_program else arguments) == 0
    made = {path.name for path in (tmp_path / "out").iterdir()} & {"scene.mrb", "overlay_3d.png"}
    if own_program:
        assert made == {"scene.mrb", "overlay_3d.png"}
        assert started[0].told[0] == "warm_up_scene"
        assert started[0].told[1:] == [("render_view", "overlay_3d.png"), ("save_scene", "scene.mrb"), "end"]
    else:
        assert not started
        assert not made


def test_warming_up_without_slicer_says_nothing(no_slicer):
    warm_up_scene()


def test_in_a_pipe_nothing_but_the_results_is_printed(engine, no_slicer, cine, tmp_path, capsys):
    run("run", cine, "--out", tmp_path / "out")

    assert [line for line in capsys.readouterr().err.splitlines() if not line.startswith("warning: ")] == []


def test_on_a_terminal_progress_is_shown_and_taken_away(engine, no_slicer, cine, tmp_path, monkeypatch):
    class Console(io.StringIO):
        def isatty(self):
            return True

    console = Console()
    monkeypatch.setattr("sys.stderr", console)
    run("run", cine, "--out", tmp_path / "out")

    assert " 40 %  segmenting" in console.getvalue()
    assert re.search(r"\r +\r$", console.getvalue())


def test_json_prints_the_record_and_nothing_else(engine, no_slicer, cine, tmp_path, capsys):
    status = run("run", cine, "--out", tmp_path / "out", "--json")
    printed = capsys.readouterr()
    record = json.loads(printed.out)
    outputs, left_out = record.pop("outputs"), record.pop("left_out")

    assert (status, printed.err) == (0, "")
    assert record == json.loads((tmp_path / "out/result.json").read_text(encoding="utf-8"))
    assert set(outputs) == {path.name for path in (tmp_path / "out").iterdir()}
    assert len(left_out) == 2


def test_warnings_about_the_input_are_given_once(engine, no_slicer, tmp_path, cine, capsys, monkeypatch):
    from CardiacMTLLib import commands  # noqa: PLC0415 - patched

    def read_with_warning(*arguments, **options):
        study = read(*arguments, **options)
        object.__setattr__(study, "warnings", ("the header names two spacings",))
        return study

    read = commands.read_study
    monkeypatch.setattr(commands, "read_study", read_with_warning)
    run("run", cine, "--out", tmp_path / "out")

    assert capsys.readouterr().err == "warning: the header names two spacings\n"


def test_frames_count_from_one_on_the_command_line(engine, no_slicer, cine, tmp_path):
    run("run", cine, "--out", tmp_path / "out", "--ed-frame", 5, "--es-frame", 2)
    study = engine.calls[0]["study"]

    assert (study.ed_frame, study.es_frame) == (4, 1)
    assert json.loads((tmp_path / "out/result.json").read_text(encoding="utf-8"))["frames"] == {"ed": 5, "es": 2}


def test_options_reach_the_study_and_the_network(engine, no_slicer, cine, tmp_path):
    body = ["--height-cm", 172, "--weight-kg", 72.5, "--sex", "F", "--heart-rate-bpm", 66]
    run("run", cine, "--out", tmp_path / "out", *body, "--device", "cpu", "--model", "mine", "--slice-spacing-mm", 8)
    call = engine.calls[0]
    patient = call["study"].patient

    assert (call["model"], call["device"]) == ("mine", "cpu")
    assert (patient.height_cm, patient.weight_kg, patient.sex, patient.heart_rate_bpm) == (172, 72.5, "F", 66)
    assert call["study"].geometry.spacing_xyz_mm[2] == pytest.approx(8)


@pytest.mark.parametrize(
    ("options", "ed", "es"),
    [([], set(), set()), (["--exclude-slices-ed", "1"], {0}, set()), (["--exclude-slices-es", "1-2,3"], set(), {0, 1, 2})],
)
def test_slices_can_be_left_out_of_each_phase_by_their_numbers(options, ed, es, engine, no_slicer, phases, tmp_path):
    assert run("run", "--ed", phases[0], "--es", phases[1], "--out", tmp_path / "out", *options) == 0
    n_slices = engine.calls[-1]["study"].geometry.shape_zyx[0]
    flipped = engine.calls[-1]["study"].stored.order.flips[2]
    as_indices = [frozenset(n_slices - 1 - i if flipped else i for i in slices) for slices in (ed, es)]
    assert engine.calls[-1]["left_out"] == SliceSelection(*as_indices)


def test_a_cine_is_segmented_whole_and_two_phases_are_not(engine, no_slicer, cine, phases, tmp_path):
    run("run", cine, "--out", tmp_path / "cine")
    run("run", "--ed", phases[0], "--es", phases[1], "--out", tmp_path / "phases")

    assert [call["whole_cycle"] for call in engine.calls] == [True, False]
    assert (tmp_path / "cine/segmentation_cine.nii.gz").exists()
    assert not (tmp_path / "phases/segmentation_cine.nii.gz").exists()
