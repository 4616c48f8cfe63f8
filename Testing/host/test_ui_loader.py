"""A .ui file that Slicer would load half, or wire wrongly in silence, is refused here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer


def ui(body: str, connections: str = "", root: str = "qMRMLWidget") -> str:
    return (
        f'<ui version="4.0"><class>F</class><widget class="{root}" name="F">'
        f'<layout class="QVBoxLayout" name="l">{body}</layout></widget>'
        "<customwidgets><customwidget><class>qMRMLWidget</class><extends>QWidget</extends><header>h</header><container>1</container>"
        "</customwidget><customwidget><class>qMRMLNodeComboBox</class><extends>QWidget</extends><header>h</header></customwidget>"
        f"</customwidgets><resources/><connections>{connections}</connections></ui>"
    )


def item(class_name: str, name: str, properties: str = "") -> str:
    return f'<item><widget class="{class_name}" name="{name}">{properties}</widget></item>'


def wire(sender: str, signal: str, receiver: str, slot: str) -> str:
    parts = {"sender": sender, "signal": signal, "receiver": receiver, "slot": slot}
    return f"<connection>{''.join(f'<{tag}>{text}</{tag}>' for tag, text in parts.items())}</connection>"


SELECTOR = item("qMRMLNodeComboBox", "selector")
SCENE_TO_SELECTOR = wire("F", "mrmlSceneChanged(vtkMRMLScene*)", "selector", "setMRMLScene(vtkMRMLScene*)")


@pytest.fixture
def load(slicer_host: Any, tmp_path: Path) -> Any:
    def load_it(text: str) -> Any:
        (tmp_path / "a.ui").write_text(text, encoding="utf-8")
        return slicer.util.loadUI(str(tmp_path / "a.ui"))

    return load_it


def test_the_scene_reaches_a_selector_only_when_it_is_wired(load: Any) -> None:
    for connections, reached in ((SCENE_TO_SELECTOR, True), ("", False)):
        widget = load(ui(SELECTOR, connections))
        widget.setMRMLScene(slicer.mrmlScene)
        assert (widget.findChild("qMRMLNodeComboBox").mrmlScene() is slicer.mrmlScene) is reached


def test_a_signal_of_a_stand_in_can_drive_a_slot_of_qt(load: Any) -> None:
    widget = load(
        ui(
            SELECTOR + item("QPushButton", "button"),
            SCENE_TO_SELECTOR + wire("selector", "currentNodeChanged(bool)", "button", "setEnabled(bool)"),
        )
    )
    ui_names = slicer.util.childWidgetVariables(widget)
    widget.setMRMLScene(slicer.mrmlScene)
    ui_names.selector.nodeTypes = ["vtkMRMLTextNode"]
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    assert ui_names.button.enabled
    slicer.mrmlScene.RemoveNode(node)
    assert not ui_names.button.enabled


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ui(item("qMRMLNowhereWidget", "w")), "class qMRMLNowhereWidget is not in"),
        (ui(item("QPushButton", "w", '<property name="label"><string>a</string></property>')), "no property label"),
        (ui(SELECTOR, wire("F", "sceneChanged(vtkMRMLScene*)", "selector", "setMRMLScene(vtkMRMLScene*)")), "no such signal"),
        (ui(SELECTOR, wire("F", "mrmlSceneChanged(vtkMRMLScene*)", "selector", "setScene(vtkMRMLScene*)")), "no such slot"),
        (ui(SELECTOR, SCENE_TO_SELECTOR.replace(">selector<", ">other<")), "no such object"),
    ],
)
def test_mistakes_are_named_and_nothing_is_loaded(load: Any, capsys: Any, text: str, words: str) -> None:
    with pytest.raises(RuntimeError, match="Could not load UI file"):
        load(text)
    assert words in capsys.readouterr().err


def test_a_dynamic_property_is_kept(load: Any) -> None:
    entry = '<property name="SlicerParameterName" stdset="0"><string>sex</string></property>'
    root = load(ui(item("QComboBox", "box", entry)))
    box = root.findChild("QComboBox")
    assert box.property("SlicerParameterName") == "sex"
    assert box.SlicerParameterName == "sex"
