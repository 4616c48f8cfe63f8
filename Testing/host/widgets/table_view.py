"""Stand-in for qMRMLTableView: shows a table node."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QTableView, QWidget

from Testing.host.pythonqt import signals
from Testing.host.pythonqt.class_spec import stand_in
from Testing.host.widgets.observing import Observations


@stand_in("qMRMLTableView")
class TableView(QTableView):
    """A table node's cells; the real view writes edits back, this one does not."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._node: Any = None
        self._flags = {"transposed": False, "row": False, "column": False}
        self._observations = Observations(self)
        self.setModel(QStandardItemModel(self))

    def mrmlScene(self) -> Any:
        """The scene, or None."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Take another scene; the table node is dropped."""
        if scene is not self._scene:
            self._scene = scene
            self.setMRMLTableNode(None)
            signals.emit(self, "mrmlSceneChanged(vtkMRMLScene*)", scene)

    def mrmlTableNode(self) -> Any:
        """The table node, or None."""
        return self._node

    def setMRMLTableNode(self, node: Any) -> None:
        """Show another table node, or none."""
        if node is not None and not node.IsA("vtkMRMLTableNode"):
            raise TypeError(f"expected a vtkMRMLTableNode, got {node.GetClassName()}")
        self._observations.clear()
        self._node = node
        if node is not None:
            self._observations.add(node, "ModifiedEvent", TableView.fill)
        self.fill()

    def _flag(name: str) -> Property:  # type: ignore[misc]  # noqa: N805
        def write(self: TableView, value: bool) -> None:
            self._flags[name] = bool(value)
            self.fill()

        return Property(bool, lambda self: self._flags[name], write)

    transposed, firstRowLocked, firstColumnLocked = _flag("transposed"), _flag("row"), _flag("column")
    del _flag

    def setTransposed(self, value: bool) -> None:
        """Show columns as rows."""
        self.setProperty("transposed", value)

    def setFirstRowLocked(self, value: bool) -> None:
        """Take the first row for a heading."""
        self.setProperty("firstRowLocked", value)

    def setFirstColumnLocked(self, value: bool) -> None:
        """Take the first column for a heading."""
        self.setProperty("firstColumnLocked", value)

    def fill(self) -> None:
        """Copy the node's cells into the view."""
        model = self.model()
        model.clear()
        table = self._node.GetTable() if self._node is not None else None
        if table is None:
            return
        names = [table.GetColumnName(column) or "" for column in range(table.GetNumberOfColumns())]
        rows = [
            [table.GetValue(row, column).ToString() for column in range(table.GetNumberOfColumns())]
            for row in range(table.GetNumberOfRows())
        ]
        if self._flags["transposed"]:
            rows = [list(column) for column in zip(*rows, strict=True)]
        for row in rows:
            model.appendRow([QStandardItem(text) for text in row])
        if self._flags["transposed"]:
            model.setVerticalHeaderLabels(names)
        else:
            model.setHorizontalHeaderLabels(names)
