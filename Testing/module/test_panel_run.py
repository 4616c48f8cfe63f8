"""A run from its click to its end, while the panel stays live."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer
from PySide6.QtCore import QTimer

from CardiacMTLScene.nodes import nodes_of_class
from Testing.module.given import given_cine, large_study, short_study
from Testing.module.reading import MODULE, ended, node_count, text

MOST_BUSY_MS = 100.0
"""The processor time that 99 of 100 turns of the event loop stay below; the clock would tell of other programs as well."""

LONGEST_BUSY_MS = 500.0
"""The processor time that no turn may take; reading a cine in the panel, or measuring it there, takes more."""

TRACED = 3
"""How many times as long our own Python takes at most while coverage is measured, or a debugger looks on."""


def test_one_click_analyses_a_cine(open_module: Any, wait_until: Any, tiny_model: str, tmp_path: Path) -> None:
    panel = open_module(MODULE)
    cine = given_cine()
    panel.choose("cineSelector", cine.browser)
    panel.type_number("esFrameSpinBox", "3")
    panel.click("advancedSection")
    panel.choose("modelComboBox", tiny_model)
    panel.choose("deviceComboBox", "CPU")
    panel.click("advancedSection")
    panel.click("runButton")
    assert panel.find("progressBar").isVisible()
    assert not panel.find("runButton").isEnabled()
    wait_until(lambda: panel.see("progressBar").value > 10 or ended(panel), 120)
    panel.picture(tmp_path / "running.png")
    wait_until(lambda: ended(panel), 120)
    assert text(panel, "statusLabel").startswith("Done in"), text(panel, "statusLabel")
    assert panel.see("measurementsTable").rowCount > 10
    assert text(panel, "foundFramesLabel") == "measured: ED 1, ES 3"
    assert len(nodes_of_class(slicer.mrmlScene, "vtkMRMLSegmentationNode")) == 3
    assert cine.shown is not None
    assert text(panel, "studyLabel") == "<b>Short axis results</b>"


@pytest.mark.usefixtures("warm")
def test_the_panel_stays_live_from_the_click_to_the_views_of_a_cine_of_thirty_frames(
    open_module: Any, wait_until: Any, panel_latency: Any, tiny_model: str
) -> None:
    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine(study=large_study()).browser)
    panel.module_widget._parameterNode.model = tiny_model
    with panel_latency() as latency:
        QTimer.singleShot(0, panel.find("runButton"), panel.find("runButton").click)
        wait_until(lambda: not ended(panel), 10)
        wait_until(lambda: ended(panel), 200)
    assert text(panel, "statusLabel").startswith("Done in"), text(panel, "statusLabel")
    slower = TRACED if sys.gettrace() else 1
    assert latency.busy_p99_ms <= MOST_BUSY_MS * slower, sorted(latency.busy_ms)[-20:]
    assert latency.longest_busy_ms <= LONGEST_BUSY_MS * slower, sorted(latency.busy_ms)[-5:]


@pytest.mark.robustness(23)
def test_cancel_ends_a_run_within_two_seconds_and_leaves_the_scene(open_module: Any, wait_until: Any, tiny_model: str) -> None:
    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine().browser)
    before = node_count()
    panel.click("runButton")
    wait_until(lambda: panel.see("statusLabel").text.startswith("Starting the network"), 60)
    started_s = time.monotonic()
    panel.click("cancelButton")
    wait_until(lambda: ended(panel), 10)
    assert time.monotonic() - started_s < 2
    assert "Cancelled" in text(panel, "statusLabel")
    assert node_count() == before
    assert panel.find("runButton").isEnabled()


def test_a_cine_from_dicom_has_the_times_of_its_images_and_fields_that_the_user_emptied_stay_so(
    open_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = open_module(MODULE)
    cine = given_cine(study=replace(short_study(), frame_times_ms=None))
    for number in range(4):
        cine.sequence.GetNthDataNode(number).SetAttribute("DICOM.instanceUIDs", f"1.{number}")
    tags = {"0010,1030": lambda _: "66", "0018,1060": lambda uid: f"{200 * int(uid[2:])}.5"}
    database = SimpleNamespace(isOpen=True, instanceValue=lambda uid, tag: tags.get(tag, lambda _: "")(uid))
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    panel.choose("cineSelector", cine.browser)
    assert panel.see("weightSpinBox").value == 66.0
    panel.type_number("weightSpinBox", "0")
    widget = panel.module_widget
    study = widget.logic.job(widget._parameterNode, widget.chosen()).study
    assert study.frame_times_ms == (0.5, 200.5, 400.5, 600.5)
    assert study.patient.weight_kg is None
