"""The log file and the support bundle: what they say, and that no patient is in them."""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
import zipfile
from pathlib import Path

import pydicom
import pytest

from CardiacMTLLib import __version__
from CardiacMTLLib.errors import InputError, OutputError
from CardiacMTLLib.support import environment
from CardiacMTLLib.support import log_file as log_module
from CardiacMTLLib.support.bundle import write_bundle
from CardiacMTLLib.support.log_file import EVENTS, WITHHELD, known_lines, log_event, log_file
from Testing.dicom_fixtures import phantom, write_classic
from Testing.unit.command_line import run
from Testing.unit.tiny_model import write_tiny_model

SECRETS = ("Hostile", "Näme", "Zz99-4711")
NAME, NUMBER = "Hostile^Näme", "Zz99-4711"


def hostile_study(folder: Path) -> Path:
    """A DICOM study whose patient's name and number stand in every text that could leak, the path among them."""

    def change(data: pydicom.Dataset, _t: int, _z: int) -> pydicom.Dataset:
        data.SpecificCharacterSet = "ISO_IR 192"
        data.PatientName, data.PatientID, data.AccessionNumber = NAME, NUMBER, NUMBER
        data.StudyDescription = data.SeriesDescription = data.ProtocolName = f"cine sa {NAME}"
        data.InstitutionName = data.OperatorsName = data.ReferringPhysicianName = NAME
        return data

    return write_classic(folder / f"{NAME} {NUMBER}" / "dicom", change=change, study=phantom(4).study)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a tiny model that is installed."""
    monkeypatch.setenv("CARDIACMTL_MODELS", str(tmp_path / "models"))
    return write_tiny_model(tmp_path / "models" / "tiny").name


def events_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.robustness(35)
def test_a_run_logs_what_it_did_and_nothing_of_the_patient(tmp_path: Path, tiny: str) -> None:
    study, log = hostile_study(tmp_path), tmp_path / "run.jsonl"
    out = tmp_path / f"out {NAME}"
    assert run("run", study, "--out", out, "--model", tiny, "--device", "cpu", "--log-file", log, "--json") == 0
    events = events_of(log)
    assert [event["event"] for event in events] == ["started", "study", "analysed", "ended"]
    assert events[0]["cardiacmtl"] == __version__
    assert events[0]["packages"]["numpy"]
    assert events[1]["shape_tzyx"] == [4, 5, 36, 44]
    assert events[2]["model"] == "tiny"
    assert len(events[2]["sha256"]) == 64
    assert all(event["time"].endswith("+00:00") for event in events)
    assert events[-1]["seconds"] > 0
    text = log.read_text(encoding="utf-8")
    assert not [secret for secret in SECRETS if secret in text]
    assert str(tmp_path) not in text
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    for path in out.rglob("*"):
        if path.suffix in {".json", ".html", ".csv"}:
            written = path.read_text(encoding="utf-8")
            assert not [secret for secret in SECRETS if secret in written], path


@pytest.mark.robustness(35)
def test_an_error_is_logged_by_kind_and_place_and_its_message_is_not(tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    assert run("run", tmp_path / f"{NAME} {NUMBER}.nii", "--out", tmp_path / "out", "--log-file", log) == 2
    failed = events_of(log)[-1]
    assert (failed["event"], failed["error"]) == ("failed", "InputError")
    assert failed["place"].startswith("study.py:")
    assert not [secret for secret in (*SECRETS, str(tmp_path)) if secret in log.read_text(encoding="utf-8")]


@pytest.mark.robustness(35)
def test_what_other_libraries_log_stays_out_of_the_log_file(tmp_path: Path) -> None:
    with log_file(tmp_path / "log", "run"):
        logging.getLogger("pydicom").warning("Invalid value %s", NAME)
        logging.getLogger().error(NAME)
        log_event("study", shape=NAME, **{NAME: [1, NAME, None]})
    assert [event["event"] for event in events_of(tmp_path / "log")] == ["started", "study", "ended"]
    assert events_of(tmp_path / "log")[1]["shape"] == WITHHELD
    assert not [secret for secret in SECRETS if secret in (tmp_path / "log").read_text(encoding="utf-8")]


def test_without_a_log_file_nothing_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with log_file(None, "run"):
        log_event("study", shape=1)
    assert caplog.records == []
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_adds_to_the_log(tmp_path: Path) -> None:
    for _ in range(2):
        with log_file(tmp_path / "log", "run"):
            pass
    assert [event["event"] for event in events_of(tmp_path / "log")] == ["started", "ended"] * 2


def test_an_interrupted_run_is_logged_as_such(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), log_file(tmp_path / "log", "run"):
        raise KeyboardInterrupt
    assert events_of(tmp_path / "log")[-1]["event"] == "interrupted"


def test_an_error_from_elsewhere_has_no_place(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), log_file(tmp_path / "log", "run"):
        raise ZeroDivisionError
    assert events_of(tmp_path / "log")[-1]["place"] == "unknown"


def test_a_log_file_that_cannot_be_opened_is_one_line_and_nothing_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("run", "missing.nii", "--out", tmp_path / "out", "--log-file", tmp_path / "no folder" / "log") == 2
    err = capsys.readouterr().err
    assert "the log file" in err
    assert err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_full_costs_lines_of_the_log_and_not_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    with log_file(Path("/dev/full"), "run"):
        log_event("study", shape=1)
    assert capsys.readouterr() == ("", "")


def test_every_event_that_the_library_logs_is_listed() -> None:
    library = Path(log_module.__file__).resolve().parents[1]
    named = {
        line.split('log_event("')[1].split('"')[0]
        for path in library.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if 'log_event("' in line
    }
    assert named <= set(EVENTS)


@pytest.mark.robustness(35)
def test_a_bundle_has_versions_devices_and_models_and_nothing_of_the_patient(
    tmp_path: Path, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / f"{NAME} {NUMBER}"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USER", NAME)
    monkeypatch.setenv("HOSTNAME", NAME)
    monkeypatch.chdir(home)
    log = home / "log"
    run("run", home / "x.nii", "--out", home / "out", "--log-file", log)
    log.write_text(f'{{"event": "{NAME}"}}\n{NAME}\n[]\n{log.read_text()}{{"event": "study", "name": "{NAME}"}}\n', "utf-8")
    out = tmp_path / "bundle.zip"
    assert run("support-bundle", "--out", out, "--with-log", log) == 0
    monkeypatch.chdir(tmp_path)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with zipfile.ZipFile(out) as bundle:
        assert bundle.namelist() == ["README.txt", "support.json", "log.jsonl"]
        texts = [bundle.read(name).decode() for name in bundle.namelist()]
    facts = json.loads(texts[1])
    assert facts["software"]["cardiacmtl"] == __version__
    assert facts["devices"]["cpu threads"] >= 1
    assert {model["name"]: model["intact"] for model in facts["models"]} == {"acdc-joint": True, tiny: True}
    assert [json.loads(line)["event"] for line in texts[2].splitlines()] == ["started", "failed", "study"]
    for secret in (*SECRETS, str(tmp_path), home.name, os.uname().nodename if len(os.uname().nodename) > 4 else NAME):
        assert not [text for text in texts if secret in text], secret


def test_a_damaged_model_is_told_by_the_kind_of_error(tmp_path: Path, tiny: str) -> None:
    (tmp_path / "models" / tiny / "weights.safetensors").write_bytes(b"<html>")
    (found,) = (model for model in environment.models() if model["name"] == tiny)
    assert (found["intact"], found["error"]) == (False, "ModelError")
    assert len(found["sha256"]) == 64


def test_a_broken_torch_is_told_by_the_kind_of_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert environment.devices() == {"torch cannot be loaded": "ModuleNotFoundError"}


def test_packages_that_are_missing_have_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PACKAGES", ("numpy", "no-such-package"))
    assert environment.software()["packages"]["no-such-package"] is None


def test_a_bundle_never_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "kept.zip").write_text("kept")
    with pytest.raises(OutputError, match="is there already"):
        write_bundle(tmp_path / "kept.zip")
    with pytest.raises(OutputError, match="cannot be written"):
        write_bundle(tmp_path / "no folder" / "x.zip")
    with pytest.raises(InputError, match="expected a file that --log-file has written"):
        write_bundle(tmp_path / "x.zip", tmp_path / "missing")
    assert [path.name for path in tmp_path.iterdir()] == ["kept.zip"]
    assert (tmp_path / "kept.zip").read_text() == "kept"


def test_a_bundle_is_named_by_the_date_where_no_name_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("support-bundle") == 0
    (path,) = tmp_path.glob("cardiacmtl-support-*.zip")
    with zipfile.ZipFile(path) as bundle:
        assert bundle.namelist() == ["README.txt", "support.json"]


def test_lines_that_are_none_of_ours_are_left_out() -> None:
    assert known_lines('{"event": "odd"}\n{"event": ["study"]}\n{"event": "ended", "seconds": 1}\n' + "[" * 9999) == [
        '{"event": "ended", "seconds": 1}'
    ]
