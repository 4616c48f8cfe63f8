"""A result leaves the panel: as a report with its files, and as DICOM."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)
pytest.importorskip("highdicom", reason="needs highdicom")

import numpy as np
import slicer
from PySide6.QtCore import QCoreApplication

from CardiacMTLLib.labels import Phase
from Testing.module.dicom_cine import Database, database_of, dicom_analysis, each_frame, loaded_cine, nothing, whole_cine
from Testing.module.given import erase_slice, finished_analysis, shown_result
from Testing.module.reading import MODULE, text
from Testing.unit.dicom_out import mask_in

FILES = ["measurements_sr.dcm", "segmentation_ed.dcm", "segmentation_es.dcm"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "study"
    dicom_analysis(folder)
    return folder


@pytest.fixture
def database(source: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The application's DICOM database, which knows the source."""
    made = database_of(source)
    monkeypatch.setattr(slicer, "dicomDatabase", made, raising=False)
    monkeypatch.setitem(sys.modules, "DICOMLib", made.module())
    return made


def shown_dicom(panel: Any, source: Path, name_frames: Any = each_frame) -> Any:
    """A cine from DICOM in the scene, and the panel when a run on it has just ended."""
    from CardiacMTLPanel.chosen_input import ChosenInput
    from CardiacMTLPanel.scene_results import show_analysis

    cine = loaded_cine(source, name_frames)
    panel.choose("cineSelector", cine.sequence)
    results = show_analysis(dicom_analysis(source), ChosenInput(cine=cine.sequence))
    for _ in panel.module_widget.onResults(results):
        pass
    panel.click("exportSection")
    return results


def after(panel: Any, wait_until: Any, button: str, folder: Path, host: Any) -> str:
    """Click, choose the folder, wait, and read what is said."""
    host.dialogs.answers.append(str(folder))
    panel.click(button)
    wait_until(lambda: not panel.module_widget.export.busy, 30)
    return text(panel, "exportStatusLabel")


def test_nothing_can_be_exported_before_there_is_a_result(open_module: Any) -> None:
    panel = open_module(MODULE)
    panel.click("exportSection")
    for name in ("reportButton", "exportDicomButton", "sendButton"):
        assert not panel.find(name).isEnabled()
    assert panel.find("echoButton").isEnabled()
    panel.module_widget.export.write_report()
    panel.module_widget.export.open_report()
    assert not panel.module_widget.export.busy


def test_the_report_is_written_with_its_files_and_opens_on_a_click(
    open_module: Any, slicer_host: Any, wait_until: Any, tmp_path: Path
) -> None:
    panel = open_module(MODULE)
    shown_result(panel)
    panel.click("exportSection")
    said = after(panel, wait_until, "reportButton", tmp_path, slicer_host)
    assert said.startswith(f"Short axis results: report and files are in {tmp_path}")
    for name in ("report.html", "result.json", "measurements.csv", "overlay.png", "segmentation_ed.nii.gz"):
        assert (tmp_path / name).stat().st_size > 0
    panel.click("openReportButton")
    assert [asked.kind for asked in slicer_host.dialogs.asked][-1] == "QDesktopServices.openUrl"
    panel.picture(tmp_path / "export.png")


def test_the_report_names_the_patient_only_when_asked(
    open_module: Any, slicer_host: Any, wait_until: Any, tmp_path: Path, source: Path, database: Database
) -> None:
    panel = open_module(MODULE)
    shown_dicom(panel, source)
    after(panel, wait_until, "reportButton", tmp_path, slicer_host)
    assert "Doe, Jane" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    panel.click("patientDataCheckBox")
    after(panel, wait_until, "reportButton", tmp_path, slicer_host)
    assert "Doe, Jane" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_correction_is_reported_beside_the_original_and_stale_numbers_are_not(
    open_module: Any, slicer_host: Any, wait_until: Any, tmp_path: Path
) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel, finished_analysis())
    panel.click("exportSection")
    erase_slice(results.nodes.segmentations[Phase.ED], results.nodes.volumes[Phase.ED], "LV")
    assert "press Recompute first" in after(panel, wait_until, "reportButton", tmp_path, slicer_host)
    assert list(tmp_path.iterdir()) == []
    panel.click("recomputeButton")
    after(panel, wait_until, "reportButton", tmp_path, slicer_host)
    record = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert "corrected_ed" in [flag["code"] for flag in record["quality"]["flags"]]
    assert record["correction"]["phases"] == ["ed"]
    assert record["correction"]["original"]["measurements"]["lv_edv_ml"]["value"] > record["measurements"]["lv_edv_ml"]["value"]


@pytest.mark.parametrize(("button", "least"), [("reportButton", 4), ("exportDicomButton", 2)])
def test_the_panel_has_its_turn_between_the_files_and_nothing_is_exported_twice(
    open_module: Any, slicer_host: Any, tmp_path: Path, source: Path, database: Database, button: str, least: int
) -> None:
    panel = open_module(MODULE)
    shown_dicom(panel, source)
    seen, buttons = [], [panel.find(name) for name in ("reportButton", "exportDicomButton")]
    slicer_host.dialogs.answers.append(str(tmp_path))
    panel.see(button).click()
    while panel.module_widget.export.busy:
        assert not any(each.isEnabled() for each in buttons)
        names = frozenset(path.name for path in tmp_path.rglob("results/*"))
        seen += [names] if names and names not in seen else []
        QCoreApplication.processEvents()
    assert len(seen) >= least, seen
    assert all(each.isEnabled() for each in buttons)


def test_a_panel_that_goes_while_it_exports_leaves_the_folder_as_it_was(
    open_module: Any, slicer_host: Any, tmp_path: Path
) -> None:
    panel = open_module(MODULE)
    shown_result(panel)
    panel.click("exportSection")
    slicer_host.dialogs.answers.append(str(tmp_path))
    panel.see("reportButton").click()
    while panel.module_widget.export.busy and not list(tmp_path.rglob("results/*.gz")):
        QCoreApplication.processEvents()
    assert list(tmp_path.iterdir()) != []
    panel.module_widget.export.stop()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name_frames", [each_frame, whole_cine])
def test_dicom_refers_to_the_images_and_appears_in_slicers_database(
    name_frames: Any, open_module: Any, slicer_host: Any, wait_until: Any, tmp_path: Path, source: Path, database: Database
) -> None:
    panel = open_module(MODULE)
    shown_dicom(panel, source, name_frames)
    said = after(panel, wait_until, "exportDicomButton", tmp_path, slicer_host)
    folder = tmp_path / "cardiacmtl_dicom"
    assert said.startswith(f"DICOM cine results: DICOM is in {folder} and in Slicer's DICOM database"), said
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert database.imported == [str(folder)]
    analysis = dicom_analysis(source)
    for phase in Phase:
        drawn = mask_in(folder / f"segmentation_{phase.lower()}.dcm", analysis.study.geometry)
        np.testing.assert_array_equal(drawn, analysis.masks[phase])


def test_dicom_can_be_written_after_the_scene_was_saved_and_loaded(
    open_module: Any, slicer_host: Any, wait_until: Any, tmp_path: Path, source: Path, database: Database
) -> None:
    panel = open_module(MODULE)
    shown_dicom(panel, source)
    bundle = tmp_path / "scene.mrb"
    assert slicer.mrmlScene.WriteToMRB(str(bundle), None)
    slicer.mrmlScene.Clear(False)
    assert not panel.find("exportDicomButton").isEnabled()
    slicer.mrmlScene.ReadFromMRB(str(bundle), False, None)
    wait_until(lambda: panel.find("exportDicomButton").isEnabled(), 10)
    said = after(panel, wait_until, "exportDicomButton", tmp_path / "out", slicer_host)
    assert said.startswith("DICOM cine results: DICOM is in"), said


@pytest.mark.parametrize(
    ("name_frames", "break_it", "words"),
    [
        (nothing, lambda database: None, "Error: the images were not loaded from DICOM"),
        (each_frame, lambda database: database.files.clear(), "database knows 0 of the"),
        (each_frame, lambda database: setattr(database, "isOpen", False), "database knows 0 of the"),
    ],
)
def test_images_that_the_database_does_not_know_are_told_and_nothing_is_written(
    name_frames: Any, break_it: Any, words: str, open_module: Any, wait_until: Any, database: Database,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    source, tmp_path = request.getfixturevalue("source"), request.getfixturevalue("tmp_path")
    panel = open_module(MODULE)
    shown_dicom(panel, source, name_frames)
    break_it(database)
    said = after(panel, wait_until, "exportDicomButton", tmp_path, request.getfixturevalue("slicer_host"))
    assert words in said
    assert "\n" not in said
    assert list(tmp_path.iterdir()) == []
    assert database.imported == []


def test_without_an_open_database_the_files_are_written_all_the_same(
    open_module: Any, slicer_host: Any, wait_until: Any, tmp_path: Path, source: Path, database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    panel = open_module(MODULE)
    shown_dicom(panel, source)
    monkeypatch.setattr("CardiacMTLPanel.export_controller.add_to_database", lambda folder: False)
    said = after(panel, wait_until, "exportDicomButton", tmp_path, slicer_host)
    folder = tmp_path / "cardiacmtl_dicom"
    assert said.startswith(f"DICOM cine results: DICOM is in {folder}, but not in Slicer's DICOM database")
    from CardiacMTLPanel.exporting import add_to_database

    database.isOpen = False
    assert not add_to_database(tmp_path)


def test_a_folder_that_was_not_chosen_writes_nothing(open_module: Any, slicer_host: Any) -> None:
    panel = open_module(MODULE)
    shown_result(panel)
    panel.click("exportSection")
    panel.click("reportButton")
    assert not panel.module_widget.export.busy


def test_a_folder_that_cannot_be_written_is_told_in_one_line(
    open_module: Any, slicer_host: Any, wait_until: Any, tmp_path: Path
) -> None:
    panel = open_module(MODULE)
    shown_result(panel)
    panel.click("exportSection")
    (tmp_path / "file").touch()
    said = after(panel, wait_until, "reportButton", tmp_path / "file", slicer_host)
    assert said.startswith("Error: ")
    assert "is a file" in said


def test_missing_packages_are_installed_on_demand_and_only_those(
    open_module: Any, slicer_host: Any, wait_until: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = open_module(MODULE)
    from CardiacMTLPanel import exporting

    shown_result(panel)
    panel.click("exportSection")
    slicer_host.requests.pip.clear()
    after(panel, wait_until, "reportButton", tmp_path, slicer_host)
    assert slicer_host.requests.pip == []
    monkeypatch.setitem(exporting.PACKAGES, "report", ("no_such_module",))
    after(panel, wait_until, "reportButton", tmp_path, slicer_host)
    ((function, wanted, _options),) = slicer_host.requests.pip
    assert function == "pip_ensure"
    assert [requirement.name for requirement in wanted] == ["jinja2", "matplotlib"]
