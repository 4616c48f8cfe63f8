"""Observing VTK objects from Qt objects without keeping either alive."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6.QtCore import QObject


class Observations:
    """The VTK observers of one Qt object; they end when it does."""

    def __init__(self, owner: QObject) -> None:
        self._owner = weakref.ref(owner)
        self._tags: list[tuple[Any, int]] = []
        tags = self._tags
        owner.destroyed.connect(lambda *_: _remove(tags))

    def add(self, observed: Any, event: str, method: Callable[[Any], None]) -> None:
        """Call `method(owner)` at every `event` of the VTK object, one of VTK's or one of its class's own."""
        reference = self._owner

        def call(*_: object) -> None:
            owner = reference()
            if owner is not None and shiboken6.isValid(owner):
                method(owner)

        self._tags.append((observed, observed.AddObserver(getattr(observed, event, event), call)))

    def clear(self) -> None:
        """End them all."""
        _remove(self._tags)


def _remove(tags: list[tuple[Any, int]]) -> None:
    for observed, tag in tags:
        observed.RemoveObserver(tag)
    tags.clear()
