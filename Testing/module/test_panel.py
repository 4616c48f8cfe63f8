"""The panel as a person uses it: choose, click, wait, read, and take a picture."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLLib.labels import Phase
from CardiacMTLScene.nodes import nodes_of_class
from CardiacMTLScene.volumes import add_volume, new_volume
from Testing.module.given import (
    erase_slice,
    finished_analysis,
    given_cine,
    given_volumes,
    labelled,
    short_study,
    shown_result,
    withheld,
)

MODULE = Path(__file__).resolve().parents[2] / "CardiacMTL" / "CardiacMTL.py"


def text(panel: Any, name: str) -> str:
    return str(panel.see(name).text)


def cells(panel: Any, row: int) -> list[str]:
    table = panel.see("measurementsTable")
    return [table.item(row, column).text() for column in range(table.columnCount)]


def ended(panel: Any) -> bool:
    return not panel.module_widget.run.running


def node_count() -> int:
    return int(slicer.mrmlScene.GetNumberOfNodes())


@pytest.mark.parametrize(("scale", "dark"), [(1.0, False), (2.0, True)])
def test_the_empty_panel_says_what_to_choose(open_module: Any, tmp_path: Path, scale: float, dark: bool) -> None:
    panel = open_module(MODULE)
    assert not panel.find("runButton").isEnabled()
    assert not panel.find("show3DButton").isEnabled()
    assert text(panel, "diagnosisLabel") == "No result yet."
    assert "research use only" in text(panel, "researchLabel")
    assert panel.root.sizeHint().width() <= 430
    panel.picture(tmp_path / "empty.png", scale=scale, dark=dark)


def test_the_first_cine_of_the_scene_is_chosen_by_itself(open_module: Any) -> None:
    cine = given_cine().sequence
    panel = open_module(MODULE)
    assert panel.see("cineSelector").currentNode() is cine
    assert panel.find("runButton").isEnabled()
    assert panel.see("edFrameSpinBox").maximum == 4
    assert not panel.find("edVolumeSelector").isEnabled()


def test_one_click_analyses_a_cine_while_the_panel_stays_live(
    open_module: Any, wait_until: Any, panel_latency: Any, tiny_model: str, tmp_path: Path
) -> None:
    panel = open_module(MODULE)
    cine = given_cine()
    panel.choose("cineSelector", cine.browser)
    panel.type_number("esFrameSpinBox", "3")
    panel.click("advancedSection")
    panel.choose("modelComboBox", tiny_model)
    panel.choose("deviceComboBox", "CPU")
    panel.click("advancedSection")
    panel.click("runButton")
    assert panel.find("progressBar").isVisible()
    assert not panel.find("runButton").isEnabled()
    panel.picture(tmp_path / "running.png")
    with panel_latency() as latency:
        wait_until(lambda: panel.see("progressBar").value > 10 or ended(panel), 120)
        wait_until(lambda: ended(panel), 120)
    assert latency.p99_ms < 1000, "far above what is promised, for a test machine may be busy"
    assert text(panel, "statusLabel").startswith("Done in"), text(panel, "statusLabel")
    assert panel.see("measurementsTable").rowCount > 10
    assert text(panel, "foundFramesLabel") == "measured: ED 1, ES 3"
    assert len(nodes_of_class(slicer.mrmlScene, "vtkMRMLSegmentationNode")) == 3
    assert cine.shown is not None
    assert panel.module_widget._parameterNode.study == "Short axis results"


def test_cancel_ends_a_run_within_two_seconds_and_leaves_the_scene(open_module: Any, wait_until: Any, tiny_model: str) -> None:
    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine().browser)
    before = node_count()
    panel.click("runButton")
    wait_until(lambda: panel.see("statusLabel").text.startswith("Starting the network"), 60)
    started_s = time.monotonic()
    panel.click("cancelButton")
    wait_until(lambda: ended(panel), 10)
    assert time.monotonic() - started_s < 2
    assert "Cancelled" in text(panel, "statusLabel")
    assert node_count() == before
    assert panel.find("runButton").isEnabled()


def test_a_result_shows_label_bars_arguments_flags_and_signs(open_module: Any, tmp_path: Path) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel, labelled(finished_analysis()))
    label = results.record["diagnosis"]["label"]
    assert f"Pattern most like {label}" in text(panel, "diagnosisLabel")
    assert panel.see(f"probability{label}Bar").value > 500
    assert "%" in panel.see(f"probability{label}Bar").format
    outside = {name for name, entry in results.record["measurements"].items() if entry["outside"]}
    rows = [cells(panel, row) for row in range(panel.see("measurementsTable").rowCount)]
    assert len(rows) == len(results.record["measurements"])
    assert sum("\u25b2" in row[1] or "\u25bc" in row[1] for row in rows) == len(outside) > 0
    panel.click("explanationSection")
    assert f"For {label}" in text(panel, "explanationLabel")
    assert "reference" in text(panel, "explanationLabel")
    panel.click("meaningSection")
    for part in ("not represented", "cannot show scar", "research use"):
        assert part in text(panel, "meaningLabel")
    panel.picture(tmp_path / "result.png")


def test_a_withheld_label_says_why_and_keeps_its_bars(open_module: Any, tmp_path: Path) -> None:
    panel = open_module(MODULE)
    shown_result(panel, withheld(finished_analysis()))
    assert "Label withheld" in text(panel, "diagnosisLabel")
    assert "below the threshold" in text(panel, "diagnosisLabel")
    assert panel.see("probabilityNORBar").format == "30 %"
    panel.picture(tmp_path / "withheld.png")


def test_views_show_ed_and_es_of_one_place_linked_and_the_former_layout_is_one_click_away(open_module: Any) -> None:
    manager = slicer.app.layoutManager()
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)
    before = manager.layout
    panel = open_module(MODULE)
    results = shown_result(panel)
    ours = manager.layout
    assert ours != before
    logics = {phase: manager.sliceWidget(f"CardiacMTL_{phase}").sliceLogic() for phase in Phase}
    for phase, logic in logics.items():
        composite = logic.GetSliceCompositeNode()
        assert composite.GetBackgroundVolumeID() == results.nodes.volumes[phase].GetID()
        assert composite.GetLinkedControl()
        seen = results.nodes.segmentations[phase].GetDisplayNode()
        assert seen.IsDisplayableInView(logic.GetSliceNode().GetID())
        assert not seen.IsDisplayableInView(logics[Phase.ES if phase is Phase.ED else Phase.ED].GetSliceNode().GetID())
    places = [
        [logic.GetSliceNode().GetSliceToRAS().GetElement(r, c) for r in range(4) for c in range(4)] for logic in logics.values()
    ]
    np.testing.assert_allclose(places[0], places[1])
    red = manager.sliceWidget("Red").sliceLogic().GetSliceNode()
    assert results.nodes.cine_masks.shown.GetDisplayNode().IsDisplayableInView(red.GetID())
    panel.click("layoutButton")
    assert manager.layout == before
    assert text(panel, "layoutButton") == "Result &layout"
    panel.click("layoutButton")
    assert manager.layout == ours


def test_3d_shows_surfaces_in_a_view_of_their_own_on_demand(open_module: Any) -> None:
    panel = open_module(MODULE)
    segmentation = shown_result(panel).nodes.segmentations[Phase.ED]
    assert not segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    panel.click("show3DButton")
    assert segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    view = slicer.mrmlScene.GetSingletonNode("CardiacMTL_3D", "vtkMRMLViewNode")
    assert segmentation.GetDisplayNode().IsDisplayableInView(view.GetID())
    panel.click("show3DButton")


def test_the_curve_is_in_its_plot_view_and_the_cine_plays_with_its_masks(open_module: Any, wait_until: Any) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel)
    plot = slicer.mrmlScene.GetSingletonNode("CardiacMTL_Plot", "vtkMRMLPlotViewNode")
    assert plot.GetPlotChartNode() is results.nodes.curves.chart
    browser = results.nodes.cine.browser
    at_first = browser.GetSelectedItemNumber()
    panel.click("playButton")
    wait_until(lambda: browser.GetSelectedItemNumber() != at_first, 10)
    panel.click("playButton")
    assert not browser.GetPlaybackActive()


def test_high_contrast_tells_the_ventricles_apart(open_module: Any) -> None:
    panel = open_module(MODULE)
    segmentation = shown_result(panel).nodes.segmentations[Phase.ED].GetSegmentation()

    def distance() -> float:
        colors = [np.array(segmentation.GetSegment(name).GetColor()) for name in ("LV", "RV")]
        return float(np.abs(colors[0] - colors[1]).sum())

    standard = distance()
    panel.click("highContrastCheckBox")
    assert distance() > 2 * standard
    panel.click("highContrastCheckBox")
    assert distance() == pytest.approx(standard)


def test_an_edit_marks_the_numbers_stale_and_recompute_shows_the_original_beside(open_module: Any, tmp_path: Path) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel)
    before = cells(panel, 0)[1]
    erase_slice(results.nodes.segmentations[Phase.ED], results.nodes.volumes[Phase.ED], "LV")
    assert "Recompute" in text(panel, "staleLabel")
    panel.click("recomputeButton")
    assert text(panel, "statusLabel").startswith("Recomputed"), text(panel, "statusLabel")
    name, value, original = cells(panel, 0)[:3]
    assert name == "LV EDV"
    assert original == before.split()[0]
    assert float(value.split()[0]) < float(original)
    assert "original" in text(panel, "diagnosisLabel")
    assert "corrected by hand" in text(panel, "flagsLabel")
    assert not panel.module_widget.ui.staleLabel.isVisible()
    panel.picture(tmp_path / "corrected.png")


def test_a_slice_is_taken_out_and_in_again(open_module: Any) -> None:
    panel = open_module(MODULE)
    shown_result(panel)
    before = cells(panel, 0)[1]
    panel.click("slicesSection")
    panel.click("toggleEdSliceButton")
    assert text(panel, "leftOutEdLineEdit") != ""
    panel.click("recomputeButton")
    without = cells(panel, 0)[1]
    assert float(without.split()[0]) < float(before.split()[0])
    panel.click("toggleEdSliceButton")
    panel.click("recomputeButton")
    assert cells(panel, 0)[1] == before


def test_a_wrong_list_of_slices_is_told_in_the_panel(open_module: Any) -> None:
    panel = open_module(MODULE)
    shown_result(panel)
    panel.click("slicesSection")
    panel.see("leftOutEdLineEdit").setText("99")
    panel.click("recomputeButton")
    assert text(panel, "statusLabel").startswith("Error: the list of slices left out at ED")


def test_what_cannot_be_analysed_is_refused_in_the_panel(open_module: Any, slicer_host: Any) -> None:
    panel = open_module(MODULE)
    ed, _ = given_volumes()
    study = short_study()
    label_map = slicer.mrmlScene.AddNode(new_volume("labels", study.frames[0], study.geometry, "vtkMRMLLabelMapVolumeNode"))
    other = add_volume(slicer.mrmlScene, "other", study.frames[0][1:, :, :], short_geometry())
    for es, word in ((ed, "is chosen for ED and for ES"), (other, "different grids")):
        panel.choose("edVolumeSelector", ed)
        panel.choose("esVolumeSelector", es)
        panel.click("runButton")
        assert text(panel, "statusLabel").startswith("Error: ")
        assert word in text(panel, "statusLabel")
    panel.module_widget._parameterNode.edVolume = label_map
    panel.click("runButton")
    assert text(panel, "statusLabel").startswith("Error: ")
    assert slicer_host.dialogs.asked == []
    assert panel.find("runButton").isEnabled()


def short_geometry() -> Any:
    from dataclasses import replace

    geometry = short_study().geometry
    return replace(geometry, size_xyz=(*geometry.size_xyz[:2], geometry.size_xyz[2] - 1))


def test_a_worker_that_dies_is_told_and_the_next_run_starts(
    open_module: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    panel = open_module(MODULE)
    run_module = __import__("CardiacMTLPanel.run_controller", fromlist=["x"])
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr(run_module, "worker_python", lambda: str(broken))
    panel.choose("cineSelector", given_cine().browser)
    before = node_count()
    for _ in range(2):
        panel.click("runButton")
        wait_until(lambda: ended(panel), 20)
        assert text(panel, "statusLabel").startswith("Error: the worker process ended before it began")
    assert node_count() == before
    monkeypatch.setattr(run_module, "worker_python", lambda: str(tmp_path / "missing"))
    panel.click("runButton")
    wait_until(lambda: ended(panel), 20)
    assert "could not be started" in text(panel, "statusLabel")
    panel.picture(tmp_path / "error.png")


def test_without_torch_the_panel_opens_and_says_what_to_do(
    open_module: Any, slicer_host: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import CardiacMTLPanel.python_environment as environment

    monkeypatch.setattr(environment, "WORKER_PACKAGES", {"no_such_module": "PyTorch"})
    panel = open_module(MODULE)
    assert "PyTorch is not installed" in text(panel, "setupLabel")
    panel.choose("cineSelector", given_cine().browser)
    panel.click("runButton")
    assert "Install PyTorch" in text(panel, "statusLabel")
    panel.picture(tmp_path / "torch_missing.png")
    slicer_host.requests.torch.clear()
    panel.click("setupButton")
    assert slicer_host.requests.torch == [{"askConfirmation": True, "torchVersionRequirement": ">=2.10"}]
    assert [str(name) for name in slicer_host.requests.pip[-1][1]] == ["safetensors>=0.5"]
    assert text(panel, "statusLabel").startswith("Error: PyTorch could not be installed")
    slicer.selfTests["CardiacMTL"]()


def test_with_all_packages_the_button_says_their_versions(open_module: Any) -> None:
    panel = open_module(MODULE)
    panel.click("advancedSection")
    panel.click("installTorchButton")
    assert text(panel, "statusLabel").startswith("Ready: PyTorch 2.")


def test_a_scene_closed_during_a_run_ends_it(open_module: Any, wait_until: Any) -> None:
    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine().browser)
    panel.click("runButton")
    slicer.mrmlScene.Clear(False)
    wait_until(lambda: ended(panel), 5)
    assert "The scene was closed" in text(panel, "statusLabel")
    assert not panel.find("runButton").isEnabled()
    assert nodes_of_class(slicer.mrmlScene, "vtkMRMLSegmentationNode") == []


def test_images_deleted_during_a_run_are_told_and_nothing_is_added(open_module: Any) -> None:
    from CardiacMTLLib.job.client import JobEnd, JobOutcome

    panel = open_module(MODULE)
    cine = given_cine(study=finished_analysis().study)
    panel.choose("cineSelector", cine.browser)
    run = panel.module_widget.run
    run._chosen = panel.module_widget.chosen()
    for node in (cine.browser, cine.sequence, cine.shown):
        slicer.mrmlScene.RemoveNode(node)
    before = node_count()
    run._finished(JobOutcome(JobEnd.DONE, finished_analysis()))
    assert "not in the scene any more" in text(panel, "statusLabel")
    assert node_count() == before


def test_a_reload_during_a_run_ends_its_process(open_module: Any) -> None:
    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine().browser)
    panel.click("runButton")
    process = panel.module_widget.run._run._runner._process
    panel.reload()
    assert not process or process.state() == 0
    assert ended(panel)
    assert panel.find("runButton").isEnabled()


def test_twenty_reloads_leak_neither_nodes_nor_observers_and_keep_the_result(open_module: Any) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel)
    label = text(panel, "diagnosisLabel")
    segmentation = results.nodes.segmentations[Phase.ED]

    def watched() -> int:
        return str(segmentation).count("vtkObserver (")

    panel.reload()
    nodes, observers = node_count(), watched()
    for _ in range(20):
        panel.reload()
    assert text(panel, "diagnosisLabel") == label
    assert (node_count(), watched()) == (nodes, observers)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScriptedModuleNode") == 1


def test_a_saved_scene_brings_the_panel_back(open_module: Any, tmp_path: Path) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel)
    erase_slice(results.nodes.segmentations[Phase.ED], results.nodes.volumes[Phase.ED], "LV")
    panel.click("recomputeButton")
    expected = [cells(panel, row) for row in range(5)]
    label = text(panel, "diagnosisLabel")
    path = tmp_path / "scene.mrb"
    assert slicer.mrmlScene.WriteToMRB(str(path))
    slicer.mrmlScene.Clear(False)
    assert text(panel, "diagnosisLabel") == "No result yet."
    assert slicer.mrmlScene.ReadFromMRB(str(path), True)
    assert text(panel, "diagnosisLabel") == label
    assert [cells(panel, row) for row in range(5)] == expected
    assert not panel.module_widget.ui.staleLabel.isVisible()
    assert panel.see("cineSelector").currentNode() is not None
    panel.click("recomputeButton")
    assert text(panel, "statusLabel").startswith("Recomputed")


def test_patient_facts_come_from_dicom_and_follow_the_images(open_module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = {"0010,1020": "1.71", "0010,1030": "66", "0010,0040": "F", "0018,1088": "58"}
    database = SimpleNamespace(isOpen=True, instanceValue=lambda uid, tag: tags.get(tag, "") if uid == "1.2.3" else "")
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    panel = open_module(MODULE)
    ed, es = given_volumes()
    ed.SetAttribute("DICOM.instanceUIDs", "1.2.3 1.2.4")
    panel.choose("edVolumeSelector", ed)
    assert (panel.see("heightSpinBox").value, panel.see("weightSpinBox").value) == (171.0, 66.0)
    assert (panel.see("sexComboBox").currentText, panel.see("heartRateSpinBox").value) == ("F", 58.0)
    panel.choose("edVolumeSelector", es)
    assert panel.see("heightSpinBox").text == "unknown"
    assert panel.see("sexComboBox").currentText == "unknown"


def test_the_console_analyses_two_volumes_and_recomputes_without_a_panel(
    slicer_host: Any, open_module: Any, tiny_model: str
) -> None:
    open_module(MODULE)
    from CardiacMTL import CardiacMTLLogic

    ed, es = given_volumes()
    told: list[str] = []
    record = CardiacMTLLogic().segmentAndDiagnose(
        ed, es, model=tiny_model, device="CPU", sex="F", progress=lambda t, f: told.append(t)
    )
    assert record["model"]["name"] == tiny_model
    assert record["input"]["patient"]["sex"] == "F"
    assert told
    assert len(nodes_of_class(slicer.mrmlScene, "vtkMRMLSegmentationNode")) == 2
    again = CardiacMTLLogic().recompute()
    assert again["measurements"] == record["measurements"]


def test_sample_data_is_offered_as_a_cine(open_module: Any) -> None:
    open_module(MODULE)
    slicer.app.startupCompleted.emit()
    (source,) = [each for each in slicer.modules.sampleDataSources["Cardiac"] if "phantom" in each.sampleName]
    assert Path(source.thumbnailFileName).is_file()


def test_the_module_presents_itself_with_its_citations_and_limits(open_module: Any) -> None:
    module = open_module(MODULE)._module
    assert module.title == "Cardiac MR Segment & Diagnose"
    assert list(module.categories) == ["Cardiac"]
    assert "https://" in module.helpText
    for part in ("Snaauw", "Bernard", "no commercial use"):
        assert part in module.acknowledgementText
