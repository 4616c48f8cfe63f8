"""`SlicerHost`: makes this process look like a running Slicer to a scripted module, and undoes it."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer
import slicer.util
from PySide6.QtCore import QCoreApplication, QEvent, QSettings

from CardiacMTLScene.host import MODULE_LOGICS, file_access
from CardiacMTLScene.messages import captured_vtk_messages
from Testing.host.api.qt_classes import QT_CLASSES
from Testing.host.api.slicer_classes import SLICER_CLASSES
from Testing.host.pythonqt import dialogs, signals
from Testing.host.pythonqt.wrapper import wrap, wrapper_class
from Testing.host.slicer_side import fakes, scripted_loadable_module
from Testing.host.slicer_side.application import Application, application
from Testing.host.slicer_side.parameter_node import wrapper as parameter_node_wrapper
from Testing.host.slicer_side.scripted_module import CoreModule, MainWindow, ScriptedModule, load_scripted_module
from Testing.host.widgets import ctk_widgets, node_combo_box, sequence_widgets, table_view, ui_loader, views

STAND_INS = (ctk_widgets, node_combo_box, sequence_widgets, table_view, ui_loader, views)
"""Modules that declare stand-ins when they are imported."""

_LOGICS = {**MODULE_LOGICS, "Terminologies": "vtkSlicerTerminologiesModuleLogic"}
"""Module -> class of its real logic."""


class SlicerHost:
    """A scene with its logics, `slicer.app`, `slicer.modules`, `qt` and `ctk`, for one module under test at a time."""

    def __init__(self, qt_application: Application, scene: Any) -> None:
        self.application, self.scene = qt_application, scene
        self.main_window = MainWindow()
        self.requests = fakes.requests
        self.dialogs = dialogs
        self.slot_errors = signals.slot_errors

    def open_module(self, path: Path) -> ScriptedModule:
        """Load a scripted module and enter its panel as a user would."""
        module = load_scripted_module(path)
        self.main_window.moduleSelector().selectModule(path.stem)
        self.main_window.show()
        return module

    def close_module(self, name: str) -> None:
        """Leave a module and unload it."""
        manager = self.application.moduleManager()
        self.main_window.moduleSelector().selectModule("")
        module = manager.loaded.pop(name)
        signals.emit(manager, "moduleAboutToBeUnloaded(QString)", name)
        panel = module.widgetRepresentation()
        self.main_window.takeCentralWidget()
        panel.deleteLater()
        module.deleteLater()
        for attribute in (name.lower(), f"{name}Widget", f"{name}Instance"):
            vars(slicer.modules).pop(attribute, None)
        sys.modules.pop(name, None)
        settle()


@contextmanager
def slicer_host() -> Iterator[SlicerHost]:
    """A fresh host: empty scene, no module loaded. `slicer`, `sys.modules` and the settings are as before afterwards."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cardiacmtl-host-"))
        qt_application = application()
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, folder)
        stack.enter_context(_names_installed())
        logic, owned = _real_logics(folder)
        slicer.mrmlScene = logic.GetMRMLScene()
        slicer.app = wrap(qt_application)
        slicer.modules = SimpleNamespace()
        for name in _LOGICS:
            module = CoreModule(qt_application, name, logic.GetModuleLogic(name))
            setattr(slicer.modules, name.lower(), wrap(module))
            qt_application.moduleManager().loaded[name] = module
        qt_application.testing = True
        qt_application.start(logic, folder)
        dialogs.forget()
        signals.slot_errors.clear()
        fakes.requests.pip.clear()
        fakes.requests.torch.clear()
        host = SlicerHost(qt_application, slicer.mrmlScene)
        try:
            yield host
        finally:
            for name in [
                name for name, module in qt_application.moduleManager().loaded.items() if isinstance(module, ScriptedModule)
            ]:
                host.close_module(name)
            host.main_window.deleteLater()
            qt_application.stop()
            settle()
            gc.collect()
            with captured_vtk_messages():  # the subject hierarchy complains of the scene that goes
                slicer.mrmlScene.Clear(True)
                for name in _LOGICS:
                    logic.SetModuleLogic(name, None)
                for each in owned:
                    each.SetMRMLScene(None)


def settle() -> None:
    """Let deferred deletions and pending events happen."""
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()


@contextmanager
def _names_installed() -> Iterator[None]:
    """Put `qt`, `ctk` and Slicer's Python modules in place; take away what slicer-core has and the application lacks.

    The wheel copies the functions of `slicer.util` into `slicer`; code that relies on it fails in the application, so here.
    """
    made: dict[str, ModuleType | type] = {
        "qt": _lazy_module("qt", QT_CLASSES),
        "ctk": _lazy_module("ctk", {name: "" for name in SLICER_CLASSES if name.startswith("ctk")}),
        "slicer.ScriptedLoadableModule": scripted_loadable_module,
        "slicer.parameterNodeWrapper": parameter_node_wrapper,
        "slicer.i18n": fakes.translation_module(),
        "slicer.packaging": fakes.packaging_module(),
        "PyTorchUtils": fakes.torch_module(),
        "SampleData": fakes.sample_data_module(),
    }
    modules_before = {name: sys.modules.get(name) for name in made}
    names_before = dict(vars(slicer))
    path_before = list(sys.path)
    try:
        for name in slicer.util.__all__:
            vars(slicer).pop(name, None)
        for name, module in made.items():
            sys.modules[name] = module  # type: ignore[assignment]
            if name.startswith("slicer."):
                setattr(slicer, name.removeprefix("slicer."), module)
        for name in SLICER_CLASSES:
            if name.startswith("q"):
                setattr(slicer, name, wrapper_class(name))
        yield
    finally:
        vars(slicer).clear()
        vars(slicer).update(names_before)
        sys.path[:] = path_before
        for name, module in modules_before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module


def _lazy_module(name: str, classes: dict[str, str]) -> ModuleType:
    """A module whose attributes are the wrapped classes of these names."""
    made = ModuleType(name)

    def find(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if attribute not in classes:
            raise AttributeError(f"{name}.{attribute}: not in the tables of Testing/host/api")
        return wrapper_class(attribute)

    made.__getattr__ = find  # type: ignore[method-assign]
    return made


def _real_logics(folder: str) -> tuple[Any, list[Any]]:
    """An application logic with a new scene, its module logics, and access to files; and all that must let go of the scene."""
    scene, logic = slicer.vtkMRMLScene(), slicer.vtkSlicerApplicationLogic()
    scene.SetVersion("Slicer 5.12.0 0")
    logic.SetTemporaryPath(folder)
    logic.SetMRMLScene(scene)
    owned = []
    for name, class_name in _LOGICS.items():
        made = getattr(slicer, class_name)()
        made.SetMRMLApplicationLogic(logic)
        logic.SetModuleLogic(name, made)
        if name != "Terminologies":  # with a scene it would look for files of the application that slicer-core lacks
            made.SetMRMLScene(scene)
        owned.append(made)
    return logic, [*owned, *file_access(scene, logic, folder), logic]
