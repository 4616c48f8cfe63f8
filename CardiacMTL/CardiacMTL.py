"""The 3D Slicer module "Cardiac MR Segment & Diagnose": module, widget, logic and self-test, wired to the packages beside it.

Nothing heavy and nothing from elsewhere is imported when this file is loaded, so that the module always appears.
"""

import sys
from pathlib import Path
from typing import Annotated, Union

import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSequenceBrowserNode, vtkMRMLSequenceNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, Minimum, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

HOMEPAGE = "https://github.com/CardiacMTL/SlicerCardiacMTL"


class CardiacMTL(ScriptedLoadableModule):
    """What Slicer knows of the module before it is opened."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Cardiac MR Segment & Diagnose")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Cardiac")]
        parent.dependencies = ["Segmentations", "Sequences", "Terminologies"]
        parent.contributors = ["CardiacMTL contributors"]
        parent.helpText = _(
            "<p>Segments the ventricles and the myocardium in short-axis cine cardiac MR, measures them, and says which of "
            "five groups the study resembles most: "
            "normal, previous infarction, dilated or hypertrophic cardiomyopathy, abnormal "
            "right ventricle.</p><p>Choose a cine, or the volumes of ED and ES, and click Segment &amp; Diagnose. Look at the "
            "masks before you trust a number. For research use only.</p>"
            '<p>See the <a href="{homepage}#in-3d-slicer">documentation</a>.</p>'
        ).format(homepage=HOMEPAGE)
        parent.acknowledgementText = _(
            "<p>One network segments and diagnoses, after Snaauw G, Gong D, Maicas G, et al. End-to-End Diagnosis and "
            "Segmentation "
            "Learning from Cardiac Magnetic Resonance Imaging. ISBI 2019 (arXiv 1810.10117).</p><p>Trained on ACDC: Bernard O, "
            "Lalande A, Zotti C, et al. Deep Learning Techniques for Automatic MRI Cardiac Multi-Structures Segmentation and "
            "Diagnosis: Is the Problem Solved? IEEE TMI 37(11):2514-2525, 2018, doi 10.1109/TMI.2018.2837502. Please cite "
            "both.</p>"
            "<p>The code is under Apache-2.0. The model's weights keep the licence of ACDC, CC BY-NC-SA 4.0: no "
            "commercial use.</p>"
        )
        slicer.app.connect("startupCompleted()", onStartupCompleted)


def onStartupCompleted():
    """Register the sample study and our view layouts; a Slicer that was closed in one of these starts in a standard one."""
    from CardiacMTLPanel.reading_layout import ReadingLayout, register_layouts
    from CardiacMTLPanel.sample_data import register_sample_data

    register_sample_data(Path(__file__).parent / "Resources" / "Icons" / "CardiacMTL.png")
    register_layouts()
    ReadingLayout().leave(None)


@parameterNodeWrapper
class CardiacMTLParameterNode:
    """What the user chose; 0 is "not known", and frames count from 1."""

    cine: Union[vtkMRMLSequenceNode, vtkMRMLSequenceBrowserNode]
    edVolume: vtkMRMLScalarVolumeNode
    esVolume: vtkMRMLScalarVolumeNode
    edFrame: Annotated[int, Minimum(0)] = 0
    esFrame: Annotated[int, Minimum(0)] = 0
    heightCm: Annotated[float, WithinRange(0, 260)] = 0.0
    weightKg: Annotated[float, WithinRange(0, 400)] = 0.0
    sex: Annotated[str, Choice(["unknown", "F", "M"])] = "unknown"
    heartRateBpm: Annotated[float, WithinRange(0, 300)] = 0.0
    device: Annotated[str, Choice(["auto", "GPU", "CPU"])] = "auto"
    wholeCycle: bool = True
    highContrast: bool = False
    model: str = ""


class CardiacMTLWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: maps its controls to the parameter node and shows results."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = self.run = self.results = self.status = self.installation = self.export = self.sending = None
        self._parameterNode = self._guiTag = None
        self._inputKey = ""

    def setup(self):
        """Build the panel."""
        ScriptedLoadableModuleWidget.setup(self)
        from CardiacMTLLib.labels import Phase
        from CardiacMTLPanel.export_controller import ExportController
        from CardiacMTLPanel.installation import Installation
        from CardiacMTLPanel.messages import StatusLine
        from CardiacMTLPanel.reading_layout import register_layouts
        from CardiacMTLPanel.result_controller import ResultController
        from CardiacMTLPanel.run_controller import RunController
        from CardiacMTLPanel.send_controller import SendController

        panel = slicer.util.loadUI(self.resourcePath("UI/CardiacMTL.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = CardiacMTLLogic()
        self.status = StatusLine(self.ui.statusLabel)
        self.installation = Installation(self.ui, self.status, Path(self.resourcePath("requirements.txt")))
        register_layouts()
        self.results = ResultController(self.ui, self.status)
        self.run = RunController(self.ui, panel, self.status, self.onResults, self.updateControls)
        written = StatusLine(self.ui.exportStatusLabel)
        outward = (self.ui, panel, written, lambda: self.results.shown, Path(self.resourcePath("requirements.txt")).parent)
        self.export, self.sending = ExportController(*outward), SendController(*outward)
        self.results.on_show = self.onShown
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndImport)
        for button, action in (
            (self.ui.runButton, self.onRunButton),
            (self.ui.cancelButton, self.run.cancel),
            (self.ui.recomputeButton, self.results.recompute),
            (self.ui.layoutButton, self.results.toggle_layout),
            (self.ui.setupButton, self.onInstallButton),
            (self.ui.installTorchButton, self.onInstallButton),
            (self.ui.importModelButton, self.onImportModelButton),
            (self.ui.reportButton, self.export.write_report),
            (self.ui.exportDicomButton, self.export.write_dicom),
            (self.ui.openReportButton, self.export.open_report),
            (self.ui.echoButton, self.sending.echo),
            (self.ui.sendButton, self.sending.send),
            (self.ui.cancelSendButton, self.sending.cancel),
            (self.ui.toggleEdSliceButton, lambda: self.results.toggle_slice(Phase.ED)),
            (self.ui.toggleEsSliceButton, lambda: self.results.toggle_slice(Phase.ES)),
        ):
            button.connect("clicked(bool)", lambda _checked, action=action: action())
        self.ui.show3DButton.connect("clicked(bool)", self.results.show_3d)
        self.ui.playButton.connect("toggled(bool)", self.results.play)
        self.ui.highContrastCheckBox.connect("toggled(bool)", self.results.color)
        for edit in (self.ui.leftOutEdLineEdit, self.ui.leftOutEsLineEdit):
            edit.connect("textEdited(QString)", lambda _text: self.results.set_stale(True))
        self.ui.modelComboBox.connect("currentIndexChanged(int)", self.onModelChosen)
        self.initializeParameterNode()

    def cleanup(self):
        """Let go of everything, because the panel goes; a run is ended."""
        if self.run is not None:
            self.run.end_now()
        if self.sending is not None:
            self.export.stop()
            self.sending.end_now()
        if self.results is not None:
            self.results.leave_layout()
            self.results.stop_watching()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self):
        """The user opens the panel."""
        self.installation.show_missing()
        self.initializeParameterNode()
        self.run.warm_up()

    def exit(self):
        """The user goes to another module; a run goes on, and edits of the masks are still noticed."""

    def onReload(self):
        """Load the panel's packages anew, too (button of the developer mode)."""
        for name in [name for name in sys.modules if name.split(".")[0] == "CardiacMTLPanel"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def onSceneStartClose(self, caller, event):
        """Stop a run, for what it would show in goes."""
        if not self.run.running:
            self.status.say("")
        self.run.cancel(_("The scene was closed."))
        self.setParameterNode(None)
        self.results.leave_layout()
        self.results.show(None)

    def onSceneEndClose(self, caller, event):
        """Begin anew."""
        self.initializeParameterNode()

    def onSceneEndImport(self, caller, event):
        """Show the results that a loaded scene brings."""
        self.setParameterNode(None)
        self.initializeParameterNode()
        self.results.adopt_layout()

    def initializeParameterNode(self):
        """Follow the scene's parameter node, and choose the first cine where nothing is chosen."""
        parameters = self.logic.getParameterNode()
        if self._parameterNode is not None and self._parameterNode.parameterNode is parameters.parameterNode:
            return
        self.setParameterNode(parameters)
        with self.status.telling():
            from CardiacMTLPanel.chosen_input import first_cine

            if not self.chosen().nodes:
                parameters.cine = first_cine(slicer.mrmlScene)
            self.results.restore(self.chosen().results_in(slicer.mrmlScene))

    def setParameterNode(self, parameters):
        """Bind the controls to a parameter node, or to none."""
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.updateControls)
        self._parameterNode = parameters
        if parameters is not None:
            self._inputKey = self.chosen().key
            self._guiTag = parameters.connectGui(self.ui)
            self.installation.show_models(parameters.model)
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self.updateControls)
            self.updateControls()

    def chosen(self):
        """The nodes that are to be analysed."""
        from CardiacMTLPanel.chosen_input import ChosenInput

        parameters = self._parameterNode
        return ChosenInput() if parameters is None else ChosenInput(parameters.cine, parameters.edVolume, parameters.esVolume)

    def updateControls(self, caller=None, event=None):
        """Enable what can be used now; of newly chosen images show the results and what the DICOM headers say."""
        if self._parameterNode is None:
            return
        chosen = self.chosen()
        if chosen.key != self._inputKey:
            before, self._inputKey = self._inputKey, chosen.key
            self.logic.fillPatient(self._parameterNode, chosen, keepKnown=not before)
            with self.status.telling():
                self.results.restore(chosen.results_in(slicer.mrmlScene))
        has_cine, running = chosen.cine is not None, self.run.running
        self.ui.runButton.setEnabled(bool(chosen.nodes) and not running)
        for box in (self.ui.edFrameSpinBox, self.ui.esFrameSpinBox):
            box.setMaximum(chosen.frame_count() if has_cine else 9999)
            box.setEnabled(has_cine)
        for selector in (self.ui.edVolumeSelector, self.ui.esVolumeSelector):
            selector.setEnabled(not has_cine)
        self.ui.wholeCycleCheckBox.setEnabled(has_cine)
        self.status.hint("" if chosen.nodes else _("Choose a cine, or the volumes of ED and ES."))

    def onRunButton(self):
        """Start the analysis."""
        from CardiacMTLScene.segmentations import ColorSet

        parameters, chosen = self._parameterNode, self.chosen()
        colors = ColorSet.HIGH_CONTRAST if parameters.highContrast else ColorSet.STANDARD
        self.run.start(chosen, lambda: self.logic.job(parameters, chosen), colors)

    def onResults(self, results):
        """Show what a run found, in steps; only say so where other images were chosen meanwhile."""
        if results.study_name == self.chosen().results_in(slicer.mrmlScene):
            return self.results.reading(results)
        self.status.say(_("{study} are in the scene: choose their images to see them.").format(study=results.study_name))
        return iter(())

    def onShown(self):
        """Enable what can be done with the result that is shown now, or without one."""
        self.export.show_state()
        self.sending.show_state()

    def onInstallButton(self):
        """Install what is missing, while no worker has the packages loaded: Windows would not let them be replaced."""
        self.run.cool_down()
        self.installation.install()
        self.run.warm_up()

    def onImportModelButton(self):
        """Import a model from an archive and choose it."""
        name = self.installation.import_model()
        if name and self._parameterNode is not None:
            self._parameterNode.model = name

    def onModelChosen(self, index):
        """Keep the chosen model in the parameter node."""
        if self._parameterNode is not None and index >= 0:
            self._parameterNode.model = self.ui.modelComboBox.itemText(index)


class CardiacMTLLogic(ScriptedLoadableModuleLogic):
    """The module without its panel: these calls wait until all is done, and are meant for the console and for scripts."""

    def getParameterNode(self):
        """The typed parameter node of the scene."""
        return CardiacMTLParameterNode(super().getParameterNode())

    def segmentAndDiagnose(
        self,
        cineOrEdVolume,
        esVolume=None,
        *,
        edFrame=None,
        esFrame=None,
        heightCm=None,
        weightKg=None,
        sex=None,
        heartRateBpm=None,
        model=None,
        device="auto",
        wholeCycle=True,
        highContrast=False,
        progress=None,
    ):
        """Analyse a cine (sequence, browser or its volume), or the volumes of ED and ES; fill the scene, return the record.

        Frames count from 1. What is None is taken from DICOM headers where the application knows them. `progress` is called
        with a sentence and a fraction. Raises `CardiacMTLError` with one line that says what to do.
        """
        from CardiacMTLLib.volume import Patient, Sex
        from CardiacMTLPanel import console
        from CardiacMTLPanel.chosen_input import input_of

        record = console.analyse_and_show(
            input_of(cineOrEdVolume, esVolume),
            Patient(heightCm, weightKg, Sex(sex) if sex else None, heartRateBpm),
            (console.from_zero(edFrame), console.from_zero(esFrame)),
            lambda study: console.job(study, model, device, whole_cycle=wholeCycle),
            high_contrast=highContrast,
            progress=progress,
        )
        return dict(record)

    def recompute(self, studyName=None, *, leftOutEd="", leftOutEs=""):
        """Measure and diagnose anew from the corrected segmentations; return the corrected result record.

        `studyName` names results in the scene (the latest by default), the texts list slices to leave out, such as "1,2".
        """
        from CardiacMTLPanel import console

        return dict(console.recompute(studyName, leftOutEd, leftOutEs))

    def processFolder(self, inputRoot, outputRoot, *, model=None, device="auto", wholeCycle=False, resume=False, progress=None):
        """Analyse every study under `inputRoot`, as `cardiacmtl batch` does; return a summary with `done` and `failed`.

        `resume` goes on with a batch that was interrupted. `progress` as in `segmentAndDiagnose`.
        """
        from CardiacMTLPanel import console

        settings = console.batch_settings(model, device, whole_cycle=wholeCycle)
        return console.process_folder(Path(inputRoot), Path(outputRoot), settings, resume=resume, progress=progress)

    def job(self, parameters, chosen):
        """What the worker is asked for, by the choices in a parameter node."""
        from CardiacMTLPanel.console import job_of_choices

        return job_of_choices(parameters, chosen)

    def fillPatient(self, parameters, chosen, *, keepKnown):
        """Take over what is known of the patient of newly chosen images; `keepKnown` leaves values that stand there already."""
        from CardiacMTLPanel.console import known_of_patient

        found = known_of_patient(chosen)
        with slicer.util.NodeModify(parameters):
            for name, value in found.items():
                if not (keepKnown and getattr(parameters, name) not in (0, "unknown")):
                    setattr(parameters, name, value)


class CardiacMTLTest(ScriptedLoadableModuleTest):
    """The self-test inside the application; it needs neither a network nor PyTorch, and uses PyTorch where it is there."""

    def runTest(self):
        """Run all parts."""
        self.setUp()
        self.test_sampleStudyIsAnalysedOrSaysWhatIsMissing()

    def setUp(self):
        """Start with an empty scene."""
        slicer.mrmlScene.Clear()

    def test_sampleStudyIsAnalysedOrSaysWhatIsMissing(self):
        """The phantom's ED and ES are segmented, measured and corrected; without PyTorch the error says what to install."""
        from CardiacMTLPanel.self_test import check_sample_study

        check_sample_study(self, CardiacMTLLogic())
        self.delayDisplay("Test passed")
