"""Results outlive reloads of the module, and saving and loading of the scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLLib.labels import Phase
from Testing.module.given import (
    erase_slice,
    shown_result,
)
from Testing.module.reading import MODULE, cells, node_count, text


@pytest.mark.robustness(40)
def test_twenty_reloads_leak_neither_nodes_nor_observers_and_keep_the_result(open_module: Any) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel)
    label = text(panel, "diagnosisLabel")
    segmentation = results.nodes.segmentations[Phase.ED]

    def watched() -> int:
        return str(segmentation).count("vtkObserver (")

    panel.reload()
    nodes, observers = node_count(), watched()
    for _ in range(20):
        panel.reload()
    assert text(panel, "diagnosisLabel") == label
    assert (node_count(), watched()) == (nodes, observers)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScriptedModuleNode") == 1


@pytest.mark.robustness(40)
def test_a_saved_scene_brings_the_panel_back(open_module: Any, tmp_path: Path) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel)
    erase_slice(results.nodes.segmentations[Phase.ED], results.nodes.volumes[Phase.ED], "LV")
    panel.click("recomputeButton")
    expected = [cells(panel, row) for row in range(5)]
    label = text(panel, "diagnosisLabel")
    path = tmp_path / "scene.mrb"
    assert slicer.mrmlScene.WriteToMRB(str(path))
    slicer.mrmlScene.Clear(False)
    assert text(panel, "diagnosisLabel") == "No result yet."
    assert slicer.mrmlScene.ReadFromMRB(str(path), True)
    assert text(panel, "diagnosisLabel") == label
    assert [cells(panel, row) for row in range(5)] == expected
    assert not panel.module_widget.ui.staleLabel.isVisible()
    assert panel.see("cineSelector").currentNode() is not None
    panel.click("recomputeButton")
    assert text(panel, "statusLabel").startswith("Recomputed")
