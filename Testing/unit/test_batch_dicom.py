"""A batch with DICOM output: a folder for each case, a note where a study cannot become DICOM, and the same after going on."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("highdicom", reason="needs highdicom, of the extra dicom")

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.batch import BatchSettings, BatchSummary, run_batch
from CardiacMTLLib.batch.dicom_out import NOTES_FILE, dicom_notes, write_case_dicom
from CardiacMTLLib.batch.finished import publish_case
from CardiacMTLLib.batch.protocol import Orders
from CardiacMTLLib.batch.task import End, Outcome
from CardiacMTLLib.batch.worker_main import Means, do, prepare
from CardiacMTLLib.cli import main
from CardiacMTLLib.errors import MissingPackageError, OutputError, UsageError
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.volume import CineStudy
from Testing.dicom_fixtures import write_classic
from Testing.robustness.batches import write_study
from Testing.unit.analyses import analysis_of
from Testing.unit.dicom_out import masks_of

FILES = ["measurements_sr.dcm", "segmentation_ed.dcm", "segmentation_es.dcm"]


def analysed(study: CineStudy) -> Analysis:
    return analysis_of(replace(study, ed_frame=0, es_frame=len(study.frames) - 1), masks=masks_of(study))


def done_in_this_process(tasks, orders, workforce):
    """As `done_here`, by the code of the worker, but without a process and without a network."""
    for task in tasks:
        Path(task.work).mkdir()
        answer = do(task, orders, Means(analysed))
        yield Outcome(task.name, End(answer.word), answer.text)


@pytest.fixture(autouse=True)
def reports(monkeypatch: pytest.MonkeyPatch) -> list[ReportContext]:
    """What the reports were told; pictures are left out."""
    told: list[ReportContext] = []
    monkeypatch.setattr("CardiacMTLLib.batch.run.done_here", done_in_this_process)
    for name in ("draw_contact_sheet", "draw_bullseye"):
        monkeypatch.setattr(f"CardiacMTLLib.outputs.{name}", lambda _analysis, path: path.touch())
    monkeypatch.setattr("CardiacMTLLib.outputs.write_report", lambda _analysis, _path, *, context, **_: told.append(context))
    monkeypatch.setattr("CardiacMTLLib.batch.run._cohort_notes", lambda out: ())
    return told


@pytest.fixture(scope="module")
def fixture_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root") / "studies"
    write_classic(folder / "a", "Siemens")
    write_study(folder / "b.nii.gz")
    return folder


@pytest.fixture
def root(fixture_root: Path, tmp_path: Path) -> Path:
    return shutil.copytree(fixture_root, tmp_path / "studies")


def batch(root: Path, folder: Path, *, resume: bool = False, patients: bool = False) -> BatchSummary:
    settings = BatchSettings(scene=False, report_patient_data=patients, dicom_out=str(folder / "dicom"))
    return run_batch(root, folder / "out", settings, resume=resume)


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_dicom_studies_get_dicom_and_others_a_note_and_no_failure(root: Path, tmp_path: Path) -> None:
    summary = batch(root, tmp_path)
    assert (summary.done, summary.failed) == (("a", "b"), {})
    assert listed(tmp_path / "dicom" / "a") == FILES
    assert listed(tmp_path / "dicom" / "b") == [NOTES_FILE]
    assert "was not read from DICOM" in (tmp_path / "dicom" / "b" / NOTES_FILE).read_text(encoding="utf-8")
    (note,) = summary.notes
    assert note.startswith(f"no DICOM files for 1 case (b); {NOTES_FILE}")


def test_going_on_says_the_same_and_writes_nothing_again(root: Path, tmp_path: Path) -> None:
    first = batch(root, tmp_path)
    inodes = [path.stat().st_ino for path in sorted((tmp_path / "dicom").rglob("*"))]
    again = batch(root, tmp_path, resume=True)
    assert again == first
    assert [path.stat().st_ino for path in sorted((tmp_path / "dicom").rglob("*"))] == inodes


def test_a_case_that_was_interrupted_between_dicom_and_results_is_done_again_with_the_same_uids(
    root: Path, tmp_path: Path
) -> None:
    batch(root, tmp_path)
    report = tmp_path / "dicom" / "a" / "measurements_sr.dcm"
    before = report.read_bytes()
    shutil.rmtree(tmp_path / "out" / "a")
    report.unlink()
    assert batch(root, tmp_path, resume=True).done == ("a", "b")
    assert len(report.read_bytes()) == len(before)
    assert (tmp_path / "out" / "a" / "result.json").is_file()


@pytest.mark.parametrize(("patients", "name"), [(True, "Patient"), (False, None)])
def test_patients_are_named_in_their_reports_only_when_asked(
    patients: bool, name: str | None, root: Path, tmp_path: Path, reports: list[ReportContext]
) -> None:
    batch(root, tmp_path, patients=patients)
    identities = [context.identity for context in reports]
    assert [identity is not None and bool(identity.entries) for identity in identities] == [patients, False]
    titles = {title for identity in identities if identity for title, _ in identity.entries}
    assert (name in titles) is patients


def test_a_batch_with_another_dicom_folder_or_other_patient_data_is_not_gone_on_with(root: Path, tmp_path: Path) -> None:
    batch(root, tmp_path)
    with pytest.raises(UsageError, match="holds a batch with --dicom-out"):
        run_batch(root, tmp_path / "out", BatchSettings(scene=False), resume=True)
    with pytest.raises(UsageError, match="holds a batch with --report-patient-data"):
        batch(root, tmp_path, resume=True, patients=True)


@pytest.mark.parametrize("place", ["out", "out/dicom", ".", "studies", "studies/dicom"])
def test_dicom_among_studies_or_results_is_refused(place: str, root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lie one in the other"):
        run_batch(root, tmp_path / "out", BatchSettings(dicom_out=str(tmp_path / place)))
    assert listed(tmp_path) == ["studies"]


def test_a_dicom_folder_that_is_a_file_is_refused_before_anything_is_done(root: Path, tmp_path: Path) -> None:
    (tmp_path / "dicom").touch()
    with pytest.raises(OutputError, match="is a file"):
        batch(root, tmp_path)
    assert not (tmp_path / "out").exists()


def test_dicom_that_cannot_be_written_leaves_the_case_undone(tmp_path: Path) -> None:
    work, blocked = tmp_path / "work", tmp_path / "blocked"
    work.mkdir()
    blocked.touch()
    with pytest.raises(OutputError, match="blocked"):
        publish_case(analysis_of(), tmp_path / "case", work, dicom=blocked / "case")
    assert listed(tmp_path) == ["blocked", "work"]
    assert listed(work) == []


def test_files_of_an_attempt_before_are_replaced_and_foreign_ones_stay(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    for name in (*FILES, "mine.txt"):
        (folder / name).touch()
    write_case_dicom(analysis_of(), folder)
    assert listed(folder) == ["mine.txt", NOTES_FILE]


def test_where_all_have_dicom_nothing_is_noted(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / FILES[0]).touch()
    assert dicom_notes(tmp_path, ["a"]) == ()


def test_many_cases_without_dicom_are_counted(tmp_path: Path) -> None:
    (note,) = dicom_notes(tmp_path, [f"c{number}" for number in range(8)])
    assert "for 8 cases (c0, c1, c2, c3, c4 and 3 more)" in note


def test_a_worker_without_highdicom_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(MissingPackageError, match="install highdicom"):
        prepare(Orders(BatchSettings(device="cpu", dicom_out="/dicom"), ""))


def test_the_command_takes_both_options(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--out", str(tmp_path / "out"), "--dicom-out", str(tmp_path / "dicom"), "--report-patient-data", "--no-scene"]
    assert main(["batch", str(root), *options]) == 0
    told = capsys.readouterr().out
    assert f"DICOM in {tmp_path / 'dicom'}:" in told
    assert "Note: no DICOM files for 1 case (b)" in told
