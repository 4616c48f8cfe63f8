"""`cardiacmtl run --dicom-out`: both folders appear together or neither does."""

import json
from pathlib import Path

import pydicom
import pytest

from CardiacMTLLib.cli import main
from CardiacMTLLib.errors import OutputError
from Testing.dicom_fixtures import write_classic
from Testing.unit.analyses import analysis_of, study_like
from Testing.unit.dicom_out import masks_of

NAMES = ["measurements_sr.dcm", "segmentation_ed.dcm", "segmentation_es.dcm"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_classic(tmp_path_factory.mktemp("source") / "study", "GE")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Masks without a network, and no pictures, scene or report."""
    for name in ("draw_contact_sheet", "draw_bullseye", "write_report"):
        monkeypatch.setattr(f"CardiacMTLLib.outputs.{name}", lambda analysis, path, **_: path.write_bytes(b""))
    monkeypatch.setattr(
        "CardiacMTLLib.commands._analyse", lambda study, *_: analysis_of(study, masks=masks_of(study), cine=False)
    )
    monkeypatch.setattr("CardiacMTLLib.cli.save_scene", lambda analysis, path: path.write_bytes(b""))
    monkeypatch.setattr("CardiacMTLLib.cli.render_view", lambda analysis, path: path.write_bytes(b""))


def run(*arguments: object) -> int:
    return main(["run", *map(str, arguments)])


FRAMES = ("--ed-frame", 1, "--es-frame", 4)


def test_the_summary_says_where_the_dicom_files_are(folder, tmp_path, capsys):
    assert run(folder, *FRAMES, "--out", tmp_path / "out", "--dicom-out", tmp_path / "out" / "dicom") == 0
    printed = capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out" / "dicom").iterdir()) == NAMES
    assert (tmp_path / "out" / "result.json").exists()
    assert f"DICOM in {tmp_path / 'out' / 'dicom'}:\n  segmentation_ed.dcm\n" in printed


def test_json_names_the_dicom_files_only_where_they_were_asked_for(folder, tmp_path, capsys):
    run(folder, *FRAMES, "--out", tmp_path / "out", "--dicom-out", tmp_path / "dicom", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert sorted(printed["dicom_outputs"]) == NAMES
    assert printed["dicom_notes"] == []
    run(folder, *FRAMES, "--out", tmp_path / "out", "--json")
    assert "dicom_outputs" not in json.loads(capsys.readouterr().out)


def test_images_that_are_not_dicom_need_a_template(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("CardiacMTLLib.commands._study_of", lambda arguments: study_like(size_xyz=(44, 36, 5)))
    assert run("cine.nii.gz", "--out", tmp_path / "out", "--dicom-out", tmp_path / "dicom") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "the study was not read from DICOM" in line
    assert list(tmp_path.iterdir()) == []
    template = ("--dicom-template", folder)
    assert run("cine.nii.gz", "--out", tmp_path / "out", "--dicom-out", tmp_path / "dicom", *template) == 0
    assert "  10 images in cardiacmtl_images\n  segmentation_ed.dcm" in capsys.readouterr().out
    assert pydicom.dcmread(tmp_path / "dicom" / "measurements_sr.dcm").PatientID == "12345"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--out", "out", "--dicom-template", "x.dcm"), "got --dicom-template without --dicom-out"),
        (("--out", "out", "--dicom-out", "out"), "--out out lies in --dicom-out"),
        (("--out", "dicom/out", "--dicom-out", "dicom"), "--out dicom/out lies in --dicom-out"),
        (("--out", "out", "--dicom-out", "file"), "is a file; expected an output folder"),
    ],
)
def test_options_that_cannot_work_are_refused_before_anything_is_read(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("x", encoding="utf-8")
    assert run("absent", *options) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


def test_a_result_that_cannot_be_written_leaves_no_dicom_files_either(folder, tmp_path, monkeypatch, capsys):
    def fail(*_: object) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr("CardiacMTLLib.outputs.write_mask", fail)
    assert run(folder, *FRAMES, "--out", tmp_path / "out", "--dicom-out", tmp_path / "dicom") == 2
    assert "the disk is full" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_vanishes_meanwhile_leaves_no_results_either(tmp_path, monkeypatch, capsys):
    source = write_classic(tmp_path / "source", "GE")

    def analyse(study, *_: object):
        for path in source.iterdir():
            path.unlink()
        return analysis_of(study, masks=masks_of(study))

    monkeypatch.setattr("CardiacMTLLib.commands._analyse", analyse)
    assert run(source, *FRAMES, "--out", tmp_path / "out", "--dicom-out", tmp_path / "dicom") == 2
    assert "can no longer be read" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
