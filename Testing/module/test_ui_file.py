"""The .ui file keeps the promises that scripts and Slicer's conventions rely on; nothing but XML is needed to see it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from xml.etree import ElementTree as ET

MODULE = Path(__file__).resolve().parents[2] / "CardiacMTL"
UI = ET.parse(MODULE / "Resources" / "UI" / "CardiacMTL.ui").getroot()

PROMISED = [
    *("cineSelector", "edVolumeSelector", "esVolumeSelector", "edFrameSpinBox", "esFrameSpinBox", "heightSpinBox"),
    *("weightSpinBox", "sexComboBox", "deviceComboBox", "modelComboBox", "runButton", "cancelButton", "progressBar"),
    *("statusLabel", "diagnosisLabel", "measurementsTable", "recomputeButton", "show3DButton"),
]


def names() -> list[str]:
    return [widget.get("name", "") for widget in UI.iter("widget")]


def test_every_control_that_scripts_rely_on_is_there() -> None:
    assert sorted(set(PROMISED) - set(names())) == []


def test_every_name_is_given_once() -> None:
    assert len(names()) == len(set(names()))


def test_every_qmrml_child_gets_the_scene() -> None:
    children = {widget.get("name") for widget in UI.iter("widget") if widget.get("class", "").startswith("qMRML")} - {
        "CardiacMTL"
    }
    told = {
        connection.findtext("receiver")
        for connection in UI.iter("connection")
        if connection.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        and connection.findtext("slot") == "setMRMLScene(vtkMRMLScene*)"
        and connection.findtext("sender") == "CardiacMTL"
    }
    assert children
    assert children == told


def test_every_bound_parameter_exists() -> None:
    tree = ast.parse((MODULE / "CardiacMTL.py").read_text(encoding="utf-8"))
    kind = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "CardiacMTLParameterNode")
    fields = {node.target.id for node in kind.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
    bound = {entry.findtext("string") for entry in UI.iter("property") if entry.get("name") == "SlicerParameterName"}
    assert len(bound) > 8
    assert bound <= fields


def test_every_control_for_input_says_what_it_is_for() -> None:
    kinds = {"QPushButton", "QSpinBox", "QDoubleSpinBox", "QComboBox", "QCheckBox", "qMRMLNodeComboBox"}
    silent = [
        widget.get("name")
        for widget in UI.iter("widget")
        if widget.get("class") in kinds and not any(entry.get("name") == "toolTip" for entry in widget.findall("property"))
    ]
    assert silent == []


def test_the_module_file_imports_nothing_from_elsewhere_when_it_is_loaded() -> None:
    tree = ast.parse((MODULE / "CardiacMTL.py").read_text(encoding="utf-8"))
    modules = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert {module.split(".")[0] for module in modules} <= {"sys", "pathlib", "typing", "slicer", "vtk"}


SHOWN_BY = {"say", "fail", "hint", "setText", "setToolTip", "setWindowTitle", "setAccessibleName", "setHorizontalHeaderLabels"}
"""Calls that put a text before the user."""


def test_texts_of_the_ui_file_are_translated_in_the_modules_context_and_names_are_not() -> None:
    assert UI.findtext("class") == "CardiacMTL"
    technical = [entry for entry in UI.iter("property") if entry.get("name") in {"SlicerParameterName", "nodeTypes"}]
    assert technical
    for entry in technical:
        (value,) = entry
        assert value.get("notr") == "true", entry.get("name")
    lists = {id(text) for entry in UI.iter("stringlist") for text in entry}
    texts = [text.text or "" for text in UI.iter("string") if text.get("notr") != "true" and id(text) not in lists]
    assert [text for text in texts if "vtkMRML" in text] == []


def test_no_text_of_the_code_is_shown_without_being_translated() -> None:
    bare = []
    for path in (MODULE / "CardiacMTL.py", *(MODULE / "CardiacMTLPanel").glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") in SHOWN_BY:
                texts = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
                bare += [f"{path.name}:{call.lineno}" for text in texts if text.strip()]
    assert bare == []


def test_texts_that_wrap_do_not_widen_the_panel() -> None:
    """A section is as wide as its widest content wants to be, and a long text wants to be wide."""
    wrapping = [
        widget
        for widget in UI.iter("widget")
        if widget.get("class") == "QLabel" and any(entry.get("name") == "wordWrap" for entry in widget.findall("property"))
    ]
    policies = {widget.get("name"): widget.find("property[@name='sizePolicy']/sizepolicy") for widget in wrapping}
    assert policies
    assert [name for name, policy in policies.items() if policy is None or policy.get("hsizetype") != "Ignored"] == []


def test_no_two_controls_answer_to_the_same_key() -> None:
    texts = [entry.findtext("string") or "" for entry in UI.iter("property") if entry.get("name") == "text"]
    keys = [key.lower() for text in texts for key in re.findall(r"&(\w)", text.replace("&&", ""))]
    assert len(keys) > 10
    assert sorted(keys) == sorted(set(keys))
