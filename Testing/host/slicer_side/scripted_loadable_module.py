"""`slicer.ScriptedLoadableModule`: the base classes of scripted modules, with the behaviour that modules rely on.

Public interface after Slicer: Base/Python/slicer/ScriptedLoadableModule.py. The developer's section (reload buttons) is left
out: the host runs with developer mode off.
"""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import Any

import slicer

from Testing.host.pythonqt.wrapper import wrapper_class

__all__ = [
    "ScriptedLoadableModule",
    "ScriptedLoadableModuleLogic",
    "ScriptedLoadableModuleTest",
    "ScriptedLoadableModuleWidget",
]


class ScriptedLoadableModule:
    """What Slicer knows of a module before its panel is opened."""

    def __init__(self, parent: Any) -> None:
        super().__init__()
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title = ""
        parent.categories = []
        parent.dependencies = []
        parent.contributors = []
        parent.helpText = ""
        parent.acknowledgementText = ""
        if not hasattr(slicer, "selfTests"):
            slicer.selfTests = {}
        slicer.selfTests[self.moduleName] = self.runTest

    def resourcePath(self, filename: str) -> str:
        """Absolute path of a file in the module's `Resources`."""
        return _resource_path(self.parent.path, filename)

    def getDefaultModuleDocumentationLink(self, docPage: str | None = None) -> str:
        """A sentence that links to Slicer's documentation of the module."""
        url = slicer.app.documentationBaseUrl + docPage if docPage else slicer.app.moduleDocumentationUrl(self.moduleName)
        return f'<p>For more information see the <a href="{url}">online documentation</a>.</p>'

    def runTest(self, msec: int = 100, **keywords: Any) -> None:
        """Run the module's self-test."""
        name = f"{self.moduleName}Test"
        kind = getattr(sys.modules[type(self).__module__], name, None)
        if kind is None:
            raise AssertionError(f"Test case class not found: {type(self).__module__}.{name}")
        test = kind()
        test.messageDelay = msec
        test.runTest(**keywords)


class ScriptedLoadableModuleWidget:
    """The Python side of a module's panel."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        self.parent = parent if parent is not None else _own_parent()
        self.layout = self.parent.layout()
        if parent is None:
            self.setup()
            self.parent.show()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename: str) -> str:
        """Absolute path of a file in the module's `Resources`."""
        return _resource_path(slicer.util.modulePath(self.moduleName), filename)

    def setup(self) -> None:
        """Build the panel."""

    def cleanup(self) -> None:
        """Called before the module is unloaded or reloaded."""

    def _onModuleAboutToBeUnloaded(self, name: str) -> None:
        if name == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def onReload(self) -> None:
        """Load the source anew and build the panel again."""
        slicer.util.reloadScriptedModule(self.moduleName)


class ScriptedLoadableModuleLogic:
    """What a module can do without its panel."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        """The module's parameter node; a new one where the scene has none."""
        if self.isSingletonParameterNode:
            node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
            if node is not None:
                node.SetAttribute("ModuleName", self.moduleName)
                return node
        for node in self.getAllParameterNodes() if not self.isSingletonParameterNode else ():
            return node
        return slicer.mrmlScene.AddNode(self.createParameterNode())

    def getAllParameterNodes(self) -> list[Any]:
        """Every parameter node of this module in the scene."""
        found = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in found if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self) -> Any:
        """A new parameter node, not yet in the scene."""
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Base of a module's self-test."""

    messageDelay = 0

    def runTest(self) -> None:
        """Overridden by the module."""

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
        """Log a message; nothing is shown."""
        slicer.util.delayDisplay(message, 0)

    def setUp(self) -> None:
        """Start with an empty scene."""
        slicer.mrmlScene.Clear()


def _own_parent() -> Any:
    made = slicer.qMRMLWidget()
    made.setLayout(wrapper_class("QVBoxLayout")())
    made.setMRMLScene(slicer.mrmlScene)
    return made


def _resource_path(module_path: str, filename: str) -> str:
    return str(Path(module_path).parent / "Resources" / filename)
