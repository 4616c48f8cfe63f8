"""Python values on their way into a Qt property or slot, converted as silently as PythonQt does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QMetaMethod, QObject

from Testing.host.pythonqt.enums import EnumInt

_INTEGERS = {"int", "uint", "long", "qlonglong", "short"}


def to_type(value: object, type_name: str) -> Any:
    """`value` as the C++ type `type_name` would receive it: None becomes "None", 5 becomes "5", 3.7 becomes 3.

    Raises TypeError where PythonQt refuses too.
    """
    if type_name in {"QString", "QStringView"}:
        return str(value)
    if type_name == "QStringList":
        if not isinstance(value, Iterable):
            raise TypeError(f"a QStringList is no {type(value).__name__}")
        return [str(item) for item in value]
    if type_name in _INTEGERS:
        return _number(value, int)
    if type_name in {"double", "float"}:
        return _number(value, float)
    if type_name == "bool":
        return bool(value)
    return value


def _number(value: object, kind: type[int] | type[float]) -> int | float:
    if not isinstance(value, int | float) or (isinstance(value, EnumInt) and kind is float):
        raise TypeError(f"a number is no {type(value).__name__}")
    return kind(value)


def slot_types(target: QObject, name: str, count: int) -> list[tuple[str, ...]]:
    """Parameter types of every published overload of `name` with `count` parameters; a property's setter counts as one."""
    meta = target.metaObject()
    found = set()
    for index in range(meta.methodCount()):
        method = meta.method(index)
        if method.parameterCount() == count and method.methodType() != QMetaMethod.MethodType.Constructor:  # noqa: SIM102
            if bytes(method.name().data()).decode() == name:
                found.add(tuple(bytes(kind.data()).decode() for kind in method.parameterTypes()))
    index = meta.indexOfProperty(name[3:4].lower() + name[4:]) if name.startswith("set") and count == 1 else -1
    if not found and index >= 0:
        found.add((meta.property(index).typeName(),))
    return sorted(found)
