"""Stand-ins for the widgets of CTK."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QEvent, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QWidget,
)

from Testing.host.pythonqt import signals
from Testing.host.pythonqt.class_spec import stand_in


@stand_in("ctkCollapsibleButton")
class CollapsibleButton(QAbstractButton):
    """A heading that shows or hides what lies under it. Checked means open: `toggled` and `contentsCollapsed` are opposites."""

    def __init__(self, *arguments: Any) -> None:
        text = arguments[0] if arguments and isinstance(arguments[0], str) else "Click to collapse"
        super().__init__(next((part for part in arguments if isinstance(part, QWidget)), None))
        self._hidden_by_us: list[QWidget] = []
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._leave_room()
        self.toggled.connect(self._toggled)

    def _read_collapsed(self) -> bool:
        return not self.isChecked()

    def setCollapsed(self, collapsed: bool) -> None:
        """Hide or show the contents."""
        self.setChecked(not collapsed)

    collapsed = Property(bool, _read_collapsed, setCollapsed)

    def heading_height(self) -> int:
        """Height of the line that can be clicked, in pixels."""
        return self.fontMetrics().height() + 10

    def sizeHint(self) -> QSize:
        """The heading alone when closed, otherwise with the contents."""
        heading = QSize(self.fontMetrics().horizontalAdvance(self.text()) + 40, self.heading_height())
        if not self.isChecked() or self.layout() is None:
            return heading
        return heading.expandedTo(self.layout().totalSizeHint())

    def minimumSizeHint(self) -> QSize:
        """No less than the heading."""
        if not self.isChecked() or self.layout() is None:
            return QSize(0, self.heading_height())
        return self.layout().totalMinimumSize().expandedTo(QSize(0, self.heading_height()))

    def hitButton(self, position: Any) -> bool:
        """Only the heading reacts to clicks."""
        return QRect(0, 0, self.width(), self.heading_height()).contains(position)

    def changeEvent(self, event: QEvent) -> None:
        """Another font moves the contents."""
        if event.type() == QEvent.Type.FontChange:
            self._leave_room()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the heading with its arrow."""
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = QRect(0, 0, self.width(), self.heading_height())
        option.state |= QStyle.StateFlag.State_Raised
        painter = QPainter(self)
        self.style().drawControl(QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        arrow = QStyleOptionButton(option)
        arrow.rect = QRect(6, 0, 14, self.heading_height())
        down, right = QStyle.PrimitiveElement.PE_IndicatorArrowDown, QStyle.PrimitiveElement.PE_IndicatorArrowRight
        self.style().drawPrimitive(down if self.isChecked() else right, arrow, painter, self)
        alignment = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextShowMnemonic
        self.style().drawItemText(
            painter, option.rect.adjusted(26, 0, -4, 0), int(alignment), self.palette(), self.isEnabled(), self.text()
        )

    def event(self, event: QEvent) -> bool:
        """A widget that comes while we are closed is hidden too, once the layout knows it: before that it is only half made."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._hide_contents()
        return super().event(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Contents that a .ui file gave to a closed section do not appear with it."""
        self._hide_contents()
        super().showEvent(event)

    def _hide_contents(self) -> None:
        if self.isChecked():
            return
        children = [child for child in self.children() if isinstance(child, QWidget) and not child.isHidden()]
        for child in children:
            child.hide()
        self._hidden_by_us += children

    def _toggled(self, is_open: bool) -> None:
        if is_open:
            for child in self._hidden_by_us:
                child.show()
            self._hidden_by_us = []
        else:
            self._hide_contents()
        self._leave_room()
        self.updateGeometry()
        signals.emit(self, "contentsCollapsed(bool)", not is_open)

    def _leave_room(self) -> None:
        self.setContentsMargins(0, self.heading_height(), 0, 0)


@stand_in("ctkMessageBox")
class MessageBox(QMessageBox):
    """A message box that can be told not to come again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, Any] = {"again": False, "key": "", "visible": False}

    def _read_again(self) -> bool:
        return bool(self._values["again"])

    def setDontShowAgain(self, value: bool) -> None:
        """Do not show it next time."""
        self._values["again"] = bool(value)

    def _read_key(self) -> str:
        return str(self._values["key"])

    def setDontShowAgainSettingsKey(self, key: str) -> None:
        """Where the settings keep whether to show it."""
        self._values["key"] = key

    dontShowAgain = Property(bool, _read_again, setDontShowAgain)
    dontShowAgainSettingsKey = Property(str, _read_key, setDontShowAgainSettingsKey)


def _of_inner(name: str, kind: type) -> Property:
    return Property(
        kind, lambda self: self.spinBox().property(name), lambda self, value: self.spinBox().setProperty(name, value)
    )


@stand_in("ctkDoubleSpinBox")
class DoubleSpinBox(QWidget):
    """A widget around a QDoubleSpinBox."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inner = QDoubleSpinBox(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._inner)
        self._inner.valueChanged.connect(lambda value: signals.emit(self, "valueChanged(double)", value))

    def spinBox(self) -> QDoubleSpinBox:
        """The inner box."""
        return self._inner

    def lineEdit(self) -> QLineEdit:
        """Where the number is typed."""
        return self._inner.lineEdit()

    def setValue(self, value: float) -> None:
        """Set the number."""
        self._inner.setValue(value)

    def setRange(self, low: float, high: float) -> None:
        """Set the smallest and the largest number."""
        self._inner.setRange(low, high)

    value = _of_inner("value", float)
    minimum = _of_inner("minimum", float)
    maximum = _of_inner("maximum", float)
    singleStep = _of_inner("singleStep", float)
    decimals = _of_inner("decimals", int)
    prefix = _of_inner("prefix", str)
    suffix = _of_inner("suffix", str)
