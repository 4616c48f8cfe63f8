"""`slicer.parameterNodeWrapper`: typed access to a parameter node, and its binding to widgets.

After Slicer: Base/Python/slicer/parameterNodeWrapper/wrapper.py, with two of its habits kept on purpose: `connectGui` adds an
observer to the node that `disconnectGui` only makes idle, and values are cached and read anew when the node is modified.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import slicer
import vtk

from Testing.host.pythonqt.wrapper import InstanceWrapper, wrapper_class
from Testing.host.slicer_side.parameter_node.connectors import Connector, connector_for
from Testing.host.slicer_side.parameter_node.fields import Field, fields_of
from Testing.host.slicer_side.parameter_node.validators import (
    Choice,
    Decimals,
    Default,
    Maximum,
    Minimum,
    SingleStep,
    Validator,
    WithinRange,
)

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "Maximum",
    "Minimum",
    "SingleStep",
    "SlicerParameterNamePropertyName",
    "Validator",
    "WithinRange",
    "isParameterNodeWrapper",
    "parameterNodeWrapper",
]

SlicerParameterNamePropertyName = "SlicerParameterName"


def parameterNodeWrapper(cls: type | None = None) -> Any:
    """Class decorator, with or without parentheses."""
    return _process if cls is None else _process(cls)


def isParameterNodeWrapper(value: Any) -> bool:
    """Whether a class or an object is of a decorated class."""
    return bool(getattr(value, "_is_parameter_node_wrapper", False))


class _Cached:
    """The value of one parameter, read anew whenever the node is modified; ends with the wrapper."""

    def __init__(self, field: Field, node: Any) -> None:
        self.field, self.node, self.writing = field, node, False
        self.value = field.read(node)
        reference = weakref.ref(self)

        def modified(*_: object) -> None:
            me = reference()
            if me is not None and not me.writing:
                me.value = me.field.read(me.node)

        tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, modified)
        weakref.finalize(self, node.RemoveObserver, tag).atexit = False

    def write(self, value: Any) -> None:
        self.writing = True
        try:
            with slicer.util.NodeModify(self.node):
                self.field.write(self.node, value)
                self.value = self.field.read(self.node)
        finally:
            self.writing = False


def _process(cls: type) -> type:
    fields = fields_of(cls)
    for name in fields:
        setattr(cls, name, _property(name))
    for name, function in _METHODS.items():
        if name in fields or hasattr(cls, name):
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
        setattr(cls, name, function)
    cls.allParameters = fields  # type: ignore[attr-defined]
    cls.__init__ = _init  # type: ignore[misc]
    return cls


def _property(name: str) -> property:
    return property(lambda self: self._cached[name].value, lambda self, value: self._cached[name].write(value))


def _init(self: Any, parameterNode: Any) -> None:
    assert parameterNode is not None
    self.parameterNode = parameterNode
    self._guis = {}
    self._next_tag = 0
    self._updating = False
    for field in self.allParameters.values():
        if not field.is_in(parameterNode):
            field.write(parameterNode, field.default)
    self._cached = {name: _Cached(field, parameterNode) for name, field in self.allParameters.items()}


def _check_name(self: Any, name: str) -> None:
    if name not in self.allParameters:
        raise ValueError(f"Cannot find a param with the given name: {name}\n  Found parameters {list(self.allParameters)}")


def _get_value(self: Any, name: str) -> Any:
    _check_name(self, name)
    return self._cached[name].value


def _set_value(self: Any, name: str, value: Any) -> None:
    _check_name(self, name)
    self._cached[name].write(value)


def _connect_gui(self: Any, gui: Any) -> int:
    is_widget = isinstance(gui, InstanceWrapper)
    widgets = gui.findChildren(wrapper_class("QWidget")) if is_widget else vars(gui).values()
    named = {}
    for widget in widgets:
        name = widget.property(SlicerParameterNamePropertyName)
        if name:
            named[name] = widget
    return _connect_parameters(self, named)


def _connect_parameters(self: Any, widgets: dict[str, Any]) -> int:
    for name in widgets:
        _check_name(self, name)
    connectors = {name: connector_for(widget, self.allParameters[name]) for name, widget in widgets.items()}
    tag = self._next_tag
    self._next_tag += 1
    self._guis[tag] = connectors
    for name, connector in connectors.items():
        connector.write(self.getValue(name))
        connector.on_changed(_to_parameter(self, name, connector))
    self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: _update_guis(self))
    return tag


def _to_parameter(self: Any, name: str, connector: Connector) -> Callable[[], None]:
    def changed() -> None:
        with slicer.util.NodeModify(self):
            if not self._updating:
                self.setValue(name, connector.read())

    return changed


def _update_guis(self: Any) -> None:
    if self._updating:
        return
    try:
        self._updating = True
        with slicer.util.NodeModify(self):
            for connectors in self._guis.values():
                for name, connector in connectors.items():
                    connector.write(self.getValue(name))
    finally:
        self._updating = False


def _disconnect_gui(self: Any, tag: int) -> None:
    for connector in self._guis.pop(tag, {}).values():
        connector.on_changed(None)


_METHODS: dict[str, Any] = {
    "_is_parameter_node_wrapper": True,
    "default": lambda self, name: Default(self.allParameters[name].default),
    "isCached": lambda self, name: name in self._cached,
    "dataType": classmethod(lambda cls, name: cls.allParameters[name].kind),
    "getValue": _get_value,
    "setValue": _set_value,
    "connectGui": _connect_gui,
    "connectParametersToGui": _connect_parameters,
    "disconnectGui": _disconnect_gui,
    "StartModify": lambda self: self.parameterNode.StartModify(),
    "EndModify": lambda self, was_modifying: self.parameterNode.EndModify(was_modifying),
    "AddObserver": lambda self, event, function, priority=0.0: self.parameterNode.AddObserver(event, function, priority),
    "RemoveObserver": lambda self, tag: self.parameterNode.RemoveObserver(tag),
    "Modified": lambda self: self.parameterNode.Modified(),
}
