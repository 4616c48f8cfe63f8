"""A genuine scripted module lives in the host as it would in Slicer."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

DEMO = Path(__file__).parent / "demo_module" / "HostDemo.py"


def add_volume(name: str = "Cine frame") -> Any:
    return slicer.util.addVolumeFromArray(np.arange(0, 240, 10, dtype=np.int16).reshape(2, 3, 4), name=name)


def test_a_person_chooses_a_volume_clicks_and_reads_the_result(open_module: Any) -> None:
    panel = open_module(DEMO)
    assert not panel.find("countButton").isEnabled()
    volume = add_volume()
    panel.choose("inputSelector", volume)
    assert slicer.modules.HostDemoWidget._parameterNode.inputVolume is volume
    panel.click("countButton")
    assert panel.see("resultLabel").text == "13 voxels"


def test_controls_follow_the_parameter_node_and_it_follows_them(open_module: Any) -> None:
    panel = open_module(DEMO)
    parameters = panel.module_widget._parameterNode
    panel.type_number("thresholdSpinBox", "55.5")
    panel.choose("deviceComboBox", "cpu")
    panel.click("aboveCheckBox")
    assert (parameters.threshold, parameters.device, parameters.above) == (55.5, "cpu", False)
    parameters.threshold = 7.0
    parameters.device = "gpu"
    assert panel.see("thresholdSpinBox").value == 7.0
    assert panel.see("deviceComboBox").currentText == "gpu"
    with pytest.raises(ValueError, match="within range"):
        parameters.threshold = 1001.0


def test_closing_the_scene_empties_the_panel_and_it_works_again(open_module: Any) -> None:
    panel = open_module(DEMO)
    panel.choose("inputSelector", add_volume())
    slicer.mrmlScene.Clear(0)
    assert panel.see("inputSelector").currentNode() is None
    assert not panel.find("countButton").isEnabled()
    panel.choose("inputSelector", add_volume("another"))
    panel.click("countButton")
    assert panel.see("resultLabel").text == "13 voxels"


def test_twenty_reloads_leak_neither_panels_nor_observers_of_the_scene(open_module: Any) -> None:
    panel = open_module(DEMO)
    panel.choose("inputSelector", add_volume())

    def observers() -> int:
        gc.collect()
        return str(slicer.mrmlScene).count("vtkObserver (")

    panel.reload()
    after_one = observers()
    for _ in range(20):
        panel.reload()
        assert panel.see("inputSelector").currentNode() is not None
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScriptedModuleNode") == 1
    # The old widgets stay hidden in the panel, as in Slicer, and those that look at the scene go on looking: five a reload.
    assert observers() - after_one == 20 * 2 * len(("NodeAdded", "NodeRemoved", "EndBatch", "EndClose", "EndImport"))


def test_the_self_test_of_the_module_runs(open_module: Any) -> None:
    open_module(DEMO)
    slicer.selfTests["HostDemo"]()


def test_a_frame_chosen_with_the_slider_shows_in_the_proxy_volume(open_module: Any, wait_until: Any) -> None:
    panel = open_module(DEMO)
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode")
    for index in range(3):
        volume = add_volume()
        sequence.SetDataNodeAtValue(volume, str(index * 25))
        slicer.mrmlScene.RemoveNode(volume)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "cine")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    panel.click("cineSection")
    panel.choose("browserSelector", browser)
    panel.see("seekWidget").slider().setValue(2)
    assert browser.GetSelectedItemNumber() == 2
    slicer.modules.sequences.logic().UpdateAllProxyNodes()
    browser.SetPlaybackRateFps(50)
    panel.see("playWidget").setPlaybackEnabled(True)
    wait_until(lambda: browser.GetSelectedItemNumber() != 2, 5)


def test_output_of_a_process_arrives_while_the_panel_stays_live(open_module: Any, wait_until: Any, panel_latency: Any) -> None:
    panel = open_module(DEMO)
    process = panel.module_widget.process
    code = "import time; print('one', end='', flush=True); time.sleep(2); print('two', end='', flush=True)"
    with panel_latency() as latency:
        process.start(sys.executable, ["-c", code])
        wait_until(lambda: panel.see("resultLabel").text == "one", 60)
        wait_until(lambda: panel.see("resultLabel").text == "two", 60)
    assert latency.busy_p99_ms < 100


def test_sample_data_is_registered_at_startup(open_module: Any, slicer_host: Any) -> None:
    open_module(DEMO)
    slicer.app.startupCompleted.emit()
    assert [source.sampleName for source in slicer.modules.sampleDataSources["HostDemo"]] == ["Demo"]


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("dark", [False, True])
def test_a_picture_shows_the_panel(open_module: Any, tmp_path: Path, scale: float, dark: bool) -> None:
    panel = open_module(DEMO)
    panel.choose("inputSelector", add_volume())
    image = panel.picture(tmp_path / "panel.png", scale=scale, dark=dark).toImage()
    assert image.width() == 400 * scale
    colours = {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
    assert len(colours) > 20
    assert (image.pixelColor(3, 3).lightness() < 128) == dark
