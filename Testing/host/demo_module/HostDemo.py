"""A scripted module as Slicer's template makes them; it counts the voxels of a volume above a threshold."""

from typing import Annotated

import qt
import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class HostDemo(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Host Demo")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Examples")]
        self.parent.contributors = ["CardiacMTL contributors"]
        self.parent.helpText = _("Counts voxels.")
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="HostDemo", sampleName="Demo", customDownloader=lambda s: None
    )


@parameterNodeWrapper
class HostDemoParameterNode:
    inputVolume: vtkMRMLScalarVolumeNode
    threshold: Annotated[float, WithinRange(0, 1000), Default(100)]
    above: bool = True
    device: Annotated[str, Choice(["auto", "gpu", "cpu"])] = "auto"


class HostDemoWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._guiTag = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/HostDemo.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = HostDemoLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.ui.countButton.connect("clicked(bool)", self.onCountButton)
        self.process = qt.QProcess()
        self.process.connect("readyReadStandardOutput()", self.onOutput)
        self.initializeParameterNode()

    def cleanup(self):
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self):
        self.initializeParameterNode()

    def exit(self):
        self.setParameterNode(None)

    def onSceneStartClose(self, caller, event):
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isVisible():
            self.initializeParameterNode()

    def initializeParameterNode(self):
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, node):
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onModified)
        self._parameterNode = node
        if node:
            self._guiTag = node.connectGui(self.ui)
            self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self.onModified)
            self.onModified()

    def onModified(self, caller=None, event=None):
        self.ui.countButton.enabled = self._parameterNode is not None and self._parameterNode.inputVolume is not None

    def onCountButton(self):
        with slicer.util.tryWithErrorDisplay(_("Failed to count.")):
            parameters = self._parameterNode
            count = self.logic.count(parameters.inputVolume, parameters.threshold, parameters.above)
            self.ui.resultLabel.text = _("{count} voxels").format(count=count)

    def onOutput(self):
        self.ui.resultLabel.text = self.process.readAllStandardOutput().data().decode().strip()


class HostDemoLogic(ScriptedLoadableModuleLogic):
    def getParameterNode(self):
        return HostDemoParameterNode(super().getParameterNode())

    def count(self, volume, threshold, above):
        voxels = slicer.util.arrayFromVolume(volume)
        return int((voxels > threshold).sum() if above else (voxels <= threshold).sum())


class HostDemoTest(ScriptedLoadableModuleTest):
    def runTest(self):
        self.setUp()
        assert HostDemoLogic().getParameterNode().threshold == 100
