"""Stand-ins for Slicer's and CTK's widgets keep to the tables of public names and behave like what they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer
from PySide6.QtCore import Property
from PySide6.QtWidgets import QAbstractButton, QComboBox, QSpinBox, QVBoxLayout, QWidget

from Testing.host.api.qt_classes import QT_CLASSES
from Testing.host.api.slicer_classes import SLICER_CLASSES
from Testing.host.host import settle
from Testing.host.pythonqt.class_spec import spec_of
from Testing.host.widgets.ctk_widgets import CollapsibleButton
from Testing.host.widgets.ui_loader import load_ui


@pytest.fixture
def scene(slicer_host: Any) -> Any:
    yield slicer_host.scene
    slicer_host.scene.Clear(False)
    slicer_host.slot_errors.clear()


@pytest.fixture
def selector(scene: Any) -> Any:
    made = slicer.qMRMLNodeComboBox()
    made.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    made.noneEnabled = True
    made.addEnabled = made.removeEnabled = False
    made.setMRMLScene(scene)
    return made


def names(selector: Any) -> list[str]:
    return [selector.nodeFromIndex(index).GetName() for index in range(selector.nodeCount())]


@pytest.mark.parametrize("name", sorted(SLICER_CLASSES))
def test_every_entry_names_a_public_header_and_is_stood_in_for(slicer_host: Any, name: str) -> None:
    entry = SLICER_CLASSES[name]
    assert entry.header.startswith(("Slicer: ", "CTK: "))
    assert entry.header.endswith(f"/{name}.h")
    assert entry.base in SLICER_CLASSES or entry.base in QT_CLASSES
    assert spec_of(name).pyside_class is not None


@pytest.mark.parametrize("name", sorted(SLICER_CLASSES))
def test_properties_of_a_stand_in_are_properties_in_reality(slicer_host: Any, name: str) -> None:
    owners = spec_of(name).pyside_class.__mro__
    own = {member for owner in owners for member, value in vars(owner).items() if isinstance(value, Property)}
    real = set().union(*(SLICER_CLASSES[owner].properties for owner in spec_of(name).ancestry() if owner in SLICER_CLASSES))
    assert own <= real


def test_a_name_that_is_real_but_not_offered_is_refused_in_other_words(selector: Any) -> None:
    with pytest.raises(AttributeError, match=r"in the real API .* does not offer it"):
        selector.sceneModel()
    with pytest.raises(AttributeError, match="not in the real API"):
        selector.setScene(None)
    with pytest.raises(AttributeError, match="not in the real API"):
        selector.refresh()


def test_a_selector_is_greyed_out_without_a_scene() -> None:
    selector = slicer.qMRMLNodeComboBox()
    assert not selector.enabled
    assert selector.currentNode() is None


def test_a_selector_lists_derived_classes_unless_told_otherwise(scene: Any, selector: Any) -> None:
    scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "image")
    scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "colours").SetHideFromEditors(True)
    scene.AddNewNodeByClass("vtkMRMLTextNode", "text")
    assert names(selector) == ["image", "labels"]
    selector.showHidden = True
    assert "colours" in names(selector)
    selector.hideChildNodeTypes = ["vtkMRMLLabelMapVolumeNode"]
    assert names(selector) == ["image", "colours"]
    selector.hideChildNodeTypes = []
    selector.showChildNodeTypes = False
    assert names(selector) == ["image"]


def test_a_selector_filters_by_attribute(scene: Any, selector: Any) -> None:
    for name, phase in (("ed", "ED"), ("es", "ES"), ("none", None)):
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        if phase:
            node.SetAttribute("Phase", phase)
    selector.addAttribute("vtkMRMLScalarVolumeNode", "Phase")
    assert names(selector) == ["ed", "es"]
    selector.addAttribute("vtkMRMLScalarVolumeNode", "Phase", "ES")
    assert names(selector) == ["es"]
    selector.removeAttribute("vtkMRMLScalarVolumeNode", "Phase")
    assert len(names(selector)) == 3


def test_a_selector_tells_of_another_node_by_all_its_signals(scene: Any, selector: Any) -> None:
    heard = []
    for signature in ("currentNodeChanged(vtkMRMLNode*)", "currentNodeChanged(bool)", "currentNodeIDChanged(QString)"):
        assert selector.connect(signature, heard.append)
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "image")
    assert heard == []
    selector.setCurrentNode(node)
    selector.setCurrentNode(node)
    assert heard == [node, True, node.GetID()]
    del heard[:]
    scene.RemoveNode(node)
    assert heard == [None, False, ""]
    assert not selector.connect("currentNodeChanged(int)", heard.append)


def test_blocked_signals_are_not_heard(scene: Any, selector: Any) -> None:
    heard = []
    selector.currentNodeChanged.connect(heard.append)
    selector.blockSignals(True)
    selector.setCurrentNode(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"))
    assert heard == []


def test_without_none_the_first_node_is_chosen_by_itself(scene: Any, selector: Any) -> None:
    selector.noneEnabled = False
    first = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    assert selector.currentNode() is first
    assert selector.currentNodeID == first.GetID()
    selector.setCurrentNodeIndex(1)
    assert selector.currentNode() is not first


def test_a_selector_creates_renames_and_deletes_nodes(scene: Any, selector: Any, slicer_host: Any) -> None:
    selector.baseName = "Result"
    selector.addAttribute("vtkMRMLScalarVolumeNode", "Owner", "me")
    made = selector.addNode()
    assert (made.GetName(), made.GetAttribute("Owner"), selector.currentNode()) == ("Result", "me", made)
    slicer_host.dialogs.answers.append("Better")
    selector.renameCurrentNode()
    assert made.GetName() == "Better"
    selector.removeCurrentNode()
    assert selector.nodeCount() == 0


def test_a_table_view_follows_its_node(scene: Any) -> None:
    node = scene.AddNewNodeByClass("vtkMRMLTableNode")
    slicer.util.updateTableFromArray(node, np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), ["a", "b"])
    view = slicer.qMRMLTableView()
    view.setMRMLScene(scene)
    view.setMRMLTableNode(node)
    assert (view.model().rowCount(), view.model().columnCount()) == (3, 2)
    view.transposed = True
    assert (view.model().rowCount(), view.model().columnCount()) == (2, 3)
    node.AddEmptyRow()
    assert view.model().columnCount() == 4
    with pytest.raises(TypeError, match="vtkMRMLTableNode"):
        view.setMRMLTableNode(scene.AddNewNodeByClass("vtkMRMLTextNode"))


def test_a_collapsible_button_hides_its_contents_and_keeps_what_was_hidden(slicer_host: Any) -> None:
    import ctk
    import qt

    fold, heard = ctk.ctkCollapsibleButton(), []
    fold.text = "Advanced"
    layout = qt.QVBoxLayout(fold)
    shown, hidden = qt.QLabel("a"), qt.QLabel("b")
    layout.addWidget(shown)
    layout.addWidget(hidden)
    hidden.hide()
    fold.connect("contentsCollapsed(bool)", heard.append)
    fold.show()
    fold.collapsed = True
    assert not shown.isVisible()
    fold.collapsed = False
    assert (shown.isVisible(), hidden.isVisible(), heard) == (True, False, [True, False])


def test_a_collapsible_button_leaves_its_contents_the_height_that_they_need(slicer_host: Any) -> None:
    parent = QWidget()
    fold = CollapsibleButton(parent)
    layout = QVBoxLayout(fold)
    boxes = [QSpinBox() for _ in range(6)]
    for box in boxes:
        layout.addWidget(box)
    fold.resize(fold.minimumSizeHint())
    parent.show()
    assert all(box.height() >= box.minimumSizeHint().height() for box in boxes)


def test_a_section_that_a_ui_file_closes_hides_its_contents_and_they_keep_their_kind(slicer_host: Any) -> None:
    text = b"""<ui version="4.0"><class>F</class><widget class="QWidget" name="F"><layout class="QVBoxLayout" name="l">
    <item><widget class="ctkCollapsibleButton" name="fold"><property name="collapsed"><bool>true</bool></property>
    <layout class="QVBoxLayout" name="k"><item><widget class="QComboBox" name="box"/></item></layout></widget></item>
    </layout></widget></ui>"""
    root = load_ui(text)
    root.show()
    box, fold = root.findChild(QComboBox, "box"), root.findChild(QAbstractButton, "fold")
    assert type(box) is QComboBox
    assert not box.isVisible()
    fold.click()
    assert box.isVisible()
    fold.click()
    late = QComboBox(fold)
    fold.layout().addWidget(late)
    settle()
    assert not late.isVisible()
    fold.click()
    assert late.isVisible()


def test_a_ctk_spin_box_is_no_qt_spin_box(slicer_host: Any) -> None:
    import ctk

    box, heard = ctk.ctkDoubleSpinBox(), []
    assert not box.inherits("QDoubleSpinBox")
    box.connect("valueChanged(double)", heard.append)
    box.maximum = 300
    box.setValue(172.5)
    assert (box.value, heard) == (172.5, [172.5])
    box.suffix = " cm"
    assert box.spinBox().suffix == " cm"


def test_a_plot_view_draws_the_series_of_its_chart(scene: Any) -> None:
    table = scene.AddNewNodeByClass("vtkMRMLTableNode")
    slicer.util.updateTableFromArray(table, np.array([[0.0, 100.0], [1.0, 40.0], [2.0, 95.0]]), ["time", "volume"])
    series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode")
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName("time")
    series.SetYColumnName("volume")
    series.SetColor(1, 0, 0)
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode")
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    node = scene.AddNewNodeByClass("vtkMRMLPlotViewNode")
    node.SetPlotChartNodeID(chart.GetID())
    view = slicer.qMRMLPlotView()
    view.resize(200, 100)
    view.setMRMLPlotViewNode(node)
    image = view.grab().toImage()
    assert any(image.pixelColor(x, y).green() < 50 for x in range(200) for y in range(100))
