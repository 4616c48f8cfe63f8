"""The panel at the widths that it has in Slicer: nothing is cut, and what is abbreviated is said whole in a hint."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTableWidget

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.volume import Patient
from Testing.host.host import settle
from Testing.module.given import analysis_of_ed, erase_slice, finished_analysis, given_cine, labelled, shown_result, withheld
from Testing.module.reading import MODULE, text

NARROWEST_PX = 340
WIDTHS_PX = (NARROWEST_PX, 440, 640)
SECTIONS = ("explanationSection", "slicesSection", "meaningSection", "exportSection", "advancedSection")
ONE_LINE_PX = 6
"""By how much the tops of controls in one line differ at most."""

SHOWN_AT_WORK = ("progressBar", "cancelButton", "sendProgressBar", "cancelSendButton", "openReportButton")
"""Controls that come up while something is done."""


def of_unknown_sex() -> Analysis:
    """A result with two reference ranges a measurement."""
    analysis = finished_analysis()
    return replace(analysis, study=replace(analysis.study, patient=Patient()))


def cut_texts(table: QTableWidget) -> list[str]:
    """The cells and headings whose text does not fit where it is drawn, words wrapped."""
    found, header = [], table.horizontalHeader()
    for column in range(table.columnCount()):
        title = table.horizontalHeaderItem(column).text()
        if header.fontMetrics().horizontalAdvance(title) > header.sectionSize(column):
            found.append(title)
        for row in range(table.rowCount()):
            item = table.item(row, column)
            room = QRect(QPoint(), table.visualItemRect(item).size()).adjusted(3, 0, -3, 0)
            needed = table.fontMetrics().boundingRect(QRect(0, 0, room.width(), 1000), Qt.TextFlag.TextWordWrap, item.text())
            if needed.width() > room.width() or needed.height() > room.height():
                found.append(item.text())
    return found


@pytest.mark.parametrize("width_px", WIDTHS_PX)
def test_no_cell_of_the_measurements_is_cut_with_or_without_sex_and_after_a_correction(open_module: Any, width_px: int) -> None:
    panel = open_module(MODULE)
    window, table = panel.host.main_window, "measurementsTable"
    results = shown_result(panel, of_unknown_sex())
    window.resize(width_px, 900)
    settle()
    assert window.width() == width_px
    assert cut_texts(panel.find(table)) == []
    erase_slice(results.nodes.segmentations[Phase.ED], results.nodes.volumes[Phase.ED], "LV")
    panel.click("recomputeButton")
    assert cut_texts(panel.find(table)) == []
    window.resize(WIDTHS_PX[-1], 900)
    settle()
    window.resize(width_px, 900)
    settle()
    assert cut_texts(panel.find(table)) == []
    assert panel.find(table).horizontalScrollBar().maximum() == 0


def test_a_hint_says_measurement_value_and_ranges_in_full(open_module: Any) -> None:
    panel = open_module(MODULE)
    shown_result(panel, of_unknown_sex())
    hint = panel.find("measurementsTable").item(0, 0).toolTip()
    for part in ("LV end-diastolic volume: 46 mL", "below the reference range", "reference range: men ", "women ", "Petersen"):
        assert part in hint


@pytest.mark.parametrize("analysis", [labelled, withheld, None])
def test_the_panel_fits_its_narrowest_width_with_all_sections_open(open_module: Any, analysis: Any) -> None:
    panel = open_module(MODULE)
    shown_result(panel, analysis_of_ed() if analysis is None else analysis(finished_analysis()))
    for name in SECTIONS:
        if getattr(panel.module_widget.ui, name).isVisible():
            panel.click(name)
    for name in SHOWN_AT_WORK:
        getattr(panel.module_widget.ui, name).setVisible(True)
    settle()
    assert panel.root.minimumSizeHint().width() <= NARROWEST_PX


def test_a_section_without_content_is_not_offered(open_module: Any) -> None:
    panel = open_module(MODULE)
    shown_result(panel, analysis_of_ed())
    assert "No diagnosis" in text(panel, "diagnosisLabel")
    assert not panel.module_widget.ui.explanationSection.isVisible()
    assert not panel.module_widget.ui.foundFramesLabel.isVisible()


def test_a_status_that_does_not_fit_shows_whole_when_the_mouse_rests_on_it(open_module: Any) -> None:
    panel = open_module(MODULE)
    long = "C:\\" + "\\".join(["a_folder_with_a_name"] * 8)
    panel.module_widget.status.say(long)
    assert panel.find("statusLabel").toolTip() == long


def test_the_keyboard_goes_through_the_whole_panel_from_top_to_bottom_and_left_to_right(open_module: Any) -> None:
    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine().browser)
    shown_result(panel, labelled(finished_analysis()))
    for name in SECTIONS:
        panel.click(name)
    panel.host.main_window.activateWindow()
    panel.find("edFrameSpinBox").setFocus()
    visited: list[tuple[str, int, int]] = []
    while True:
        control = QApplication.focusWidget()
        place = control.mapTo(panel.root, QPoint())
        if control.objectName() in [name for name, _y, _x in visited] or len(visited) > 60:
            break
        visited.append((control.objectName(), place.y(), place.x()))
        QTest.keyClick(control, Qt.Key.Key_Tab)
        if QApplication.focusWidget().objectName() == "inputSection":
            break
    names = [name for name, _y, _x in visited]
    for name in ("runButton", "recomputeButton", "measurementsTable", *SECTIONS, "sendButton", "installTorchButton"):
        assert name in names, names
    for (before, y, x), (after, next_y, next_x) in pairwise(visited):
        assert next_x > x if abs(next_y - y) <= ONE_LINE_PX else next_y > y, (before, after)
