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
_ORIGINAL = "Original"
"""Title of the column with what stood there before a correction; a table that is not corrected has none."""

Row = tuple[str, ...]


def add_measurement_table(scene: Any, name: str, measurements: Mapping[str, Measurement]) -> Any:
    """Add a table with a row for each measurement: name, value (four digits), unit, and the reason where there is no value."""
    return _fill(scene.AddNode(_named_table(name)), _MEASUREMENT_COLUMNS, _measurement_rows(measurements))


def add_diagnosis_table(scene: Any, name: str, diagnosis: Diagnosis) -> Any:
    """Add a table with a row for each group and its probability, then label or reason, meaning, and research use."""
    return _fill(scene.AddNode(_named_table(name)), _DIAGNOSIS_COLUMNS, _diagnosis_rows(diagnosis))


def correct_measurement_table(node: Any, corrected: Mapping[str, Measurement], original: Mapping[str, Measurement]) -> None:
    """Put corrected measurements into a table, with the original value, or reason, of each in a column at the end."""
    before = {key: _number(entry.value) or f"undefined: {entry.reason}" for key, entry in original.items()}
    rows = [(*row, before.get(row[0], "")) for row in _measurement_rows(corrected)]
    _fill(node, (*_MEASUREMENT_COLUMNS, _ORIGINAL), rows)


def correct_diagnosis_table(node: Any, corrected: Diagnosis, original: Diagnosis) -> None:
    """Put a corrected diagnosis into a table, with the original probabilities and label in a column at the end."""
    before = [row[2] or row[3] for row in _diagnosis_rows(original)[: len(Group)]]
    title, note = _label_row(original)[1::2]
    before += [title if original.label is not None else f"{title}: {note}", "", ""]
    rows = [(*row, old) for row, old in zip(_diagnosis_rows(corrected), before, strict=True)]
    _fill(node, (*_DIAGNOSIS_COLUMNS, _ORIGINAL), rows)


def _measurement_rows(measurements: Mapping[str, Measurement]) -> list[Row]:
    return [(key, _number(entry.value), entry.unit, entry.reason or "") for key, entry in measurements.items()]


def _diagnosis_rows(diagnosis: Diagnosis) -> list[Row]:
    rows = [_group_row(group, diagnosis) for group in Group]
    rows.append(_label_row(diagnosis))
    rows.append(("Meaning", "", "", MEANING))
    rows.append(("Research use", "", "", RESEARCH_USE))
    return rows


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


def _named_table(name: str) -> Any:
    node = slicer.vtkMRMLTableNode()
    node.SetName(name)
    node.SetUseColumnTitleAsColumnHeader(True)
    return node


def _fill(node: Any, columns: Sequence[str], rows: Sequence[Row]) -> Any:
    """Put text into a table, in place of what it held, as one change.

    Tabs, line breaks and double quotes are replaced, because the stored file would break at them.
    """
    modified = node.StartModify()
    node.RemoveAllColumns()
    for title, cells in zip(columns, zip(*rows, strict=True), strict=True):
        column = vtk.vtkStringArray()
        column.SetName(title)
        for cell in cells:
            column.InsertNextValue(" ".join(cell.split()).replace('"', "'"))
        node.AddColumn(column)
    node.EndModify(modified)
    return node
