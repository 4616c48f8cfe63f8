"""Whole runs of the command line: the demo against its truth, and real networks from images to complete results."""

import json
import re

import pytest
import SimpleITK as sitk

from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.network.store import DEFAULT_MODEL
from CardiacMTLLib.phantom import PhantomGrid, anatomy_of, make_phantom, write_phantom
from Testing.unit.command_line import needs_model, run


def test_the_demo_compares_with_the_truth_and_leaves_its_study_behind(engine, no_slicer, tmp_path, capsys, monkeypatch):
    grid = PhantomGrid(size_xyz=(120, 120, 14), spacing_xyz_mm=(2.7, 2.7, 8.0))
    truth = make_phantom(anatomy_of(Group.DCM), grid, n_frames=4)
    monkeypatch.setattr("CardiacMTLLib.commands.sample_phantom", lambda: truth)
    frames = {Phase.ED: 0, Phase.ES: truth.study.es_frame}
    engine.masks_of = lambda study: (frames, {phase: truth.masks[frame] for phase, frame in frames.items()})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no folder for temporary files"))
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


def assert_complete(record, out):
    assert re.fullmatch(r"[0-9a-f]{64}", record["model"]["sha256"])
    assert set(record["outputs"]) == {path.name for path in out.iterdir()}
    assert {"segmentation_ed.nii.gz", "segmentation_es.nii.gz", "result.json", "report.html", "overlay.png"} <= set(
        record["outputs"]
    )
    assert all((entry["value"] is None) != (entry["reason"] is None) for entry in record["measurements"].values())


def test_every_part_works_together_whatever_the_network_says(untrained_model, phases, no_slicer, tmp_path, capsys):
    status = run("run", "--ed", phases[0], "--es", phases[1], "--out", tmp_path / "out", "--device", "cpu", "--json")
    record = json.loads(capsys.readouterr().out)

    assert status == 0
    assert (record["model"]["name"], record["model"]["version"]) == (DEFAULT_MODEL, "0.0.1")
    assert_complete(record, tmp_path / "out")


@needs_model
def test_the_installed_model_finds_the_heart_of_a_phantom(no_slicer, tmp_path, capsys):
    write_phantom(make_phantom(anatomy_of(Group.NOR), n_frames=2), tmp_path / "study.nii.gz")
    frames = ["--ed-frame", 1, "--es-frame", 2]
    status = run("run", tmp_path / "study.nii.gz", "--out", tmp_path / "out", *frames, "--device", "cpu", "--json")
    record = json.loads(capsys.readouterr().out)

    assert status == 0
    assert_complete(record, tmp_path / "out")
    assert record["measurements"]["lv_edv_ml"]["value"] > record["measurements"]["lv_esv_ml"]["value"] > 0
