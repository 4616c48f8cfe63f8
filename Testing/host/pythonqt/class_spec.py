"""`ClassSpec`: which PySide6 class stands behind a name, and which members the real class has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets
from PySide6.QtCore import QObject

from Testing.host.api.qt_classes import PROTECTED, PYSIDE_ONLY, PYTHONQT_ADDED, QT_CLASSES
from Testing.host.api.slicer_classes import SLICER_CLASSES

_EXEC_NAMES = {"exec_": "exec"}

_stand_ins: dict[str, type] = {}
"""Class of Slicer or CTK -> our class that stands in for it."""


def stand_in(name: str) -> Callable[[type], type]:
    """Class decorator: declare the PySide6 class that stands in for `name`."""

    def declare(pyside_class: type) -> type:
        assert name in SLICER_CLASSES or name in QT_CLASSES, f"{name} has no entry in the tables of public names"
        _stand_ins[name] = pyside_class
        pyside_class.host_signals = tuple(_inherited_signals(name))
        return pyside_class

    return declare


@dataclass(frozen=True, slots=True)
class ClassSpec:
    """A class that Python code may use here."""

    name: str
    module: str
    pyside_class: type

    @property
    def calls_overrides(self) -> bool:
        """Whether C++ calls what Python subclasses override: it does on Qt's classes, not on those of CTK and Slicer."""
        return self.name in QT_CLASSES

    def ancestry(self) -> tuple[str, ...]:
        """Names of the class and of all its bases."""
        names = []
        name = self.name
        while name in SLICER_CLASSES:
            names.append(name)
            name = SLICER_CLASSES[name].base
        return (*names, *(base.__name__ for base in _qt_class(name).__mro__ if base.__name__ in QT_CLASSES))

    def has(self, name: str) -> bool:
        """Whether the real class has a public member of this name."""
        if name in PYTHONQT_ADDED or any(
            name in SLICER_CLASSES[owner].names for owner in self.ancestry() if owner in SLICER_CLASSES
        ):
            return True
        base = _qt_class(next(owner for owner in self.ancestry() if owner not in SLICER_CLASSES))
        return name not in PYSIDE_ONLY | PROTECTED and not name.startswith("_") and hasattr(base, _EXEC_NAMES.get(name, name))

    def check(self, name: str) -> None:
        """Raise AttributeError unless the real class has the member and this host offers it."""
        header = SLICER_CLASSES[self.name].header if self.name in SLICER_CLASSES else QT_CLASSES.get(self.name, self.name)
        if not self.has(name):
            raise AttributeError(f"{self.name} has no attribute named '{name}': it is not in the real API ({header})")
        if not hasattr(self.pyside_class, name):
            raise AttributeError(f"{self.name}.{name} is in the real API ({header}), but this host does not offer it: add it")

    def all_names(self) -> list[str]:
        """Every public member."""
        return [name for name in dir(self.pyside_class) if self.has(name)]

    @staticmethod
    def name_for(value: Any) -> str:
        """Under which name an object of PySide6 or of a stand-in is shown: that of its nearest known class."""
        names = {made: name for name, made in _stand_ins.items()}
        for kind in type(value).__mro__:
            if kind in names:
                return names[kind]
            if kind.__name__ in QT_CLASSES and kind.__module__.startswith("PySide6"):
                return kind.__name__
        raise TypeError(f"{type(value).__name__} is not among the classes of Testing/host/api: add it there with its header")


@cache
def spec_of(name: str) -> ClassSpec:
    """The class of this name; AttributeError where there is none in reality, or none here."""
    if name in _stand_ins:
        return ClassSpec(name, "ctk" if name.startswith("ctk") else "slicer", _stand_ins[name])
    if name in QT_CLASSES:
        return ClassSpec(name, "qt", _qt_class(name))
    raise AttributeError(
        f"'{name}' is not in Testing/host/api: add it there with its header if it is in the real API, otherwise do not use it"
    )


def _qt_class(name: str) -> type:
    for module in (QtCore, QtGui, QtWidgets, QtUiTools):
        found = getattr(module, name, None)
        if isinstance(found, type):
            return found
    return QObject


def _inherited_signals(name: str) -> list[str]:
    found: list[str] = []
    while name in SLICER_CLASSES:
        found.extend(SLICER_CLASSES[name].signals)
        name = SLICER_CLASSES[name].base
    return found
