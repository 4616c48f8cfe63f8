"""Row 35: a patient's name in tags and paths is in no result, unless a report is asked to name the patient."""

import json
from pathlib import Path

import pytest

from CardiacMTLLib.cli import main
from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.store import MODELS_VARIABLE
from CardiacMTLLib.phantom import PhantomGrid, anatomy_of, make_phantom
from Testing.dicom_fixtures import write_classic
from Testing.unit.tiny_model import write_tiny_model

NAME, NUMBER, ACCESSION = "Quxmann", "PID-98765", "ACC-54321"
SECRETS = (NAME, NUMBER, ACCESSION, "19410203", "1941-02-03", "20260714", "2026-07-14", "Radiology Nord")

pytestmark = pytest.mark.robustness(35)


def tell_all(data, _t, _z):
    data.PatientName, data.PatientID, data.PatientBirthDate = f"{NAME}^Wilma", NUMBER, "19410203"
    data.StudyDate, data.AccessionNumber, data.InstitutionName = "20260714", ACCESSION, "Radiology Nord"
    data.StudyDescription = data.SeriesDescription = f"cine_sa {NAME}"
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    grid = PhantomGrid(size_xyz=(48, 48, 5), spacing_xyz_mm=(5.0, 5.0, 20.0))
    study = make_phantom(anatomy_of(Group.NOR), grid, n_frames=3).study
    return write_classic(tmp_path_factory.mktemp("dicom") / f"{NAME}, Wilma" / NUMBER, change=tell_all, study=study)


@pytest.fixture
def run(folder, tmp_path, monkeypatch, capfd, caplog):
    """Runs the command line on the study and returns the result folder and all that was printed or logged."""
    write_tiny_model(tmp_path / "models" / "tiny")
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setattr("CardiacMTLLib.cli.save_scene", lambda analysis, path: path.write_bytes(b""))
    monkeypatch.setattr("CardiacMTLLib.cli.render_view", lambda analysis, path: path.write_bytes(b"picture"))

    def command(*options):
        out = tmp_path / "out"
        assert main(["run", str(folder), "--out", str(out), "--device", "cpu", "--model", "tiny", *options]) == 0
        printed = capfd.readouterr()
        return out, printed.out + printed.err + caplog.text

    return command


def found_in(out: Path) -> dict[str, list[str]]:
    """The secrets in each file and in its name."""
    return {
        path.name: held
        for path in out.rglob("*")
        if path.is_file() and (held := [s for s in SECRETS if s.encode() in path.read_bytes() + path.name.encode()])
    }


def test_no_file_of_a_run_names_the_patient_and_nothing_printed_does(run):
    out, printed = run()

    assert {"result.json", "report.html", "measurements.csv", "overlay.png"} <= {path.name for path in out.iterdir()}
    assert found_in(out) == {}
    assert [secret for secret in SECRETS if secret in printed] == []


def test_the_report_alone_names_the_patient_when_asked(run):
    out, printed = run("--report-patient-data", "--json")
    text = (out / "report.html").read_text(encoding="utf-8")

    assert set(found_in(out)) == {"report.html"}
    assert [part for part in (f"{NAME}, Wilma", NUMBER, ACCESSION, "1941-02-03", "2026-07-14") if part not in text] == []
    assert "Radiology Nord" not in text
    assert str(out.parent) not in text
    assert [secret for secret in SECRETS if secret in printed] == []
    assert json.loads(printed[printed.index("{") : printed.rindex("}") + 1])["input"]["patient"]["sex"] is None
