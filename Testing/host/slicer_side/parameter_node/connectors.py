"""Which widget may show which parameter, and how: by exact class, as in Slicer.

After Slicer: Base/Python/slicer/parameterNodeWrapper/guiConnectors.py. A QRadioButton or a ctkDoubleSpinBox has no connector
there either.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from Testing.host.pythonqt.wrapper import wrapper_class
from Testing.host.slicer_side.parameter_node.fields import Field
from Testing.host.slicer_side.parameter_node.validators import (
    Choice,
    Decimals,
    Maximum,
    Minimum,
    SingleStep,
    WithinRange,
    first,
)


class Connector:
    """One widget that shows one parameter."""

    signal = ""

    def __init__(self, widget: Any, field: Field) -> None:
        self.widget, self.field = widget, field
        self._callback: Callable[[], None] | None = None

    @staticmethod
    def can_show(widget: Any, field: Field) -> bool:
        """Whether this connector is for such a widget and parameter."""
        raise NotImplementedError

    def read(self) -> Any:
        """The value that the widget shows."""
        raise NotImplementedError

    def write(self, value: Any) -> None:
        """Show a value."""
        raise NotImplementedError

    def on_changed(self, callback: Callable[[], None] | None) -> None:
        """Call back when the user changes the value; None ends it."""
        self._callback = callback
        signal = getattr(self.widget, self.signal)
        if callback is None:
            signal.disconnect(self._changed)
        else:
            signal.connect(self._changed)

    def _changed(self) -> None:
        if self._callback is not None:
            self._callback()


class _Property(Connector):
    """A value that is a property of the widget."""

    property_name = ""

    def read(self) -> Any:
        return getattr(self.widget, self.property_name)

    def write(self, value: Any) -> None:
        setattr(self.widget, self.property_name, value)


class CheckBox(_Property):
    """bool in a QCheckBox."""

    signal, property_name = "stateChanged", "checked"

    @staticmethod
    def can_show(widget: Any, field: Field) -> bool:
        return field.kind is bool and _is(widget, "QCheckBox")


class CheckableButton(_Property):
    """bool in a QPushButton, which becomes checkable."""

    signal, property_name = "toggled", "checked"

    def __init__(self, widget: Any, field: Field) -> None:
        super().__init__(widget, field)
        widget.checkable = True

    @staticmethod
    def can_show(widget: Any, field: Field) -> bool:
        return field.kind is bool and _is(widget, "QPushButton")


class Number(_Property):
    """int in a QSpinBox or QSlider, float in a QDoubleSpinBox. Without a bound the widget's own range is widened."""

    signal, property_name = "valueChanged", "value"

    def __init__(self, widget: Any, field: Field) -> None:
        super().__init__(widget, field)
        for annotation, name in ((Decimals, "decimals"), (SingleStep, "singleStep")):
            found = first(field.annotations, annotation)
            if found is not None:
                setattr(widget, name, found.value)
        both = first(field.annotations, WithinRange)
        low, high = first(field.annotations, Minimum) or both, first(field.annotations, Maximum) or both
        bottom, top = (-(2**31), 2**31 - 1) if field.kind is int else (float("-inf"), float("inf"))
        widget.minimum = low.minimum if low is not None else bottom
        widget.maximum = high.maximum if high is not None else top

    @staticmethod
    def can_show(widget: Any, field: Field) -> bool:
        kinds = {int: ("QSpinBox", "QSlider"), float: ("QDoubleSpinBox",)}.get(field.kind, ())
        return any(_is(widget, name) for name in kinds)


class _List(Connector):
    """One of several values in a QComboBox, whose entries are replaced."""

    signal = "currentIndexChanged"
    values: list[Any]

    def __init__(self, widget: Any, field: Field, labels: list[str]) -> None:
        super().__init__(widget, field)
        widget.clear()
        for label in labels:
            widget.addItem(label)

    def read(self) -> Any:
        return self.values[self.widget.currentIndex]

    def write(self, value: Any) -> None:
        self.widget.currentIndex = self.values.index(value)


class Choices(_List):
    """int, float, str or bool with a Choice annotation."""

    def __init__(self, widget: Any, field: Field) -> None:
        choice = first(field.annotations, Choice)
        if choice is None:
            raise RuntimeError("ComboBoxToStringableConnector requires the Choice annotation to be used.")
        self.values = list(choice.choices)
        super().__init__(widget, field, [str(value) for value in self.values])

    @staticmethod
    def can_show(widget: Any, field: Field) -> bool:
        return field.kind in (int, float, str, bool) and _is(widget, "QComboBox")


class Members(_List):
    """An enum, shown by `label()` where its members have one, otherwise by name."""

    def __init__(self, widget: Any, field: Field) -> None:
        self.values = list(field.kind)
        label = getattr(field.kind, "label", lambda member: member.name)
        super().__init__(widget, field, [label(member) for member in self.values])

    @staticmethod
    def can_show(widget: Any, field: Field) -> bool:
        return isinstance(field.kind, type) and issubclass(field.kind, enum.Enum) and _is(widget, "QComboBox")


class Line(_Property):
    """str in a QLineEdit."""

    signal, property_name = "textChanged", "text"

    @staticmethod
    def can_show(widget: Any, field: Field) -> bool:
        return field.kind is str and _is(widget, "QLineEdit")


class Text(_Property):
    """str in a QTextEdit."""

    signal, property_name = "textChanged", "plainText"

    @staticmethod
    def can_show(widget: Any, field: Field) -> bool:
        return field.kind is str and _is(widget, "QTextEdit")


class Node(Connector):
    """A node in a qMRMLNodeComboBox, whose node types become those of the parameter."""

    signal = "currentNodeChanged"

    def __init__(self, widget: Any, field: Field) -> None:
        super().__init__(widget, field)
        widget.nodeTypes = field.node_types()

    @staticmethod
    def can_show(widget: Any, field: Field) -> bool:
        return field.is_node and _is(widget, "qMRMLNodeComboBox")

    def read(self) -> Any:
        return self.widget.currentNode()

    def write(self, value: Any) -> None:
        self.widget.setCurrentNode(value)


_CONNECTORS = (CheckBox, CheckableButton, Number, Choices, Members, Line, Text, Node)


def connector_for(widget: Any, field: Field) -> Connector:
    """The connector of a widget and a parameter. Raises RuntimeError where Slicer has none."""
    for kind in _CONNECTORS:
        if kind.can_show(widget, field):
            return kind(widget, field)
    known_elsewhere = isinstance(field.kind, type) and issubclass(field.kind, PurePath)
    hint = " (paths have connectors in the real API that this host does not offer)" if known_elsewhere else ""
    raise RuntimeError(
        f"Unable to create GUI connector from datatype '{field.kind}' to widget type '{widget.className()}'{hint}"
    )


def _is(widget: Any, class_name: str) -> bool:
    return type(widget) is wrapper_class(class_name)
