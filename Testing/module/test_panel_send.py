"""A result is sent to a PACS from the panel, by a process of its own."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)
pytest.importorskip("highdicom", reason="needs highdicom")
pytest.importorskip("pynetdicom", reason="needs pynetdicom")

import slicer
from pydicom.uid import Comprehensive3DSRStorage, ExplicitVRLittleEndian, SegmentationStorage

from Testing.module.dicom_cine import Database, database_of, dicom_analysis
from Testing.module.given import shown_result
from Testing.module.reading import MODULE, text
from Testing.module.test_panel_export import shown_dicom
from Testing.unit.pacs_nodes import TITLE, free_port, scp

TAKEN = [
    *((kind, ExplicitVRLittleEndian) for kind in (SegmentationStorage, Comprehensive3DSRStorage)),
    ("1.2.840.10008.1.1", "1.2.840.10008.1.2"),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "study"
    dicom_analysis(folder)
    return folder


@pytest.fixture(autouse=True)
def database(source: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    made = database_of(source)
    monkeypatch.setattr(slicer, "dicomDatabase", made, raising=False)
    return made


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def panel(open_module: Any, source: Path) -> Any:
    """The panel with a result of a DICOM cine."""
    opened = open_module(MODULE)
    shown_dicom(opened, source)
    return opened


def fill(panel: Any, port: int, title: str = TITLE) -> None:
    panel.see("nodeHostLineEdit").setText("127.0.0.1")
    panel.type_number("nodePortSpinBox", str(port))
    panel.see("calledAeLineEdit").setText(title)


def said_after(panel: Any, wait_until: Callable[..., None], button: str) -> str:
    panel.click(button)
    wait_until(lambda: not panel.module_widget.sending.running, 60)
    return text(panel, "exportStatusLabel")


def test_a_result_is_sent_twice_without_doubles_and_nothing_is_left_here(panel: Any, wait_until: Any, temporary: Path) -> None:
    with scp(supported=TAKEN) as node:
        fill(panel, node.port)
        assert said_after(panel, wait_until, "echoButton") == f"{TITLE} at 127.0.0.1:{node.port} answers."
        assert node.received == []
        said = said_after(panel, wait_until, "sendButton")
        assert said == f"DICOM cine results: {TITLE} at 127.0.0.1:{node.port} has all 3 files."
        first = sorted(node.received)
        assert said_after(panel, wait_until, "sendButton").endswith("has all 3 files.")
    assert len(first) == 3
    assert sorted(node.received) == sorted(first * 2)
    assert list(temporary.iterdir()) == []
    assert not panel.module_widget.ui.cancelSendButton.isVisible()


def test_the_panel_stays_live_while_a_slow_node_is_sent_to_and_cancel_ends_it(
    panel: Any, wait_until: Any, temporary: Path, panel_latency: Any
) -> None:
    answer = threading.Event()
    with scp(lambda _event, _number: 0 * answer.wait(20), supported=TAKEN) as node:
        fill(panel, node.port)
        panel.click("sendButton")
        wait_until(lambda: node.received, 60)
        with panel_latency() as latency:
            assert not panel.find("sendButton").isEnabled()
            panel.module_widget.sending.send()
            panel.module_widget.sending.echo()
            watched = time.monotonic() + 0.5
            wait_until(lambda: time.monotonic() > watched, 5)
            panel.click("cancelSendButton")
            wait_until(lambda: not panel.module_widget.sending.running, 10)
        answer.set()
        assert latency.busy_p99_ms < 100
        assert text(panel, "exportStatusLabel") == "Cancelled. Sending again doubles nothing."
        assert said_after(panel, wait_until, "sendButton").endswith("has all 3 files.")
    wait_until(lambda: list(temporary.iterdir()) == [], 5)


def test_files_that_a_node_refuses_are_named_and_the_others_are_there(panel: Any, wait_until: Any) -> None:
    with scp(lambda _event, number: 0xA700 if number == 1 else 0, supported=TAKEN) as node:
        fill(panel, node.port)
        said = said_after(panel, wait_until, "sendButton")
    first, *notes = said.split("\n")
    assert first.startswith(f"Error: DICOM cine results: {TITLE} at 127.0.0.1:{node.port} has 2 of 3 files; send again")
    assert [".dcm: status 0xA700" in note for note in notes] == [True]


@pytest.mark.parametrize("button", ["echoButton", "sendButton"])
def test_a_node_that_is_not_there_and_a_title_that_is_none_are_one_line(button: str, panel: Any, wait_until: Any) -> None:
    fill(panel, free_port())
    said = said_after(panel, wait_until, button)
    assert said.startswith("Error: ")
    assert "cannot be reached" in said
    fill(panel, 104, "A TITLE THAT IS TOO LONG")
    assert "expected 1 to 16 plain letters" in said_after(panel, wait_until, button)
    assert panel.find(button).isEnabled()


def test_the_node_is_kept_in_the_settings(panel: Any, wait_until: Any, open_module: Any, slicer_host: Any) -> None:
    import qt

    fill(panel, 104, "ARCHIVE")
    panel.see("nodeHostLineEdit").setText("127.0.0.2")
    said_after(panel, wait_until, "echoButton")
    panel.reload()
    panel.click("exportSection")
    assert text(panel, "nodeHostLineEdit") == "127.0.0.2"
    assert (panel.see("nodePortSpinBox").value, text(panel, "calledAeLineEdit")) == (104, "ARCHIVE")
    assert text(panel, "callingAeLineEdit") == "CARDIACMTL"
    qt.QSettings().setValue("CardiacMTL/Node", "{")
    panel.reload()
    panel.click("exportSection")
    assert text(panel, "nodeHostLineEdit") == ""


def test_images_that_are_not_dicom_are_told_and_nothing_is_left(open_module: Any, wait_until: Any, temporary: Path) -> None:
    panel = open_module(MODULE)
    shown_result(panel)
    panel.click("exportSection")
    fill(panel, free_port())
    assert "not loaded from DICOM" in said_after(panel, wait_until, "sendButton")
    assert list(temporary.iterdir()) == []


def test_no_room_for_the_job_is_told(panel: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    fill(panel, free_port())
    monkeypatch.setattr("tempfile.tempdir", str(temporary / "absent"))
    assert "no temporary folder can be made" in said_after(panel, wait_until, "echoButton")
    assert "no temporary folder can be made" in said_after(panel, wait_until, "sendButton")


def test_a_process_that_dies_is_told_and_the_next_send_works(panel: Any, wait_until: Any) -> None:
    def die(_event: object, number: int) -> int:
        if number == 0:
            os.kill(panel.module_widget.sending._client._pid, signal.SIGKILL)
        return 0

    with scp(die, supported=TAKEN) as node:
        fill(panel, node.port)
        assert "ended unexpectedly" in said_after(panel, wait_until, "sendButton")
        assert said_after(panel, wait_until, "sendButton").endswith("has all 3 files.")


def test_a_panel_that_goes_ends_the_send_and_leaves_nothing(panel: Any, wait_until: Any, temporary: Path) -> None:
    with scp(supported=TAKEN) as node:
        fill(panel, node.port)
        panel.click("sendButton")
        wait_until(lambda: panel.module_widget.sending._client is not None, 30)
        process = panel.module_widget.sending._runner._process
        panel.reload()
        assert not process or process.state() == 0
    assert list(temporary.iterdir()) == []
