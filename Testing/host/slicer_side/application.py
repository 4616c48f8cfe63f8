"""`slicer.app`: the parts of Slicer's application object that scripted modules use."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

from PySide6.QtCore import (
    Property,
    QCoreApplication,
    QObject,
    QProcessEnvironment,
    QSettings,
    QTimer,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

from Testing.host.pythonqt import signals
from Testing.host.pythonqt.class_spec import stand_in
from Testing.host.slicer_side.layout_manager import LayoutManager

_PLAYBACK_INTERVAL_MS = 20


@stand_in("qSlicerModuleManager")
class ModuleManager(QObject):
    """Knows the loaded modules."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.loaded: dict[str, QObject] = {}

    def modulesNames(self) -> list[str]:
        """Names of the loaded modules."""
        return list(self.loaded)

    def module(self, name: str) -> QObject | None:
        """The module of this name, or None."""
        return self.loaded.get(name)


@stand_in("qSlicerApplication")
class Application(QApplication):
    """A QApplication with a scene, module logics, settings and a layout. There is one in a process."""

    def __init__(self) -> None:
        super().__init__(["Slicer"])
        self.setApplicationName("Slicer")
        self.setOrganizationName("CardiacMTL test host")
        self.testing = True
        self.render_pauses = 0
        self.folder = ""
        self._logic: Any = None
        self._sequences: Any = None
        self._layout: LayoutManager | None = None
        self._manager = ModuleManager(self)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._play)

    def start(self, logic: Any, folder: str) -> None:
        """Take the logic of a fresh scene and a folder for temporary files."""
        self.folder, self._logic = folder, logic
        self._sequences = logic.GetModuleLogic("Sequences")
        self._layout = LayoutManager(self, logic)
        self._timer.start(_PLAYBACK_INTERVAL_MS)
        signals.emit(self, "mrmlSceneChanged(vtkMRMLScene*)", logic.GetMRMLScene())
        signals.emit(self, "startupCompleted()")

    def stop(self) -> None:
        """Let go of the scene."""
        self._timer.stop()
        if self._layout is not None:
            self._layout.close()
            self._layout.deleteLater()
        self._layout = self._logic = self._sequences = None
        self._manager.loaded.clear()
        signals.store(self).targets.clear()
        signals.store(self._manager).targets.clear()

    def mrmlScene(self) -> Any:
        """The scene."""
        return self._logic.GetMRMLScene()

    def applicationLogic(self) -> Any:
        """The real vtkSlicerApplicationLogic."""
        return self._logic

    def moduleLogic(self, name: str) -> Any:
        """The logic of a module, or None."""
        return self._logic.GetModuleLogic(name)

    def moduleManager(self) -> ModuleManager:
        """Knows the loaded modules."""
        return self._manager

    def layoutManager(self) -> LayoutManager | None:
        """Arranges the views."""
        return self._layout

    def pythonConsole(self) -> None:
        """There is no console here."""

    def userSettings(self) -> QSettings:
        """The user's settings: those of the session of tests."""
        return QSettings()

    settings = revisionUserSettings = userSettings

    def testingEnabled(self) -> bool:
        """Whether message boxes are only logged, as with `--testing`."""
        return self.testing

    def startupEnvironment(self) -> QProcessEnvironment:
        """The environment in which the application was started."""
        return QProcessEnvironment.systemEnvironment()

    def moduleDocumentationUrl(self, name: str) -> str:
        """Where the documentation of a module of Slicer would be."""
        return f"https://slicer.readthedocs.io/en/latest/user_guide/modules/{name.lower()}.html"

    def setRenderPaused(self, pause: bool) -> None:
        """Pause or go on; a test checks that pauses are paired."""
        self.render_pauses += 1 if pause else -1
        signals.emit(self, "renderPaused(bool)", bool(pause))

    def pauseRender(self) -> None:
        """Stop drawing."""
        self.setRenderPaused(True)

    def resumeRender(self) -> None:
        """Draw again."""
        self.setRenderPaused(False)

    temporaryPath = Property(str, lambda self: self.folder)
    cachePath = Property(str, lambda self: self.folder)
    majorVersion = Property(int, lambda self: 5)
    minorVersion = Property(int, lambda self: 12)
    revision = Property(str, lambda self: "host")
    os = Property(str, lambda self: os.name)
    slicerHome = Property(str, lambda self: self.folder)
    documentationBaseUrl = Property(str, lambda self: "https://slicer.readthedocs.io/en/latest/")

    def _play(self) -> None:
        scene = self._logic.GetMRMLScene()
        for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSequenceBrowserNode")):
            if scene.GetNthNodeByClass(index, "vtkMRMLSequenceBrowserNode").GetPlaybackActive():
                self._sequences.UpdateAllProxyNodes()
                return


def application() -> Application:
    """The one application of this process."""
    found = QCoreApplication.instance()
    if found is None:
        _keep_none_alive()
        qInstallMessageHandler(_report)
        return Application()
    if not isinstance(found, Application):
        raise TypeError("another QApplication exists already: the test host must create the first one")
    return found


def _keep_none_alive() -> None:
    """Give None more references than a session can lose.

    PySide6 6.12.0 takes None for immortal, which it is from Python 3.12 on: in Python 3.11 each call that returns
    None takes a reference from it, and after some ten thousands the interpreter ends ("none_dealloc").
    """
    if sys.version_info < (3, 12):
        ctypes.c_ssize_t.from_address(id(None)).value += 1 << 40


def _report(kind: QtMsgType, context: object, message: str) -> None:
    """Print what Qt has to say, but for what the offscreen platform says at every window."""
    if "propagateSizeHints" not in message:
        print(f"Qt: {message}", file=sys.stderr)  # noqa: T201
