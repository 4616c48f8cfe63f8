"""A result in the panel and in the views."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLLib.labels import Phase
from Testing.module.given import (
    finished_analysis,
    labelled,
    shown_result,
    withheld,
)
from Testing.module.reading import MODULE, cells, text


def test_a_result_shows_label_bars_arguments_flags_and_signs(open_module: Any, tmp_path: Path) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel, labelled(finished_analysis()))
    label = results.record["diagnosis"]["label"]
    assert f"Pattern most like {label}" in text(panel, "diagnosisLabel")
    assert panel.see(f"probability{label}Bar").value > 500
    assert "%" in panel.see(f"probability{label}Bar").format
    outside = {name for name, entry in results.record["measurements"].items() if entry["outside"]}
    rows = [cells(panel, row) for row in range(panel.see("measurementsTable").rowCount)]
    assert len(rows) == len(results.record["measurements"])
    assert sum("\u25b2" in row[1] or "\u25bc" in row[1] for row in rows) == len(outside) > 0
    panel.click("explanationSection")
    assert f"For {label}" in text(panel, "explanationLabel")
    assert "reference" in text(panel, "explanationLabel")
    panel.click("meaningSection")
    for part in ("not represented", "cannot show scar", "research use"):
        assert part in text(panel, "meaningLabel")
    panel.picture(tmp_path / "result.png")


def test_a_withheld_label_says_why_and_keeps_its_bars(open_module: Any, tmp_path: Path) -> None:
    panel = open_module(MODULE)
    shown_result(panel, withheld(finished_analysis()))
    assert "Label withheld" in text(panel, "diagnosisLabel")
    assert "below the threshold" in text(panel, "diagnosisLabel")
    assert panel.see("probabilityNORBar").format == "30.0\N{NO-BREAK SPACE}%"
    panel.picture(tmp_path / "withheld.png")


def test_views_show_ed_and_es_of_one_place_linked_and_the_former_layout_is_one_click_away(open_module: Any) -> None:
    manager = slicer.app.layoutManager()
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)
    before = manager.layout
    panel = open_module(MODULE)
    results = shown_result(panel)
    ours = manager.layout
    assert ours != before
    logics = {phase: manager.sliceWidget(f"CardiacMTL_{phase}").sliceLogic() for phase in Phase}
    for phase, logic in logics.items():
        composite = logic.GetSliceCompositeNode()
        assert composite.GetBackgroundVolumeID() == results.nodes.volumes[phase].GetID()
        assert composite.GetLinkedControl()
        seen = results.nodes.segmentations[phase].GetDisplayNode()
        assert seen.IsDisplayableInView(logic.GetSliceNode().GetID())
        assert not seen.IsDisplayableInView(logics[Phase.ES if phase is Phase.ED else Phase.ED].GetSliceNode().GetID())
    places = [
        [logic.GetSliceNode().GetSliceToRAS().GetElement(r, c) for r in range(4) for c in range(4)] for logic in logics.values()
    ]
    np.testing.assert_allclose(places[0], places[1])
    red = manager.sliceWidget("Red").sliceLogic().GetSliceNode()
    assert results.nodes.cine_masks.shown.GetDisplayNode().IsDisplayableInView(red.GetID())
    panel.click("layoutButton")
    assert manager.layout == before
    assert text(panel, "layoutButton") == "Result &layout"
    panel.click("layoutButton")
    assert manager.layout == ours


def test_3d_shows_surfaces_in_a_view_of_their_own_on_demand(open_module: Any) -> None:
    panel = open_module(MODULE)
    segmentation = shown_result(panel).nodes.segmentations[Phase.ED]
    assert not segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    panel.click("show3DButton")
    assert segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    view = slicer.mrmlScene.GetSingletonNode("CardiacMTL_3D", "vtkMRMLViewNode")
    assert segmentation.GetDisplayNode().IsDisplayableInView(view.GetID())
    panel.click("show3DButton")


def test_the_curve_is_in_its_plot_view_and_the_cine_plays_with_its_masks(open_module: Any, wait_until: Any) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel)
    plot = slicer.mrmlScene.GetSingletonNode("CardiacMTL_Plot", "vtkMRMLPlotViewNode")
    assert plot.GetPlotChartNode() is results.nodes.curves.chart
    browser = results.nodes.cine.browser
    at_first = browser.GetSelectedItemNumber()
    panel.click("playButton")
    wait_until(lambda: browser.GetSelectedItemNumber() != at_first, 10)
    panel.click("playButton")
    assert not browser.GetPlaybackActive()


def test_high_contrast_tells_the_ventricles_apart(open_module: Any) -> None:
    panel = open_module(MODULE)
    segmentation = shown_result(panel).nodes.segmentations[Phase.ED].GetSegmentation()

    def distance() -> float:
        colors = [np.array(segmentation.GetSegment(name).GetColor()) for name in ("LV", "RV")]
        return float(np.abs(colors[0] - colors[1]).sum())

    standard = distance()
    panel.click("highContrastCheckBox")
    assert distance() > 2 * standard
    panel.click("highContrastCheckBox")
    assert distance() == pytest.approx(standard)
