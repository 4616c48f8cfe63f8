"""Properties and children of Qt objects, read and written as PythonQt does it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from Testing.host.pythonqt import signals
from Testing.host.pythonqt.convert import to_type
from Testing.host.pythonqt.enums import EnumInt


def read_property(target: QObject, name: str) -> tuple[bool, Any]:
    """Whether the class has the property, and its value."""
    return target.metaObject().indexOfProperty(name) >= 0, target.property(name)


def write_property(target: QObject, index: int, value: object) -> None:
    """Set the property at an index; AttributeError where it cannot be written or does not take the value."""
    kind = target.metaObject().property(index)
    name = kind.name()
    if not kind.isWritable():
        raise AttributeError(f"Property '{name}' of {target.metaObject().className()} object is not writable")
    try:
        plain = int(value) if isinstance(value, EnumInt) else to_type(value, kind.typeName())
        done = target.setProperty(name, plain)
    except TypeError:
        done = False
    if not done:
        raise AttributeError(
            f"Property '{name}' of type '{kind.typeName()}' does not accept an object of type {type(value).__name__}"
        )


def dynamic_property_or_child(target: QObject, name: str) -> tuple[bool, Any]:
    """Whether the object has a dynamic property or a child of this name, and which."""
    if name != signals.STORE and name.encode() in [bytes(known.data()) for known in target.dynamicPropertyNames()]:
        return True, target.property(name)
    child = next((child for child in target.children() if child.objectName() == name), None)
    return child is not None, child
