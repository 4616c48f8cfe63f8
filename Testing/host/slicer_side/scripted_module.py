"""Stand-ins for the C++ side of a scripted module: the module object, its widget in the module panel, and the main window."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import slicer
from PySide6.QtCore import Property, QCoreApplication, QObject
from PySide6.QtWidgets import QMainWindow, QToolBar, QVBoxLayout, QWidget

from Testing.host.pythonqt import signals
from Testing.host.pythonqt.class_spec import stand_in
from Testing.host.pythonqt.wrapper import wrap
from Testing.host.widgets.mrml_widget import MrmlWidget


def _stored(kind: Any, name: str) -> Property:
    def write(self: Any, value: Any) -> None:
        self.values[name] = value

    return Property(kind, lambda self: self.values[name], write)


def _fixed(kind: Any, name: str) -> Property:
    return Property(kind, lambda self: self.values[name])


@stand_in("qSlicerAbstractCoreModule")
class CoreModule(QObject):
    """A module with a logic and no widget: one of those that slicer-core brings."""

    def __init__(self, parent: QObject, name: str, logic: Any = None, path: str = "") -> None:
        super().__init__(parent)
        self.values: dict[str, Any] = {
            "name": name,
            "title": name,
            "path": path,
            "helpText": "",
            "acknowledgementText": "",
            "hidden": False,
            "index": -1,
            "categories": [],
            "dependencies": [],
            "contributors": [],
            "associatedNodeTypes": [],
            "icon": None,
        }
        self._logic = logic

    name, path = _fixed(str, "name"), _fixed(str, "path")
    title = _stored(str, "title")

    def logic(self) -> Any:
        """The module's real logic, or None."""
        return self._logic

    def widgetRepresentation(self) -> QWidget | None:
        """There is no widget."""
        return None

    def mrmlScene(self) -> Any:
        """The scene."""
        return slicer.mrmlScene


@stand_in("qSlicerScriptedLoadableModule")
class ScriptedModule(CoreModule):
    """A module written in Python."""

    helpText, acknowledgementText = _stored(str, "helpText"), _stored(str, "acknowledgementText")
    categories, dependencies = _stored("QStringList", "categories"), _stored("QStringList", "dependencies")
    contributors = _stored("QStringList", "contributors")
    associatedNodeTypes = _stored("QStringList", "associatedNodeTypes")
    icon, hidden, index = _stored("QIcon", "icon"), _stored(bool, "hidden"), _stored(int, "index")
    _widget: QWidget | None = None

    def widgetRepresentation(self) -> QWidget:
        """The module's panel; made, set up and given the scene at the first call."""
        if self._widget is None:
            self._widget = self.createNewWidgetRepresentation()
        return self._widget

    def createNewWidgetRepresentation(self) -> QWidget:
        """Another panel of the same module."""
        made = ScriptedModuleWidget(self.values["name"])
        made.setMRMLScene(slicer.mrmlScene)
        made.reload()
        return made


@stand_in("qSlicerScriptedLoadableModuleWidget")
class ScriptedModuleWidget(MrmlWidget):
    """The place in the module panel where a scripted module builds its widgets."""

    def __init__(self, module_name: str) -> None:
        super().__init__()
        self._module_name = module_name
        self._python: Any = None
        self.entered = False
        QVBoxLayout(self)

    moduleName = Property(str, lambda self: self._module_name)

    def self(self) -> Any:
        """The Python object."""
        return self._python

    def reload(self) -> None:
        """Make the Python object anew from the module's source and set it up."""
        kind = getattr(sys.modules[self._module_name], f"{self._module_name}Widget")
        was_entered = self.entered
        self._python = kind(wrap(self))
        setattr(slicer.modules, f"{self._module_name}Widget", self._python)
        self._python.setup()
        if was_entered:
            self.enter()

    def enter(self) -> None:
        """The user has come to the module."""
        self.entered = True
        getattr(self._python, "enter", lambda: None)()

    def exit(self) -> None:
        """The user has left the module."""
        self.entered = False
        getattr(self._python, "exit", lambda: None)()


@stand_in("qSlicerModuleSelectorToolBar")
class ModuleSelector(QToolBar):
    """Where the user chooses the module."""

    current = ""

    selectedModule = Property(str, lambda self: self.current)

    def selectModule(self, name: str) -> None:
        """Leave the present module and enter another."""
        manager = QCoreApplication.instance().moduleManager()  # type: ignore[union-attr]
        before, after = manager.module(self.current), manager.module(name)
        if before is after:
            return
        if before is not None and before.widgetRepresentation() is not None:
            before.widgetRepresentation().exit()
        self.current = name if after is not None else ""
        if after is not None and after.widgetRepresentation() is not None:
            self.parent().setCentralWidget(after.widgetRepresentation())
            after.widgetRepresentation().enter()
        signals.emit(self, "moduleSelected(QString)", self.current)


@stand_in("qSlicerMainWindow")
class MainWindow(QMainWindow):
    """The main window: a module selector and the panel of the chosen module."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self._selector = ModuleSelector(self)
        self.addToolBar(self._selector)

    def moduleSelector(self) -> ModuleSelector:
        """Where the user chooses the module."""
        return self._selector


def load_scripted_module(path: Path) -> ScriptedModule:
    """Load `<Name>.py` as Slicer does at its start, and make it known as `slicer.modules.<name>`."""
    name = path.stem
    application = QCoreApplication.instance()
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    source = importlib.util.module_from_spec(spec)
    sys.modules[name] = source
    spec.loader.exec_module(source)
    module = ScriptedModule(application, name, path=str(path))  # type: ignore[arg-type]
    manager = application.moduleManager()  # type: ignore[union-attr]
    manager.loaded[name] = module
    modules: SimpleNamespace = slicer.modules
    setattr(modules, name.lower(), wrap(module))
    setattr(modules, f"{name}Instance", getattr(source, name)(wrap(module)))
    signals.emit(manager, "moduleLoaded(QString)", name)
    return module
