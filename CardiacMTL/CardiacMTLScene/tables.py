"""Measurements and diagnosis as table nodes; all cells are text, so that an undefined number stays empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import slicer
import vtk

from CardiacMTLLib.diagnosis.diagnosis import MEANING, RESEARCH_USE, Diagnosis
from CardiacMTLLib.labels import Group
from CardiacMTLLib.measure.measurement import Measurement

_MEASUREMENT_COLUMNS = ("Name", "Value", "Unit", "Note")
_DIAGNOSIS_COLUMNS = ("Group", "Title", "Probability", "Note")

Row = tuple[str, str, str, str]


def add_measurement_table(scene: Any, name: str, measurements: Mapping[str, Measurement]) -> Any:
    """Add a table with a row for each measurement: name, value (four digits), unit, and the reason where there is no value."""
    rows = [(key, _number(entry.value), entry.unit, entry.reason or "") for key, entry in measurements.items()]
    return _add_table(scene, name, _MEASUREMENT_COLUMNS, rows)


def add_diagnosis_table(scene: Any, name: str, diagnosis: Diagnosis) -> Any:
    """Add a table with a row for each group and its probability, then label or reason, meaning, and research use."""
    rows = [_group_row(group, diagnosis) for group in Group]
    rows.append(_label_row(diagnosis))
    rows.append(("Meaning", "", "", MEANING))
    rows.append(("Research use", "", "", RESEARCH_USE))
    return _add_table(scene, name, _DIAGNOSIS_COLUMNS, rows)


def _group_row(group: Group, diagnosis: Diagnosis) -> Row:
    if diagnosis.probabilities is None:
        return group.value, group.full_name, "", "undefined"
    return group.value, group.full_name, f"{diagnosis.probabilities[group]:.3f}", ""


def _label_row(diagnosis: Diagnosis) -> Row:
    if diagnosis.label is None:
        return "Label", "withheld", "", diagnosis.reason or ""
    note = f"pattern most like {diagnosis.label.value} (ACDC definition)"
    return "Label", diagnosis.label.full_name, "", note


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _add_table(scene: Any, name: str, columns: Sequence[str], rows: Sequence[Row]) -> Any:
    """Add a table of text; tabs, line breaks and double quotes are replaced, because the stored file would break at them."""
    node = slicer.vtkMRMLTableNode()
    node.SetName(name)
    node.SetUseColumnTitleAsColumnHeader(True)
    for title, cells in zip(columns, zip(*rows, strict=True), strict=True):
        column = vtk.vtkStringArray()
        column.SetName(title)
        for cell in cells:
            column.InsertNextValue(" ".join(cell.split()).replace('"', "'"))
        node.AddColumn(column)
    return scene.AddNode(node)
