"""Static functions that need more than a plain call: those that open a dialog, start a program, or take a Python function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QCoreApplication, QTimer

from Testing.host.pythonqt import dialogs, signals

_DIALOGS: dict[tuple[str, str], Any] = {
    ("QFileDialog", "getOpenFileName"): "",
    ("QFileDialog", "getSaveFileName"): "",
    ("QFileDialog", "getExistingDirectory"): "",
    ("QFileDialog", "getOpenFileNames"): (),
    ("QInputDialog", "getText"): "",
    ("QInputDialog", "getItem"): "",
    ("QInputDialog", "getInt"): 0,
    ("QInputDialog", "getDouble"): 0.0,
    ("QMessageBox", "question"): 0,
    ("QMessageBox", "information"): 0,
    ("QMessageBox", "warning"): 0,
    ("QMessageBox", "critical"): 0,
    ("QMessageBox", "about"): None,
    ("QDesktopServices", "openUrl"): True,
}
"""Function -> what it returns when a person closes the dialog. PythonQt returns the value alone, no (value, ok) pair."""


def call_static(class_name: str, name: str, function: Callable[..., Any], arguments: list[Any]) -> Any:
    """Call a static function as PythonQt would."""
    if (class_name, name) in _DIALOGS:
        return dialogs.ask(f"{class_name}.{name}", arguments, _DIALOGS[class_name, name])
    if (class_name, name) == ("QTimer", "singleShot"):
        return _single_shot(int(arguments[0]), signals.Target("timeout()", arguments[1]))
    return function(*arguments)


def _single_shot(delay_ms: int, target: signals.Target) -> None:
    timer = QTimer(QCoreApplication.instance())
    timer.setSingleShot(True)

    def fire() -> None:
        timer.deleteLater()
        target()

    timer.timeout.connect(fire)
    timer.start(delay_ms)
