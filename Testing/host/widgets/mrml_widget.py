"""Stand-in for qMRMLWidget: a widget that hands a scene on to its children."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from Testing.host.pythonqt import signals
from Testing.host.pythonqt.class_spec import stand_in


@stand_in("qMRMLWidget")
class MrmlWidget(QWidget):
    """A widget with a scene; `mrmlSceneChanged(vtkMRMLScene*)` tells its children."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def mrmlScene(self) -> Any:
        """The scene, or None."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Take another scene."""
        if scene is not self._scene:
            self._scene = scene
            signals.emit(self, "mrmlSceneChanged(vtkMRMLScene*)", scene)
