"""Dialogs that would wait for a person: what they asked is kept, and the answer is the one that a test has put ready."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from PySide6.QtWidgets import QDialog, QMessageBox


@dataclass(frozen=True, slots=True)
class Asked:
    """One dialog that was opened."""

    kind: str
    text: str


asked: list[Asked] = []
"""All dialogs since the last `forget`."""

answers: deque[Any] = deque()
"""What the next dialogs return: a button's number, a path, a text. With none ready a dialog returns 0 or an empty text."""


def forget() -> None:
    """Start afresh."""
    asked.clear()
    answers.clear()


def execute(dialog: QDialog) -> int:
    """Stands in for `exec_()`: keeps the text, returns the ready answer at once, or 0 as if it had been closed."""
    text = dialog.text() if isinstance(dialog, QMessageBox) else dialog.windowTitle()
    asked.append(Asked(type(dialog).__name__, text))
    return int(answers.popleft()) if answers else 0


def ask(kind: str, arguments: list[Any], default: Any) -> Any:
    """Stands in for a static function that opens a dialog."""
    asked.append(Asked(kind, " / ".join(str(part) for part in arguments if isinstance(part, str))))
    return answers.popleft() if answers else default
