"""What a person reads in the panel, and knows of the scene beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

MODULE = Path(__file__).resolve().parents[2] / "CardiacMTL" / "CardiacMTL.py"


def text(panel: Any, name: str) -> str:
    return str(panel.see(name).text)


def cells(panel: Any, row: int) -> list[str]:
    table = panel.see("measurementsTable")
    return [table.item(row, column).text() for column in range(table.columnCount)]


def ended(panel: Any) -> bool:
    return not panel.module_widget.run.running


def node_count() -> int:
    return int(slicer.mrmlScene.GetNumberOfNodes())
