"""The volume-time curve as a table and a chart that come back from a bundle."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.curve import CycleCurves
from CardiacMTLLib.measure.cycle_times import cycle_times
from CardiacMTLLib.report.palette import STRUCTURE_COLORS
from Testing.scene.nodes import node_named
from Testing.scene.studies import make_analysis

pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLScene.build import build_scene
from CardiacMTLScene.curves import CurveNodes, add_curves
from CardiacMTLScene.save import load_scene, save_scene

LV, RV = (110.0, 120.5, 80.25, 60.0), (100.0, 130.0, 90.0, 70.125)
TIMES = cycle_times(4, (0.0, 40.0, 90.0, 120.0), None)
FRAMES = {Phase.ED: 1, Phase.ES: 3}


def columns(table: Any) -> dict[str, list[float]]:
    found = [table.GetTable().GetColumn(number) for number in range(table.GetNumberOfColumns())]
    return {column.GetName(): [column.GetValue(row) for row in range(column.GetNumberOfValues())] for column in found}


def made(host: Any, curves: CycleCurves) -> CurveNodes:
    return add_curves(host.scene, "Curve", curves, FRAMES)


def test_the_table_has_a_row_a_frame_with_time_and_both_volumes(host: Any) -> None:
    nodes = made(host, CycleCurves(TIMES, LV, RV))
    assert columns(nodes.table) == {
        "Frame": [1, 2, 3, 4],
        "Time (ms)": [0, 40, 90, 120],
        "LV volume (mL)": list(LV),
        "RV volume (mL)": list(RV),
    }


def test_the_chart_shows_both_ventricles_over_time_in_their_colours(host: Any) -> None:
    nodes = made(host, CycleCurves(TIMES, LV, RV))
    assert [nodes.chart.GetNthPlotSeriesNode(number) for number in range(nodes.chart.GetNumberOfPlotSeriesNodes())] == [
        nodes.lv,
        nodes.rv,
    ]
    for series, label in ((nodes.lv, Label.LV), (nodes.rv, Label.RV)):
        assert series.GetTableNode() is nodes.table
        assert (series.GetXColumnName(), series.GetYColumnName()) == ("Time (ms)", f"{label.name} volume (mL)")
        assert {series.GetXColumnName(), series.GetYColumnName()} <= set(columns(nodes.table))
        assert series.GetColor() == pytest.approx([value / 255 for value in STRUCTURE_COLORS[label]])
        assert series.GetPlotType() == slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter
    assert nodes.chart.GetTitle() == "Curve (ED frame 2, ES frame 4)"
    assert (nodes.chart.GetXAxisTitle(), nodes.chart.GetYAxisTitle()) == ("Time (ms)", "Volume (mL)")


def test_without_times_the_frames_are_the_axis(host: Any) -> None:
    nodes = made(host, CycleCurves(cycle_times(4, None, None), LV, RV))
    assert list(columns(nodes.table)) == ["Frame", "LV volume (mL)", "RV volume (mL)"]
    assert nodes.rv.GetXColumnName() == nodes.chart.GetXAxisTitle() == "Frame"


def test_a_ventricle_that_was_not_found_leaves_a_gap_not_a_zero(host: Any) -> None:
    values = columns(made(host, CycleCurves(TIMES, (110.0, 0.0, 80.0, 60.0), RV)).table)["LV volume (mL)"]
    assert math.isnan(values[1])
    assert values[::2] == [110.0, 80.0]


def test_phases_that_are_not_known_are_not_in_the_title(host: Any) -> None:
    assert add_curves(host.scene, "Curve", CycleCurves(TIMES, LV, RV), {}).chart.GetTitle() == "Curve"


def test_a_study_without_curves_has_no_chart(host: Any) -> None:
    analysis = replace(make_analysis(), curves=None)
    assert build_scene(analysis, host.scene, host.terminologies).curves is None
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode") == 0


def test_table_series_and_chart_come_back_from_a_bundle(host: Any, tmp_path: Path) -> None:
    analysis = make_analysis()
    assert analysis.curves is not None
    analysis = replace(analysis, curves=replace(analysis.curves, rv_volume_ml=(0.0, *analysis.curves.rv_volume_ml[1:])))
    save_scene(analysis, tmp_path / "scene.mrb")
    load_scene(host.scene, tmp_path / "scene.mrb")
    chart = node_named(host.scene, "Volume-time curve chart")
    series = [chart.GetNthPlotSeriesNode(number) for number in range(2)]
    table = node_named(host.scene, "Volume-time curve")
    assert [node.GetName() for node in series] == ["LV", "RV"]
    assert {node.GetTableNode() for node in series} == {table}
    values = columns(table)
    assert values["Time (ms)"] == [0, 40, 80, 120]
    assert values["LV volume (mL)"] == pytest.approx(analysis.curves.lv_volume_ml)
    assert math.isnan(values["RV volume (mL)"][0])
