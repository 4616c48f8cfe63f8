"""Enum values as PythonQt hands them out: integers that stay themselves when combined with `|`."""

from __future__ import annotations

import enum
from functools import cache
from typing import Any


class EnumInt(int):
    """An integer that remembers of which C++ enum it is, so that Qt's functions take it back."""

    enum_class: type[enum.Enum]

    def __new__(cls, value: int, enum_class: type[enum.Enum]) -> EnumInt:
        made = super().__new__(cls, value)
        made.enum_class = enum_class
        return made

    def __or__(self, other: int) -> EnumInt:
        return EnumInt(int(self) | int(other), self.enum_class)

    def __and__(self, other: int) -> EnumInt:
        return EnumInt(int(self) & int(other), self.enum_class)

    __ror__, __rand__ = __or__, __and__

    def to_qt(self) -> Any:
        """The value as PySide6's functions want it."""
        return self.enum_class(int(self))


def to_int(value: enum.Enum) -> EnumInt:
    """PySide6's enum value as PythonQt's integer."""
    return EnumInt(int(value.value), type(value))


@cache
def class_enum_value(pyside_class: type, name: str) -> EnumInt | None:
    """The value called `name` of any enum that the class or a base of it declares, as `qt.Qt.AlignCenter` finds it."""
    for owner in pyside_class.__mro__:
        for member in vars(owner).values():
            if isinstance(member, enum.EnumMeta) and name in member.__members__:
                return to_int(member.__members__[name])
    return None
