"""Masks and slices that the user corrects, and the numbers that follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)


from CardiacMTLLib.labels import Phase
from Testing.module.given import (
    erase_slice,
    shown_result,
)
from Testing.module.reading import MODULE, cells, text


def test_an_edit_marks_the_numbers_stale_and_recompute_shows_the_original_beside(open_module: Any, tmp_path: Path) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel)
    before = cells(panel, 0)[1]
    erase_slice(results.nodes.segmentations[Phase.ED], results.nodes.volumes[Phase.ED], "LV")
    assert "Recompute" in text(panel, "staleLabel")
    panel.click("recomputeButton")
    assert text(panel, "statusLabel").startswith("Recomputed"), text(panel, "statusLabel")
    name, value = cells(panel, 0)[:2]
    assert name == "LV EDV"
    assert value.endswith(f"was {before.split()[0]}")
    assert float(value.split()[0]) < float(before.split()[0])
    assert "was" not in cells(panel, 1)[1]
    assert "original" in text(panel, "diagnosisLabel")
    assert "corrected by hand" in text(panel, "flagsLabel")
    assert not panel.module_widget.ui.staleLabel.isVisible()
    panel.picture(tmp_path / "corrected.png")


def test_a_slice_is_taken_out_and_in_again(open_module: Any) -> None:
    panel = open_module(MODULE)
    shown_result(panel)
    before = cells(panel, 0)[1]
    panel.click("slicesSection")
    panel.click("toggleEdSliceButton")
    assert text(panel, "leftOutEdLineEdit") != ""
    panel.click("recomputeButton")
    without = cells(panel, 0)[1]
    assert float(without.split()[0]) < float(before.split()[0])
    panel.click("toggleEdSliceButton")
    panel.click("recomputeButton")
    assert cells(panel, 0)[1] == before


def test_a_wrong_list_of_slices_is_told_in_the_panel(open_module: Any) -> None:
    panel = open_module(MODULE)
    shown_result(panel)
    panel.click("slicesSection")
    panel.see("leftOutEdLineEdit").setText("99")
    panel.click("recomputeButton")
    assert text(panel, "statusLabel").startswith("Error: the list of slices left out at ED")
