import hashlib
import io
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CardiacMTLLib import __version__
from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.cli import main, warm_up_scene
from CardiacMTLLib.errors import CardiacMTLError, InputError
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.measure.curve import cycle_curves
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.measure.segments import measure_segments
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.manifest import Calibration, Manifest, Provenance
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.network.store import DEFAULT_MODEL, MANIFEST_NAME, WEIGHTS_NAME, available_models
from CardiacMTLLib.network.weights import save_weights
from CardiacMTLLib.outputs import RESULT_FILES
from CardiacMTLLib.phantom import PhantomGrid, anatomy_of, make_phantom, write_phantom
from Testing.unit.analyses import CERTAIN, MODEL, heart_mask

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Engine:
    """Stands in for model and network: notes how it was called and gives masks of known shape."""

    calls: list = field(default_factory=list)
    failure: BaseException | None = None
    masks_of: object = None

    def load_model(self, name=None):
        self.calls.append({"model": name})
        return name

    def analyse(self, study, model, *, device="auto", whole_cycle=False, left_out=None, progress=None):
        self.calls[-1] |= {"study": study, "device": device, "whole_cycle": whole_cycle, "left_out": left_out}
        progress("segmenting", 0.4)
        if self.failure:
            raise self.failure
        frames = {Phase.ED: study.ed_frame or 0, Phase.ES: study.es_frame or min(1, len(study.frames) - 1)}
        masks = {Phase.ED: heart_mask(study.geometry, 24.0), Phase.ES: heart_mask(study.geometry, 18.0)}
        if self.masks_of:
            frames, masks = self.masks_of(study)
        cine = np.stack([masks[Phase.ED]] * len(study.frames)) if whole_cycle else None
        measured = measure_function(masks, study.geometry, study.patient)
        segments = measure_segments(masks, study.geometry)
        curves = None if cine is None else cycle_curves(cine, study)
        return Analysis(
            study, frames, masks, cine, measured, CERTAIN, (), MODEL, {"segment": 1.0}, segments=segments, curves=curves
        )


@pytest.fixture
def engine(monkeypatch):
    engine = Engine()
    monkeypatch.setattr("CardiacMTLLib.pipeline.analyse", engine.analyse)
    monkeypatch.setattr("CardiacMTLLib.network.weights.load_model", engine.load_model)
    return engine


@pytest.fixture
def no_slicer(monkeypatch):
    monkeypatch.setitem(sys.modules, "slicer", None)


@pytest.fixture(scope="session")
def cine(tmp_path_factory):
    """A 4D file of five frames."""
    grid = PhantomGrid(size_xyz=(64, 64, 6), spacing_xyz_mm=(4.0, 4.0, 18.0))
    path = tmp_path_factory.mktemp("study") / "cine.nii.gz"
    write_phantom(make_phantom(anatomy_of(Group.NOR), grid, n_frames=5), path)
    return path


@pytest.fixture(scope="session")
def phases(cine):
    """Two 3D files cut from the cine."""
    image = sitk.ReadImage(str(cine))
    paths = [cine.parent / name for name in ("ed.nii.gz", "es.nii.gz")]
    for index, path in enumerate(paths):
        sitk.WriteImage(image[:, :, :, index], str(path))
    return paths


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize("options", [["--help"], ["run", "--help"], ["demo", "--help"], ["models", "--help"]])
def test_help_prints_usage_and_ends_well(options, capsys):
    with pytest.raises(SystemExit) as ended:
        main(options)

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: cardiacmtl")


def subprocess_of(*arguments):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "CardiacMTL"), str(ROOT)))}
    command = [sys.executable, "-m", "CardiacMTLLib", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_help_answers_in_half_a_second():
    def seconds():
        started = time.perf_counter()
        assert subprocess_of("run", "--help").returncode == 0
        return time.perf_counter() - started

    assert min(seconds() for _ in range(5)) < 0.5


def test_help_loads_no_numerical_package():
    code = (
        "import sys; from CardiacMTLLib.cli import build_parser; build_parser().format_help(); "
        "print(sorted({'numpy', 'torch', 'SimpleITK', 'pydicom', 'PIL', 'jinja2'} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "CardiacMTL")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)

    assert done.stdout.strip() == "[]"


def test_the_package_runs_as_a_module_and_knows_its_version():
    assert subprocess_of("--version").stdout == f"cardiacmtl {__version__}\n"


USAGE_ERRORS = {
    "no command": [],
    "unknown command": ["frobnicate"],
    "no output folder": ["run", "x.nii.gz"],
    "no input": ["run", "--out", "OUT"],
    "ED without ES": ["run", "--ed", "x.nii.gz", "--out", "OUT"],
    "input and phases": ["run", "x.nii.gz", "--ed", "x.nii.gz", "--es", "y.nii.gz", "--out", "OUT"],
    "frame number with phases": ["run", "--ed", "x.nii.gz", "--es", "y.nii.gz", "--ed-frame", "1", "--out", "OUT"],
    "whole cycle of two images": ["run", "--ed", "x.nii.gz", "--es", "y.nii.gz", "--whole-cycle", "--out", "OUT"],
    "frame zero": ["run", "x.nii.gz", "--es-frame", "0", "--out", "OUT"],
    "frame that is no number": ["run", "x.nii.gz", "--ed-frame", "two", "--out", "OUT"],
    "abbreviated option": ["run", "x.nii.gz", "--whole", "--out", "OUT"],
    "unknown device": ["run", "x.nii.gz", "--device", "tpu", "--out", "OUT"],
    "impossible height": ["run", "CINE", "--height-cm", "1.74", "--out", "OUT"],
    "height that is no number": ["run", "CINE", "--height-cm", "nan", "--out", "OUT"],
    "missing file": ["run", "missing.nii.gz", "--out", "OUT"],
    "file that is no image": ["run", "NOTE", "--out", "OUT"],
    "frame beyond the cycle": ["run", "CINE", "--ed-frame", "99", "--out", "OUT"],
    "no models action": ["models"],
    "output folder is a file": ["run", "CINE", "--out", "NOTE"],
    "unknown model": ["run", "CINE", "--model", "no such model", "--out", "OUT"],
}


@pytest.mark.parametrize("arguments", USAGE_ERRORS.values(), ids=USAGE_ERRORS.keys())
def test_bad_input_is_one_line_on_stderr_status_2_and_nothing_written(arguments, cine, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.nii.gz").write_text("no image", encoding="utf-8")
    places = {"OUT": str(tmp_path / "out"), "CINE": str(cine), "NOTE": "note.nii.gz"}
    try:
        status = main([places.get(argument, argument) for argument in arguments])
    except SystemExit as ended:
        status = ended.code
    printed = capsys.readouterr()

    assert status == 2
    assert printed.out == ""
    assert printed.err.startswith("cardiacmtl: error: ")
    assert printed.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["note.nii.gz"]


def test_an_error_with_line_ends_is_still_one_line(engine, cine, tmp_path, capsys):
    engine.failure = InputError("one\ntwo")

    assert run("run", cine, "--out", tmp_path / "out") == 2
    assert capsys.readouterr().err == "cardiacmtl: error: one two\n"


def test_run_writes_the_results_and_prints_a_summary(engine, no_slicer, cine, tmp_path, capsys):
    status = run("run", cine, "--out", tmp_path / "out", "--height-cm", 172, "--weight-kg", 72)
    printed = capsys.readouterr().out

    assert status == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(RESULT_FILES) - {"scene.mrb", "overlay_3d.png"}
    assert "Pattern most like DCM (dilated cardiomyopathy, ACDC definition), probability 0.82" in printed
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


def test_a_cine_is_segmented_whole_and_two_phases_are_not(engine, no_slicer, cine, phases, tmp_path):
    run("run", cine, "--out", tmp_path / "cine")
    run("run", "--ed", phases[0], "--es", phases[1], "--out", tmp_path / "phases")

    assert [call["whole_cycle"] for call in engine.calls] == [True, False]
    assert (tmp_path / "cine/segmentation_cine.nii.gz").exists()
    assert not (tmp_path / "phases/segmentation_cine.nii.gz").exists()


def test_an_interrupted_run_leaves_nothing_and_says_so(engine, cine, tmp_path, capsys):
    engine.failure = KeyboardInterrupt()

    assert run("run", cine, "--out", tmp_path / "out") == 130
    assert capsys.readouterr().err == "cardiacmtl: interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_a_defect_keeps_its_traceback(engine, cine, tmp_path):
    engine.failure = ZeroDivisionError("defect")

    with pytest.raises(ZeroDivisionError):
        run("run", cine, "--out", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.robustness(38)
def test_without_torch_the_error_is_one_line(cine, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("CardiacMTLLib.pipeline", "CardiacMTLLib.network.weights"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    assert run("run", cine, "--out", tmp_path / "out") == 2
    assert capsys.readouterr().err == "cardiacmtl: error: the package torch is not installed; install torch and try again\n"


def test_the_demo_compares_with_the_truth_and_leaves_its_study_behind(engine, no_slicer, tmp_path, capsys, monkeypatch):
    grid = PhantomGrid(size_xyz=(120, 120, 14), spacing_xyz_mm=(2.7, 2.7, 8.0))
    truth = make_phantom(anatomy_of(Group.DCM), grid, n_frames=4)
    monkeypatch.setattr("CardiacMTLLib.commands.sample_phantom", lambda: truth)
    frames = {Phase.ED: 0, Phase.ES: truth.study.es_frame}
    engine.masks_of = lambda study: (frames, {phase: truth.masks[frame] for phase, frame in frames.items()})
    monkeypatch.chdir(tmp_path)
    status = run("demo")
    printed = capsys.readouterr().out
    rows = dict(re.findall(r"^([LR]V \w+), (?:mL|%|g) +(\d+ +\d+)$", printed, re.MULTILINE))

    assert status == 0
    assert set(rows) == {"LV EDV", "LV ESV", "LV EF", "LV mass", "RV EDV", "RV ESV", "RV EF"}
    for pair in rows.values():
        measured, true = map(int, pair.split())
        assert measured == pytest.approx(true, rel=0.03, abs=1)
    assert "Results in cardiacmtl-demo" in printed
    left = sitk.ReadImage(str(tmp_path / "cardiacmtl-demo/phantom_cine.nii.gz"))
    assert left.GetSize() == (120, 120, 14, 4)
    assert run("run", tmp_path / "cardiacmtl-demo/phantom_cine.nii.gz", "--out", tmp_path / "again") == 0


def installed_models():
    try:
        return available_models()
    except CardiacMTLError:
        return []


needs_model = pytest.mark.skipif(not installed_models(), reason="no model is installed in CardiacMTL/Resources/Models")


@pytest.mark.parametrize("action", ["list", "verify"])
def test_without_models_list_says_so_and_verify_fails(action, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("CardiacMTLLib.network.store.models_dir", lambda: tmp_path)
    status = run("models", action)
    printed = capsys.readouterr()

    assert status == {"list": 0, "verify": 2}[action]
    assert "no model is installed" in printed.out + printed.err


def test_a_model_with_a_damaged_manifest_is_listed_as_unusable_and_fails_to_verify(tmp_path, monkeypatch, capsys):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/manifest.json").write_text("<html>", encoding="utf-8")
    monkeypatch.setattr("CardiacMTLLib.network.store.models_dir", lambda: tmp_path)

    assert run("models", "list") == 0
    assert capsys.readouterr().out.startswith("broken  unusable: ")
    assert run("models", "verify") == 2
    assert capsys.readouterr().err.count("\n") == 1


@needs_model
def test_installed_models_are_listed_and_verified(capsys):
    assert run("models", "list") == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("(default)")
    assert run("models", "verify") == 0
    for line in capsys.readouterr().out.splitlines():
        assert re.search(r"sha256 [0-9a-f]{64}  intact$", line)


@pytest.fixture
def untrained_model(tmp_path_factory, monkeypatch):
    """A folder of models that holds a default one of the right shape, with random weights."""
    root = tmp_path_factory.mktemp("models")
    folder = root / DEFAULT_MODEL
    folder.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = MultiTaskNetwork(NetworkConfiguration(channels=(4, 8, 8), locator_channels=(4, 4)))
    save_weights(network, folder / WEIGHTS_NAME)
    checksum = hashlib.sha256((folder / WEIGHTS_NAME).read_bytes()).hexdigest()
    manifest = Manifest(DEFAULT_MODEL, "0.0.1", checksum, network.configuration, Calibration(), Provenance())
    manifest.save(folder / MANIFEST_NAME)
    monkeypatch.setattr("CardiacMTLLib.network.store.models_dir", lambda: root)
    return folder


def assert_complete(record, out):
    assert re.fullmatch(r"[0-9a-f]{64}", record["model"]["sha256"])
    assert set(record["outputs"]) == {path.name for path in out.iterdir()}
    assert {"segmentation_ed.nii.gz", "segmentation_es.nii.gz", "result.json", "report.html", "overlay.png"} <= set(
        record["outputs"]
    )
    assert all((entry["value"] is None) != (entry["reason"] is None) for entry in record["measurements"].values())


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


@pytest.mark.parametrize("option", ["--exclude-slices-ed", "--exclude-slices-es"])
@pytest.mark.parametrize("text", ["99", "base"])
def test_slices_that_are_not_there_are_refused_in_one_line(option, text, engine, phases, tmp_path, capsys):
    assert run("run", "--ed", phases[0], "--es", phases[1], "--out", tmp_path / "out", option, text) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"cardiacmtl: error: {option} is '{text}'; expected slice")
    assert not (tmp_path / "out").exists()


def test_every_part_works_together_whatever_the_network_says(untrained_model, phases, no_slicer, tmp_path, capsys):
    status = run("run", "--ed", phases[0], "--es", phases[1], "--out", tmp_path / "out", "--device", "cpu", "--json")
    record = json.loads(capsys.readouterr().out)

    assert status == 0
    assert (record["model"]["name"], record["model"]["version"]) == (DEFAULT_MODEL, "0.0.1")
    assert_complete(record, tmp_path / "out")


def test_a_model_is_verified_and_a_single_flipped_bit_is_found(untrained_model, phases, tmp_path, capsys):
    assert run("models", "verify") == 0
    assert re.fullmatch(rf"{DEFAULT_MODEL}  0.0.1  sha256 [0-9a-f]{{64}}  intact\n", capsys.readouterr().out)

    weights = bytearray((untrained_model / WEIGHTS_NAME).read_bytes())
    weights[-1] ^= 1
    (untrained_model / WEIGHTS_NAME).write_bytes(weights)
    assert run("models", "verify") == 2
    assert run("run", "--ed", phases[0], "--es", phases[1], "--out", tmp_path / "out") == 2
    assert capsys.readouterr().err.count("SHA-256") == 2
    assert not (tmp_path / "out").exists()


@needs_model
def test_the_installed_model_finds_the_heart_of_a_phantom(no_slicer, tmp_path, capsys):
    write_phantom(make_phantom(anatomy_of(Group.NOR), n_frames=2), tmp_path / "study.nii.gz")
    frames = ["--ed-frame", 1, "--es-frame", 2]
    status = run("run", tmp_path / "study.nii.gz", "--out", tmp_path / "out", *frames, "--device", "cpu", "--json")
    record = json.loads(capsys.readouterr().out)

    assert status == 0
    assert_complete(record, tmp_path / "out")
    assert record["measurements"]["lv_edv_ml"]["value"] > record["measurements"]["lv_esv_ml"]["value"] > 0
