"""The classes of Slicer and CTK that this host stands in for, with the public names that their headers give them.

`Slicer:` stands for github.com/Slicer/Slicer, `CTK:` for github.com/commontk/CTK. Inherited names are those of the base.
Signals and slots are written with their signatures, as `connect` and a .ui file's `<connections>` name them. A name that a
class has in reality but that its stand-in does not offer is refused too, in other words than one that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ApiClass:
    """The public interface of one class."""

    header: str
    base: str
    properties: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    slots: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Gather every name that an instance has beyond those of its base."""
        called = {signature.partition("(")[0] for signature in (*self.slots, *self.signals)}
        object.__setattr__(self, "names", self.properties | self.methods | called)


def _api(header: str, base: str, *, properties: str = "", methods: str = "", slots: str = "", signals: str = "") -> ApiClass:
    """One entry; each text lists names or signatures, parted by blanks."""
    return ApiClass(
        header, base, frozenset(properties.split()), frozenset(methods.split()), tuple(slots.split()), tuple(signals.split())
    )


_MRML = "Slicer: Libs/MRML/Widgets/"
_SEQUENCES = "Slicer: Modules/Loadable/Sequences/Widgets/"

SLICER_CLASSES = {
    "qMRMLWidget": _api(
        _MRML + "qMRMLWidget.h",
        "QWidget",
        methods="mrmlScene preInitializeApplication postInitializeApplication pixmapFromIcon",
        slots="setMRMLScene(vtkMRMLScene*)",
        signals="mrmlSceneChanged(vtkMRMLScene*)",
    ),
    "qMRMLNodeComboBox": _api(
        _MRML + "qMRMLNodeComboBox.h",
        "QWidget",
        properties="currentNodeID currentNodeId nodeTypes showHidden showChildNodeTypes hideChildNodeTypes baseName "
        "noneEnabled addEnabled removeEnabled editEnabled renameEnabled interactionNodeSingletonTag selectNodeUponCreation "
        "noneDisplay sizeAdjustPolicy",
        methods="mrmlScene setNodeTypes setShowHidden setShowChildNodeTypes setHideChildNodeTypes addAttribute "
        "removeAttribute setBaseName setNodeTypeLabel nodeTypeLabel nodeCount nodeFromIndex currentNode "
        "setSelectNodeUponCreation setNoneEnabled setAddEnabled setRemoveEnabled setEditEnabled setRenameEnabled "
        "setNoneDisplay nodes model sortFilterProxyModel sceneModel nodeFactory setSizeAdjustPolicy addMenuAction "
        "setInteractionNodeSingletonTag",
        slots="setMRMLScene(vtkMRMLScene*) setCurrentNode(vtkMRMLNode*) setCurrentNode(QString) setCurrentNodeID(QString) "
        "setCurrentNodeIndex(int) addNode(QString) addNode() removeCurrentNode() editCurrentNode() "
        "renameCurrentNode()",
        signals="currentNodeChanged(vtkMRMLNode*) currentNodeChanged(bool) currentNodeIDChanged(QString) "
        "nodeActivated(vtkMRMLNode*) nodeAdded(vtkMRMLNode*) nodeAddedByUser(vtkMRMLNode*) "
        "nodeAddedByUserAction(vtkMRMLNode*) nodeAboutToBeRemoved(vtkMRMLNode*) nodeAboutToBeEdited(vtkMRMLNode*)",
    ),
    "qMRMLTableView": _api(
        _MRML + "qMRMLTableView.h",
        "QTableView",
        properties="transposed firstRowLocked firstColumnLocked",
        methods="mrmlScene mrmlTableViewNode mrmlTableNode tableModel sortFilterProxyModel selectedMRMLTableColumnIndices",
        slots="setMRMLScene(vtkMRMLScene*) setMRMLTableViewNode(vtkMRMLTableViewNode*) setMRMLTableNode(vtkMRMLTableNode*) "
        "setMRMLTableNode(vtkMRMLNode*) setTransposed(bool) setFirstRowLocked(bool) setFirstColumnLocked(bool) "
        "copySelection() pasteSelection() plotSelection() insertRow() insertColumn() deleteRow() deleteColumn()",
        signals="mrmlSceneChanged(vtkMRMLScene*) selectionChanged()",
    ),
    "ctkVTKChartView": _api(
        "CTK: Libs/Visualization/VTK/Widgets/ctkVTKChartView.h",
        "QWidget",
        properties="title",
        methods="addPlot chart scene setTitle setAxesToChartBounds boundAxesToChartBounds",
        signals="plotAdded(vtkPlot*) boundsChanged()",
    ),
    "qMRMLPlotView": _api(
        _MRML + "qMRMLPlotView.h",
        "ctkVTKChartView",
        methods="mrmlScene mrmlPlotViewNode",
        slots="setMRMLScene(vtkMRMLScene*) setMRMLPlotViewNode(vtkMRMLPlotViewNode*) fitToContent() RemovePlotSelections() "
        "saveAsSVG(QString)",
        signals="mrmlSceneChanged(vtkMRMLScene*) dataSelected(vtkStringArray*,vtkCollection*)",
    ),
    "qMRMLPlotWidget": _api(
        _MRML + "qMRMLPlotWidget.h",
        "qMRMLWidget",
        methods="mrmlPlotViewNode mrmlAbstractViewNode plotView viewWidget plotController controllerWidget",
        slots="setMRMLPlotViewNode(vtkMRMLPlotViewNode*) setMRMLAbstractViewNode(vtkMRMLAbstractViewNode*)",
    ),
    "qMRMLThreeDWidget": _api(
        _MRML + "qMRMLThreeDWidget.h",
        "qMRMLWidget",
        methods="threeDController controllerWidget mrmlViewNode mrmlAbstractViewNode viewLogic logic threeDView viewWidget "
        "addDisplayableManager getDisplayableManagers setQuadBufferStereoSupportEnabled",
        slots="setMRMLViewNode(vtkMRMLViewNode*) setMRMLAbstractViewNode(vtkMRMLAbstractViewNode*)",
    ),
    "qMRMLSliceWidget": _api(
        _MRML + "qMRMLSliceWidget.h",
        "qMRMLWidget",
        properties="sliceOrientation sliceViewName sliceViewLabel sliceViewColor",
        methods="sliceController mrmlSliceNode sliceLogic imageDataConnection mrmlSliceCompositeNode interactorStyle "
        "overlayCornerAnnotation setSliceLogics sliceView",
        slots="setMRMLSliceNode(vtkMRMLSliceNode*) setImageDataConnection(vtkAlgorithmOutput*) setSliceOrientation(QString) "
        "fitSliceToBackground()",
        signals="nodeAboutToBeEdited(vtkMRMLNode*)",
    ),
    "qMRMLSliceControllerWidget": _api(
        _MRML + "qMRMLSliceControllerWidget.h",
        "qMRMLWidget",
        properties="sliceViewName",
        methods="isLinked isCompareView sliceOrientation mrmlSliceNode mrmlSliceCompositeNode sliceLogic",
        slots="setMRMLSliceNode(vtkMRMLSliceNode*) fitSliceToBackground() setSliceOrientation(QString) "
        "setSliceOffsetValue(double) setSliceVisible(bool) setSliceLink(bool) setHotLinked(bool) "
        "rotateSliceToBackground()",
    ),
    "qMRMLLayoutManager": _api(
        _MRML + "qMRMLLayoutManager.h",
        "QObject",
        properties="enabled layout threeDViewCount chartViewCount tableViewCount plotViewCount",
        methods="registerViewFactory mrmlViewFactories mrmlViewFactory mrmlScene viewWidget sliceWidget threeDWidget "
        "sliceViewNames chartWidget tableWidget plotWidget mrmlSliceLogics mrmlViewLogics setMRMLColorLogic "
        "mrmlColorLogic layoutLogic activeMRMLThreeDViewNode activeMRMLPlotViewNode activeMRMLTableViewNode",
        slots="setEnabled(bool) setMRMLScene(vtkMRMLScene*) setLayout(int) setLayoutNumberOfCompareViewRows(int) "
        "setLayoutNumberOfCompareViewColumns(int) resetThreeDViews() resetSliceViews() setRenderPaused(bool) "
        "pauseRender() resumeRender()",
        signals="layoutChanged(int) nodeAboutToBeEdited(vtkMRMLNode*)",
    ),
    "qMRMLSequenceBrowserPlayWidget": _api(
        _SEQUENCES + "qMRMLSequenceBrowserPlayWidget.h",
        "qMRMLWidget",
        properties="RecordingControlsVisible PlayPauseShortcut PreviousFrameShortcut NextFrameShortcut",
        slots="setMRMLSequenceBrowserNode(vtkMRMLSequenceBrowserNode*) setMRMLSequenceBrowserNode(vtkMRMLNode*) "
        "setPlaybackEnabled(bool) setRecordingEnabled(bool) setPlaybackRateFps(double) setPlaybackLoopEnabled(bool) "
        "setRecordingControlsVisible(bool) setPlayPauseShortcut(QString) setPreviousFrameShortcut(QString) "
        "setNextFrameShortcut(QString) onVcrFirst() onVcrPrevious() onVcrNext() onVcrLast() onVcrPlayPause() "
        "onRecordSnapshot()",
    ),
    "qMRMLSequenceBrowserSeekWidget": _api(
        _SEQUENCES + "qMRMLSequenceBrowserSeekWidget.h",
        "qMRMLWidget",
        methods="slider",
        slots="setMRMLSequenceBrowserNode(vtkMRMLNode*) setMRMLSequenceBrowserNode(vtkMRMLSequenceBrowserNode*) "
        "setSelectedItemNumber(int)",
    ),
    "ctkCollapsibleButton": _api(
        "CTK: Libs/Widgets/ctkCollapsibleButton.h",
        "QAbstractButton",
        properties="collapsed collapsedHeight contentsFrameShape contentsFrameShadow contentsLineWidth contentsMidLineWidth "
        "buttonTextAlignment indicatorAlignment",
        methods="setCollapsed setCollapsedHeight setContentsFrameShape setContentsFrameShadow setContentsLineWidth "
        "setContentsMidLineWidth setButtonTextAlignment setIndicatorAlignment",
        signals="contentsCollapsed(bool)",
    ),
    "ctkDoubleSpinBox": _api(
        # a QWidget around a QDoubleSpinBox, not a kind of one: a parameter node wrapper cannot bind it
        "CTK: Libs/Widgets/ctkDoubleSpinBox.h",
        "QWidget",
        properties="alignment frame readOnly prefix suffix cleanText decimals decimalsOption minimum maximum singleStep value "
        "setMode sizeHintPolicy invertedControls",
        methods="setPrefix setSuffix setDecimals setMinimum setMaximum setRange setSingleStep setInvertedControls spinBox "
        "lineEdit text selectAll clear",
        slots="setValue(double)",
        signals="valueChanged(double) decimalsChanged(int)",
    ),
    "ctkMessageBox": _api(
        "CTK: Libs/Widgets/ctkMessageBox.h",
        "QMessageBox",
        properties="dontShowAgain dontShowAgainSettingsKey dontShowAgainVisible",
        methods="setDontShowAgainSettingsKey setDontShowAgainVisible isDontShowAgainVisible confirmExit",
        slots="setDontShowAgain(bool)",
    ),
    "qSlicerApplication": _api(
        # also Slicer: Base/QTCore/qSlicerCoreApplication.h, Base/QTCore/qSlicerBaseQTCorePythonQtDecorators.h (testingEnabled)
        "Slicer: Base/QTGUI/qSlicerApplication.h",
        "QApplication",
        properties="slicerHome defaultScenePath slicerSharePath temporaryPath cachePath startupWorkingPath intDir isInstalled "
        "releaseType repositoryUrl repositoryRevision revision majorVersion minorVersion documentationBaseUrl "
        "documentationVersion documentationLanguage platform arch os mainApplicationName mainApplicationMajorVersion "
        "mainApplicationMinorVersion mainApplicationPatchVersion extensionsInstallPath slicerUserSettingsFilePath "
        "launcherExecutableFilePath",
        methods="startupEnvironment environment setEnvironmentVariable mrmlScene applicationLogic moduleLogic moduleManager "
        "ioManager coreIOManager layoutManager setLayoutManager defaultSettings userSettings settings "
        "revisionUserSettings pythonManager pythonConsole commandOptions testingEnabled moduleDocumentationUrl "
        "errorLogModel dicomDatabase extensionsManagerModel settingsDialog openSettingsDialog setTemporaryPath "
        "setCachePath",
        slots="setRenderPaused(bool) pauseRender() resumeRender() restart() openNodeModule(vtkMRMLNode*)",
        signals="startupCompleted() mrmlSceneChanged(vtkMRMLScene*) urlReceived(QString) renderPaused(bool)",
    ),
    "qSlicerModuleManager": _api(
        "Slicer: Base/QTCore/qSlicerModuleManager.h",
        "QObject",
        methods="printAdditionalInfo factoryManager modulesNames module",
        signals="moduleLoaded(QString) moduleAboutToBeUnloaded(QString)",
    ),
    "qSlicerAbstractCoreModule": _api(
        "Slicer: Base/QTCore/qSlicerAbstractCoreModule.h",
        "QObject",
        properties="name title categories index hidden widgetRepresentationCreationEnabled helpText acknowledgementText "
        "contributors slicerWikiUrl defaultDocumentationLink dependencies path isInstalled isBuiltIn "
        "associatedNodeTypes",
        methods="logic mrmlScene widgetRepresentation createNewWidgetRepresentation",
        slots="setMRMLScene(vtkMRMLScene*)",
    ),
    "qSlicerScriptedLoadableModule": _api(
        "Slicer: Base/QTGUI/qSlicerScriptedLoadableModule.h",
        "qSlicerAbstractCoreModule",
        properties="extensions icon",
        methods="setTitle setCategories setContributors setAssociatedNodeTypes setHelpText setAcknowledgementText "
        "setExtensions setIcon setDependencies setIndex setHidden",
    ),
    "qSlicerScriptedLoadableModuleWidget": _api(
        # reload() is called by Slicer: Base/Python/slicer/util.py (reloadScriptedModule)
        "Slicer: Base/QTGUI/qSlicerScriptedLoadableModuleWidget.h",
        "qMRMLWidget",
        properties="moduleName",
        methods="self enter exit setEditedNode nodeEditable reload",
    ),
    "qSlicerMainWindow": _api(
        "Slicer: Base/QTApp/qSlicerMainWindow.h",
        "QMainWindow",
        methods="moduleSelector pythonConsole errorLogWidget layoutMaximizedViewNode",
        signals="initialWindowShown()",
    ),
    "qSlicerModuleSelectorToolBar": _api(
        # selectedModule is read by Slicer: Base/Python/slicer/util.py (selectedModule)
        "Slicer: Base/QTGUI/qSlicerModuleSelectorToolBar.h",
        "QToolBar",
        properties="selectedModule",
        methods="modulesMenu",
        slots="selectModule(QString) selectNextModule() selectPreviousModule()",
        signals="moduleSelected(QString)",
    ),
}
"""Class -> its public interface."""
