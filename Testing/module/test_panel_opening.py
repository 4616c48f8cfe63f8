"""The panel before a run: what it offers, fills in, and says of what is missing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from Testing.module.given import (
    given_cine,
    given_volumes,
)
from Testing.module.reading import MODULE, text
from Testing.module.torch_version import version_of_torch


@pytest.mark.parametrize(("scale", "dark"), [(1.0, False), (2.0, True)])
def test_the_empty_panel_says_what_to_choose(open_module: Any, tmp_path: Path, scale: float, dark: bool) -> None:
    panel = open_module(MODULE)
    assert not panel.find("runButton").isEnabled()
    assert not panel.find("show3DButton").isEnabled()
    assert text(panel, "diagnosisLabel") == "No result yet."
    assert "research use only" in text(panel, "researchLabel")
    assert panel.root.sizeHint().width() <= 430
    panel.picture(tmp_path / "empty.png", scale=scale, dark=dark)


def test_the_first_cine_of_the_scene_is_chosen_by_itself(open_module: Any) -> None:
    cine = given_cine().sequence
    panel = open_module(MODULE)
    assert panel.see("cineSelector").currentNode() is cine
    assert panel.find("runButton").isEnabled()
    assert panel.see("edFrameSpinBox").maximum == 4
    assert not panel.find("edVolumeSelector").isEnabled()


def test_patient_facts_come_from_dicom_and_follow_the_images(open_module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = {"0010,1020": "1.71", "0010,1030": "66", "0010,0040": "F", "0018,1088": "58"}
    database = SimpleNamespace(isOpen=True, instanceValue=lambda uid, tag: tags.get(tag, "") if uid == "1.2.3" else "")
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    panel = open_module(MODULE)
    ed, es = given_volumes()
    ed.SetAttribute("DICOM.instanceUIDs", "1.2.3 1.2.4")
    panel.choose("edVolumeSelector", ed)
    assert (panel.see("heightSpinBox").value, panel.see("weightSpinBox").value) == (171.0, 66.0)
    assert (panel.see("sexComboBox").currentText, panel.see("heartRateSpinBox").value) == ("F", 58.0)
    panel.choose("edVolumeSelector", es)
    assert panel.see("heightSpinBox").text == "unknown"
    assert panel.see("sexComboBox").currentText == "unknown"


@pytest.mark.robustness(38)
def test_without_torch_the_panel_opens_and_says_what_to_do(
    open_module: Any, slicer_host: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    version_of_torch(monkeypatch, None)
    panel = open_module(MODULE)
    assert "Not installed in Slicer: PyTorch 2.11 or newer." in text(panel, "setupLabel")
    panel.choose("cineSelector", given_cine().browser)
    panel.click("runButton")
    assert "Install PyTorch" in text(panel, "statusLabel")
    panel.picture(tmp_path / "torch_missing.png")
    slicer_host.requests.torch.clear()
    panel.click("setupButton")
    assert slicer_host.requests.torch == [{"askConfirmation": True, "torchVersionRequirement": ">=2.11"}]
    assert text(panel, "statusLabel").startswith("Error: PyTorch 2.11 or newer could not be installed")


def test_with_all_packages_the_button_says_their_versions(open_module: Any) -> None:
    panel = open_module(MODULE)
    panel.click("advancedSection")
    panel.click("installTorchButton")
    assert text(panel, "statusLabel").startswith("Ready: PyTorch 2.")


def test_sample_data_is_offered_as_a_cine(open_module: Any) -> None:
    open_module(MODULE)
    slicer.app.startupCompleted.emit()
    (source,) = [each for each in slicer.modules.sampleDataSources["Cardiac"] if "phantom" in each.sampleName]
    assert Path(source.thumbnailFileName).is_file()


def test_the_module_presents_itself_with_its_citations_and_limits(open_module: Any) -> None:
    module = open_module(MODULE)._module
    assert module.title == "Cardiac MR Segment & Diagnose"
    assert list(module.categories) == ["Cardiac"]
    assert "https://" in module.helpText
    for part in ("Snaauw", "Bernard", "no commercial use"):
        assert part in module.acknowledgementText


def test_without_any_model_the_panel_opens_and_says_what_to_do(
    open_module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("CardiacMTLLib.network.store.models_dir", lambda: tmp_path)
    panel = open_module(MODULE)
    assert "There is no model in this installation" in text(panel, "setupLabel")
    assert not panel.module_widget.ui.setupButton.isVisible()
    panel.choose("cineSelector", given_cine().browser)
    assert panel.find("runButton").isEnabled()


def test_a_model_is_imported_from_an_archive_and_chosen_and_a_bad_one_is_told(
    open_module: Any, slicer_host: Any, models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from Testing.unit.tiny_model import zip_folder

    monkeypatch.setenv("CARDIACMTL_MODELS", str(tmp_path / "imported"))
    panel = open_module(MODULE)
    panel.click("advancedSection")
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    for answer, words in (
        (tmp_path / "bad.zip", "Error: "),
        (zip_folder(models_folder / "tiny", tmp_path / "tiny.zip"), "Model tiny"),
    ):
        slicer_host.dialogs.answers.append(str(answer))
        panel.click("importModelButton")
        assert text(panel, "statusLabel").startswith(words)
    assert panel.see("modelComboBox").currentText == "tiny"
    assert panel.module_widget._parameterNode.model == "tiny"
    slicer_host.dialogs.answers.append("")
    panel.click("importModelButton")
    assert panel.see("modelComboBox").currentText == "tiny"


def test_the_keyboard_alone_reaches_the_controls_in_their_order(open_module: Any) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine().browser)
    window = panel.host.main_window
    window.activateWindow()
    panel.find("edFrameSpinBox").setFocus()
    visited = []
    for _ in range(6):
        visited.append(QApplication.focusWidget().objectName())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert visited == [
        *("edFrameSpinBox", "esFrameSpinBox", "heightSpinBox", "weightSpinBox", "sexComboBox", "heartRateSpinBox"),
    ]
    assert QApplication.focusWidget().objectName() == "runButton"
    QTest.keyClick(window, Qt.Key.Key_H, Qt.KeyboardModifier.AltModifier)
    assert QApplication.focusWidget().objectName() == "heightSpinBox"
