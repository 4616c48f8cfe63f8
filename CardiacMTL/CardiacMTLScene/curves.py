"""Volume-time curves as a table with a chart of both ventricles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import slicer
import vtk

from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.curve import CycleCurves
from CardiacMTLLib.report.palette import STRUCTURE_COLORS

_FRAME = "Frame"
_COLUMNS = {Label.LV: "LV volume (mL)", Label.RV: "RV volume (mL)"}


@dataclass(frozen=True, slots=True)
class CurveNodes:
    """The table with a row a frame, the plot series of both ventricles, and the chart that shows them."""

    table: Any
    lv: Any
    rv: Any
    chart: Any


def add_curves(scene: Any, name: str, curves: CycleCurves, frames: Mapping[Phase, int]) -> CurveNodes:
    """Add `curves` to `scene`; `frames` (from 0) are named in the chart's title.

    The table has the columns Frame (from 1), the time in ms where it is known, and the volumes; the frames are the x axis where
    no time is known. A volume is not a number (VTK's mark for a gap in a plot) where the ventricle was not found.
    """
    x_name, x_values = _axis(curves)
    volumes = {Label.LV: curves.lv_volume_ml, Label.RV: curves.rv_volume_ml}
    table = slicer.vtkMRMLTableNode()
    table.SetName(name)
    table.SetUseColumnTitleAsColumnHeader(True)
    numbers = [float(number + 1) for number in range(len(curves.lv_volume_ml))]
    for title, values in {_FRAME: numbers, x_name: x_values or numbers}.items():
        table.AddColumn(_column(title, values))
    for label, values in volumes.items():
        table.AddColumn(_column(_COLUMNS[label], [value if value > 0 else float("nan") for value in values]))
    scene.AddNode(table)
    series = {label: _series(scene, label, table, x_name) for label in volumes}
    chart = slicer.vtkMRMLPlotChartNode()
    chart.SetName(f"{name} chart")
    chart.SetTitle(_title(name, frames))
    chart.SetXAxisTitle(x_name)
    chart.SetYAxisTitle("Volume (mL)")
    scene.AddNode(chart)
    for node in series.values():
        chart.AddAndObservePlotSeriesNodeID(node.GetID())
    return CurveNodes(table, series[Label.LV], series[Label.RV], chart)


def _axis(curves: CycleCurves) -> tuple[str, Sequence[float]]:
    """Title and values of the x axis; no values where the frames are only in order."""
    times = curves.times
    return (_FRAME, ()) if times.times_ms is None else ("Time (ms)", times.times_ms)


def _column(title: str, values: Sequence[float]) -> Any:
    column = vtk.vtkDoubleArray()
    column.SetName(title)
    for value in values:
        column.InsertNextValue(value)
    return column


def _series(scene: Any, label: Label, table: Any, x_name: str) -> Any:
    series = slicer.vtkMRMLPlotSeriesNode()
    series.SetName(label.name)
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    series.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleCircle)
    series.SetLineStyle(slicer.vtkMRMLPlotSeriesNode.LineStyleSolid)
    series.SetColor(*(value / 255 for value in STRUCTURE_COLORS[label]))
    series.SetXColumnName(x_name)
    series.SetYColumnName(_COLUMNS[label])
    scene.AddNode(series)
    series.SetAndObserveTableNodeID(table.GetID())
    return series


def _title(name: str, frames: Mapping[Phase, int]) -> str:
    marks = ", ".join(f"{phase} frame {frames[phase] + 1}" for phase in Phase if phase in frames)
    return f"{name} ({marks})" if marks else name
