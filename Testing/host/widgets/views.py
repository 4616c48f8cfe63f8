"""Stand-ins for slice, 3D and plot views: real MRML view nodes and logics, but no images are drawn."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QPointF
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from Testing.host.pythonqt import signals
from Testing.host.pythonqt.class_spec import stand_in
from Testing.host.widgets.mrml_widget import MrmlWidget
from Testing.host.widgets.observing import Observations


@stand_in("qMRMLSliceControllerWidget")
class SliceController(MrmlWidget):
    """The bar above a slice view."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.logic: Any = None

    def sliceLogic(self) -> Any:
        """The slice logic."""
        return self.logic

    def mrmlSliceNode(self) -> Any:
        """The slice node."""
        return self.logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        """The node that says which volumes are shown."""
        return self.logic.GetSliceCompositeNode()

    def fitSliceToBackground(self) -> None:
        """Fit the field of view to the background volume."""
        self.logic.FitSliceToBackground()

    def setSliceLink(self, linked: bool) -> None:
        """Link the slice views."""
        self.mrmlSliceCompositeNode().SetLinkedControl(bool(linked))

    def isLinked(self) -> bool:
        """Whether the slice views are linked."""
        return bool(self.mrmlSliceCompositeNode().GetLinkedControl())

    def setSliceOffsetValue(self, offset_mm: float) -> None:
        """Move the slice."""
        self.logic.SetSliceOffset(offset_mm)


@stand_in("qMRMLSliceWidget")
class SliceWidget(MrmlWidget):
    """One slice view."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = SliceController(self)

    def set_logic(self, logic: Any) -> None:
        """Give the widget its slice logic."""
        self._controller.logic = logic

    def sliceController(self) -> SliceController:
        """The bar above the view."""
        return self._controller

    def sliceLogic(self) -> Any:
        """The slice logic."""
        return self._controller.sliceLogic()

    def mrmlSliceNode(self) -> Any:
        """The slice node."""
        return self._controller.mrmlSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        """The node that says which volumes are shown."""
        return self._controller.mrmlSliceCompositeNode()

    def fitSliceToBackground(self) -> None:
        """Fit the field of view to the background volume."""
        self._controller.fitSliceToBackground()

    def _read_name(self) -> str:
        return str(self.mrmlSliceNode().GetLayoutName())

    def _read_orientation(self) -> str:
        return str(self.mrmlSliceNode().GetOrientation())

    def setSliceOrientation(self, orientation: str) -> None:
        """Turn the slice to a named orientation."""
        self.mrmlSliceNode().SetOrientation(orientation)

    sliceViewName = Property(str, _read_name)
    sliceOrientation = Property(str, _read_orientation, setSliceOrientation)


@stand_in("qMRMLThreeDWidget")
class ThreeDWidget(MrmlWidget):
    """One 3D view; nothing is drawn in it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None

    def mrmlViewNode(self) -> Any:
        """The view node."""
        return self._node

    def setMRMLViewNode(self, node: Any) -> None:
        """Show another view node."""
        self._node = node


@stand_in("ctkVTKChartView")
class ChartView(QWidget):
    """Base of the plot view."""


@stand_in("qMRMLPlotView")
class PlotView(ChartView):
    """Draws the series of the view node's chart as plain lines, so that pictures show that there is a curve."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._node: Any = None
        self._observations = Observations(self)
        self.setMinimumSize(120, 80)

    def mrmlScene(self) -> Any:
        """The scene, or None."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Take another scene."""
        if scene is not self._scene:
            self._scene = scene
            signals.emit(self, "mrmlSceneChanged(vtkMRMLScene*)", scene)

    def mrmlPlotViewNode(self) -> Any:
        """The view node, or None."""
        return self._node

    def setMRMLPlotViewNode(self, node: Any) -> None:
        """Show another view node."""
        self._observations.clear()
        self._node = node
        if node is not None:
            self._observations.add(node, "ModifiedEvent", PlotView.update)
        self.update()

    def fitToContent(self) -> None:
        """Show all points, which this stand-in always does."""
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw every series between the margins."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("white"))
        chart = self._node.GetPlotChartNode() if self._node is not None else None
        for index in range(chart.GetNumberOfPlotSeriesNodes() if chart is not None else 0):
            series = chart.GetNthPlotSeriesNode(index)
            points = _points(series)
            if points:
                painter.setPen(QPen(QColor.fromRgbF(*series.GetColor()), 2))
                painter.drawPolyline(QPolygonF([self._place(point, points) for point in points]))

    def _place(self, point: tuple[float, float], points: list[tuple[float, float]]) -> QPointF:
        sides = []
        for axis, length in ((0, self.width()), (1, self.height())):
            low, high = min(each[axis] for each in points), max(each[axis] for each in points)
            sides.append(10 + (length - 20) * (point[axis] - low) / ((high - low) or 1))
        return QPointF(sides[0], self.height() - sides[1])


def _points(series: Any) -> list[tuple[float, float]]:
    """The points of a series node, in the units of its table."""
    node = series.GetTableNode()
    table = node.GetTable() if node is not None else None
    columns = [table.GetColumnByName(name) for name in (series.GetXColumnName(), series.GetYColumnName())] if table else []
    if len(columns) != 2 or None in columns:
        return []
    return [
        (columns[0].GetVariantValue(row).ToDouble(), columns[1].GetVariantValue(row).ToDouble())
        for row in range(table.GetNumberOfRows())
    ]


@stand_in("qMRMLPlotWidget")
class PlotWidget(MrmlWidget):
    """One plot view with its bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = PlotView(self)

    def plotView(self) -> PlotView:
        """The canvas."""
        return self._view

    def mrmlPlotViewNode(self) -> Any:
        """The view node."""
        return self._view.mrmlPlotViewNode()

    def setMRMLPlotViewNode(self, node: Any) -> None:
        """Show another view node."""
        self._view.setMRMLPlotViewNode(node)
