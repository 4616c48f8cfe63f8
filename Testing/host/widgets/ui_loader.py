"""Stand-in for QUiLoader with the plugins of Slicer and CTK: builds a .ui file and wires its connections, strictly.

What Slicer only prints, or passes over in silence, is an error here: an unknown class, an unknown property that is not marked
as dynamic (stdset="0"), a connection whose signal or slot does not exist.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any
from xml.etree import ElementTree as ET

from PySide6.QtCore import QBuffer, QIODevice, QObject
from PySide6.QtUiTools import QUiLoader
from PySide6.QtWidgets import QWidget

from Testing.host.api.qt_classes import QT_CLASSES
from Testing.host.api.slicer_classes import SLICER_CLASSES
from Testing.host.pythonqt import signals
from Testing.host.pythonqt.class_spec import spec_of, stand_in
from Testing.host.pythonqt.wrapper import wrap


class _Loader(QUiLoader):
    """Qt's loader, which asks here for the classes that it does not know."""

    def createWidget(self, class_name: str, parent: QWidget | None = None, name: str = "") -> QWidget:
        if class_name not in SLICER_CLASSES:
            return super().createWidget(class_name, parent, name)
        made = spec_of(class_name).pyside_class(parent)
        made.setObjectName(name)
        return made  # type: ignore[no-any-return]


@stand_in("QUiLoader")
class HostUiLoader(QObject):
    """Loads a .ui file."""

    def load(self, device: QIODevice, parent: QWidget | None = None) -> QWidget | None:
        """The root widget; None, with the reason on stderr, where the file cannot be loaded (as Slicer does)."""
        try:
            return load_ui(bytes(device.readAll().data()), parent)
        except UiError as error:
            print(f"QUiLoader: {error}", file=sys.stderr)  # noqa: T201
            return None


class UiError(RuntimeError):
    """The .ui file asks for something that Slicer does not have."""


def load_ui(text: bytes, parent: QWidget | None = None) -> QWidget:
    """Build the widgets of a .ui file. Raises UiError."""
    tree = ET.fromstring(text)
    for widget in tree.iter("widget"):
        _check_widget(widget)
    connections = tree.find("connections")
    if connections is not None:
        tree.remove(connections)
    buffer = QBuffer()
    buffer.setData(ET.tostring(tree))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    root: QWidget = _Loader().load(buffer, parent)
    for connection in connections if connections is not None else ():
        sender, signal, receiver, slot = (connection.findtext(part, "") for part in ("sender", "signal", "receiver", "slot"))
        _connect(_named(root, sender), signal, _named(root, receiver), slot, root)
    return root


def _check_widget(widget: ET.Element) -> None:
    class_name, name = widget.get("class", ""), widget.get("name", "")
    if class_name == "Line":
        return
    if class_name not in SLICER_CLASSES and class_name not in QT_CLASSES:
        raise UiError(
            f"widget {name}: class {class_name} is not in Testing/host/api; add it with its header if it is in the real API"
        )
    spec = spec_of(class_name)
    for entry in widget.findall("property"):
        called = entry.get("name", "")
        known = spec.has(called) or spec.has(f"set{called[:1].upper()}{called[1:]}")  # enabled, checkable, visible: is...()
        if entry.get("stdset") != "0" and not known:
            raise UiError(f'widget {name}: {class_name} has no property {entry.get("name")}, and it is not marked stdset="0"')


def _named(root: QWidget, name: str) -> QObject:
    found = root if root.objectName() == name else root.findChild(QObject, name)
    if found is None:
        raise UiError(f"connection of {name}: there is no such object in the file")
    return found


def _connect(sender: QObject, signal: str, receiver: QObject, slot: str, root: QWidget) -> None:
    where = f"{sender.objectName()}.{signal} -> {receiver.objectName()}.{slot}"
    if signals.known_signal(sender, signal) is None:
        raise UiError(f"connection {where}: there is no such signal")
    if signals.connect_slot(sender, signal, receiver, slot):
        return
    if not _has_slot(receiver, slot):
        raise UiError(f"connection {where}: there is no such slot")
    name, _, types = slot.rstrip(")").partition("(")
    count = len(types.split(",")) if types else 0
    held = weakref.ref(receiver) if receiver is root else lambda: receiver  # the root must not keep itself alive

    def call(*arguments: Any) -> None:
        getattr(wrap(held()), name)(*arguments[:count])

    signals.connect(sender, signal, call)


def _has_slot(receiver: QObject, slot: str) -> bool:
    owners = spec_of(wrap(receiver).className()).ancestry()
    return any(slot in SLICER_CLASSES[owner].slots for owner in owners if owner in SLICER_CLASSES) or (
        receiver.metaObject().indexOfSlot(slot) >= 0
    )
