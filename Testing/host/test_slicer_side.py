"""`slicer.app`, `slicer.util`, `slicer.modules`, the layout, and the seams to the outer world."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer


@pytest.fixture
def scene(slicer_host: Any) -> Any:
    yield slicer_host.scene
    slicer_host.application.testing = True
    slicer_host.dialogs.forget()
    slicer_host.scene.Clear(False)


def test_functions_of_slicer_util_are_not_in_slicer_itself(scene: Any) -> None:
    assert not hasattr(slicer, "getNode")
    assert callable(slicer.util.getNode)


def test_slices_turn_to_the_plane_of_a_volume_and_fit_it(scene: Any) -> None:
    along, down = np.cos(0.3), np.sin(0.3)
    ijk_to_ras = slicer.util.vtkMatrixFromArray(
        np.array([[2, 0, 0, 0], [0, 2 * along, -2 * down, 0], [0, 2 * down, 2 * along, 0], [0, 0, 0, 1]])
    )
    volume = slicer.util.addVolumeFromArray(np.ones((4, 20, 30)), ijkToRAS=ijk_to_ras)
    slicer.util.setSliceViewerLayers(background=volume, fit=True, rotateToVolumePlane=True)
    red = slicer.app.layoutManager().sliceWidget("Red")
    assert red.mrmlSliceCompositeNode().GetBackgroundVolumeID() == volume.GetID()
    normal = [abs(red.mrmlSliceNode().GetSliceToRAS().GetElement(row, 2)) for row in range(3)]
    assert normal == pytest.approx([0, down, along])
    assert red.mrmlSliceNode().GetFieldOfView()[0] >= 40
    slicer.util.resetSliceViews()


def test_a_layout_of_ones_own_has_its_views_and_tells(scene: Any) -> None:
    manager, heard = slicer.app.layoutManager(), []
    manager.connect("layoutChanged(int)", heard.append)
    before = manager.layout
    views = "".join(f'<item><view class="vtkMRMLSliceNode" singletontag="{name}"/></item>' for name in ("ED", "ES"))
    node = manager.layoutLogic().GetLayoutNode()
    node.AddLayoutDescription(5010, f'<layout type="horizontal">{views}</layout>')
    manager.setLayout(5010)
    assert {"ED", "ES"} <= set(manager.sliceViewNames())
    controller = manager.sliceWidget("ED").sliceController()
    controller.setSliceLink(True)
    assert controller.isLinked()
    manager.layout = before
    assert heard == [5010, before]


def test_views_are_there_again_after_the_scene_was_closed(scene: Any) -> None:
    scene.Clear(False)
    assert {"Red", "Green", "Yellow"} <= set(slicer.app.layoutManager().sliceViewNames())
    assert slicer.app.layoutManager().mrmlSliceLogics().GetNumberOfItems() >= 3


def test_render_blocks_are_paired(scene: Any, slicer_host: Any) -> None:
    with slicer.util.RenderBlocker():
        assert slicer_host.application.render_pauses == 1
    assert slicer_host.application.render_pauses == 0


def test_in_testing_mode_confirm_boxes_say_no_and_errors_are_logged_only(scene: Any, caplog: Any) -> None:
    assert slicer.util.confirmYesNoDisplay("Sure?") is False
    slicer.util.errorDisplay("Broken.")
    assert "Broken." in caplog.text


def test_outside_testing_mode_a_box_is_asked_and_answered(scene: Any, slicer_host: Any) -> None:
    import qt

    slicer_host.application.testing = False
    slicer_host.dialogs.answers.append(qt.QMessageBox.Yes)
    assert slicer.util.confirmYesNoDisplay("Sure?") is True
    assert slicer.util.confirmYesNoDisplay("Sure?") is False
    with pytest.raises(ZeroDivisionError), slicer.util.tryWithErrorDisplay("Failed.", waitCursor=True):
        _ = 1 / 0
    assert "Failed." in slicer_host.dialogs.asked[-1].text


def test_the_main_window_is_found(scene: Any) -> None:
    assert slicer.util.mainWindow().className() == "qSlicerMainWindow"
    assert slicer.util.showStatusMessage("ready", 10) is True
    with pytest.raises(RuntimeError):
        slicer.util.pythonShell()


def test_module_logics_are_reached_in_every_way(scene: Any) -> None:
    logic = slicer.modules.sequences.logic()
    assert logic.GetClassName() == "vtkSlicerSequencesLogic"
    assert slicer.util.getModuleLogic("Sequences") is logic
    assert slicer.app.moduleLogic("Sequences") is logic


def test_console_processes_report_lines_and_their_end(scene: Any, wait_until: Any) -> None:
    lines, codes = [], []
    process = slicer.util.launchConsoleProcess(
        [sys.executable, "-c", "print('step 1', flush=True); print('step 2')"],
        blocking=False,
        logCallback=lines.append,
        completedCallback=codes.append,
    )
    wait_until(lambda: codes, 20)
    process.stdout.close()
    assert (lines, codes) == (["step 1", "step 2"], [0])


def test_nothing_is_installed_but_the_wish_is_kept(scene: Any, slicer_host: Any, tmp_path: Path) -> None:
    import PyTorchUtils
    import slicer.packaging

    (tmp_path / "requirements.txt").write_text("# ours\nsafetensors>=0.5\n", encoding="utf-8")
    wanted = slicer.packaging.load_requirements(tmp_path / "requirements.txt")
    slicer.packaging.pip_ensure(wanted, requester="CardiacMTL")
    assert PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True, torchVersionRequirement=">=2.10") is None
    assert [(name, [str(each) for each in what]) for name, what, _ in slicer_host.requests.pip] == [
        ("pip_ensure", ["safetensors>=0.5"])
    ]
    assert slicer_host.requests.torch == [{"askConfirmation": True, "torchVersionRequirement": ">=2.10"}]


class Sex(enum.Enum):
    UNKNOWN = "unknown"
    F = "female"
    M = "male"


def parameters_of(annotations: dict[str, Any], **defaults: Any) -> Any:
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    cls = type("Parameters", (), {"__annotations__": annotations, **defaults})
    return parameterNodeWrapper(cls)(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))


def test_parameters_are_kept_as_slicer_writes_them(scene: Any) -> None:
    from slicer.parameterNodeWrapper import Default, Minimum

    volume_class = slicer.vtkMRMLScalarVolumeNode
    parameters = parameters_of(
        {
            "count": Annotated[int, Minimum(0), Default(3)],
            "rate": float,
            "name": str,
            "sex": Sex,
            "folder": Path,
            "volume": volume_class,
        }
        | {"either": volume_class | slicer.vtkMRMLSequenceNode | None, "height": float | None},
        name="cine",
    )
    node = parameters.parameterNode
    assert (parameters.count, parameters.rate, parameters.sex, parameters.height) == (3, 0.0, Sex.UNKNOWN, None)
    parameters.sex, parameters.folder, parameters.height = Sex.M, Path("a b"), 172.5
    assert [node.GetParameter(name) for name in ("count", "sex", "folder", "height_0")] == ["3", "M", "a b", "172.5"]
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    parameters.volume = parameters.either = volume
    assert node.GetNodeReference("volume") is parameters.volume is parameters.either is volume
    scene.RemoveNode(volume)
    assert parameters.volume is None
    for name, value, error in (
        ("count", -1, ValueError),
        ("count", "x", TypeError),
        ("count", None, ValueError),
        ("volume", 5, TypeError),
    ):
        with pytest.raises(error):
            setattr(parameters, name, value)


def test_what_slicer_cannot_bind_is_refused_here(scene: Any) -> None:
    import ctk
    import qt

    parameters = parameters_of({"weight": float, "male": bool})
    for name, widget in (("weight", ctk.ctkDoubleSpinBox()), ("male", qt.QRadioButton())):
        with pytest.raises(RuntimeError, match="Unable to create GUI connector"):
            parameters.connectParametersToGui({name: widget})
    with pytest.raises(ValueError, match="Cannot find a param"):
        parameters.connectParametersToGui({"none": qt.QCheckBox()})


def test_a_disconnected_control_no_longer_changes_the_parameter(scene: Any) -> None:
    import qt

    parameters = parameters_of({"weight": float, "note": str, "sex": Sex})
    box, line, combo = qt.QDoubleSpinBox(), qt.QLineEdit(), qt.QComboBox()
    tag = parameters.connectParametersToGui({"weight": box, "note": line, "sex": combo})
    box.value, line.text, combo.currentIndex = 70.5, "small", 1
    assert (parameters.weight, parameters.note, parameters.sex) == (70.5, "small", Sex.F)
    parameters.disconnectGui(tag)
    box.value = 80
    assert parameters.weight == 70.5


def test_the_process_is_as_before_when_the_host_is_gone(scene: Any) -> None:
    from Testing.host.host import _names_installed

    with _names_installed():
        assert "qt" in sys.modules
    assert "slicer" in sys.modules
    assert hasattr(slicer, "app")
