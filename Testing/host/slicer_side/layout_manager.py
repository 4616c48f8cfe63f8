"""`slicer.app.layoutManager()`: a real vtkMRMLLayoutLogic and real slice logics behind stand-ins for the view widgets."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6.QtCore import Property, QObject
from PySide6.QtWidgets import QWidget

from Testing.host.pythonqt import signals
from Testing.host.pythonqt.class_spec import stand_in
from Testing.host.widgets.observing import Observations
from Testing.host.widgets.views import PlotWidget, SliceWidget, ThreeDWidget

_FIRST_LAYOUT = slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView


@stand_in("qMRMLLayoutManager")
class LayoutManager(QObject):
    """Creates a widget for every view node that a layout asks for. `setLayout` and layout descriptions work as in Slicer."""

    def __init__(self, parent: QObject, application_logic: Any) -> None:
        super().__init__(parent)
        self._application_logic = application_logic
        self._scene = application_logic.GetMRMLScene()
        self._viewport = QWidget()
        self._widgets: dict[str, QWidget] = {}
        self._slice_logics = vtk.vtkCollection()
        application_logic.SetSliceLogics(self._slice_logics)
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLApplicationLogic(application_logic)
        self._logic.SetMRMLScene(self._scene)
        self._layout = 0
        self._observations = Observations(self)
        self._observations.add(self._logic.GetLayoutNode(), "ModifiedEvent", LayoutManager._follow)
        self._observations.add(self._scene, "EndCloseEvent", LayoutManager._follow)
        self.setLayout(_FIRST_LAYOUT)

    def close(self) -> None:
        """Let go of the scene."""
        self._observations.clear()
        self._application_logic.SetSliceLogics(None)
        for index in range(self._slice_logics.GetNumberOfItems()):
            self._slice_logics.GetItemAsObject(index).SetMRMLScene(None)
        self._slice_logics.RemoveAllItems()
        self._logic.SetMRMLScene(None)
        self._viewport.deleteLater()

    def mrmlScene(self) -> Any:
        """The scene."""
        return self._scene

    def layoutLogic(self) -> Any:
        """The real layout logic."""
        return self._logic

    def mrmlSliceLogics(self) -> Any:
        """The logics of all slice views."""
        return self._slice_logics

    def _read_layout(self) -> int:
        return self._layout

    def setLayout(self, layout: int) -> None:
        """Show another layout, by its number."""
        self._logic.GetLayoutNode().SetViewArrangement(int(layout))

    layout = Property(int, _read_layout, setLayout)

    def sliceViewNames(self) -> list[str]:
        """Names of all slice views, hidden ones too."""
        return [widget.property("sliceViewName") for widget in self._of(SliceWidget)]

    def sliceWidget(self, name: str) -> QWidget | None:
        """The slice view of this name, or None."""
        return next((widget for widget in self._of(SliceWidget) if widget.property("sliceViewName") == name), None)

    def threeDWidget(self, number: int) -> QWidget | None:
        """The 3D view of this number, or None."""
        return next(iter(self._of(ThreeDWidget)[number:]), None)

    def plotWidget(self, number: int) -> QWidget | None:
        """The plot view of this number, or None."""
        return next(iter(self._of(PlotWidget)[number:]), None)

    def viewWidget(self, node: Any) -> QWidget | None:
        """The widget of a view node, or None."""
        return self._widgets.get(node.GetID())

    threeDViewCount = Property(int, lambda self: len(self._of(ThreeDWidget)))
    plotViewCount = Property(int, lambda self: len(self._of(PlotWidget)))

    def resetSliceViews(self) -> None:
        """Fit every slice view to its background."""
        for widget in self._of(SliceWidget):
            widget.fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        """Nothing is drawn in 3D here."""

    def _of(self, kind: type) -> list[Any]:
        return [widget for widget in self._widgets.values() if isinstance(widget, kind)]

    def _follow(self) -> None:
        self._add_widgets("vtkMRMLSliceNode")
        self._add_widgets("vtkMRMLViewNode")
        self._add_widgets("vtkMRMLPlotViewNode")
        shown = self._logic.GetLayoutNode().GetViewArrangement()
        if shown != self._layout:
            self._layout = shown
            signals.emit(self, "layoutChanged(int)", shown)

    def _add_widgets(self, class_name: str) -> None:
        for index in range(self._scene.GetNumberOfNodesByClass(class_name)):
            node = self._scene.GetNthNodeByClass(index, class_name)
            if node.GetID() not in self._widgets:
                self._widgets[node.GetID()] = self._widget_for(node)

    def _widget_for(self, node: Any) -> QWidget:
        if node.IsA("vtkMRMLViewNode"):
            three_d = ThreeDWidget(self._viewport)
            three_d.setMRMLViewNode(node)
            return three_d
        if node.IsA("vtkMRMLPlotViewNode"):
            plot = PlotWidget(self._viewport)
            plot.setMRMLPlotViewNode(node)
            return plot
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self._application_logic)
        logic.SetMRMLScene(self._scene)
        logic.SetSliceNode(node)
        self._slice_logics.AddItem(logic)
        slice_widget = SliceWidget(self._viewport)
        slice_widget.set_logic(logic)
        return slice_widget
