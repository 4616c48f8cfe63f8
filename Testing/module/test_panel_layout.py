"""Our views are left without a trace: masks are seen in other layouts, and nobody is kept in a layout of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLLib.labels import Phase
from CardiacMTLScene.volumes import add_volume
from Testing.module.given import finished_analysis, shown_result
from Testing.module.reading import MODULE, text

FOUR_UP = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
CONVENTIONAL = slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView


@pytest.fixture(autouse=True)
def conventional(slicer_host: Any) -> None:
    slicer.app.layoutManager().setLayout(CONVENTIONAL)


def choose_in_toolbar(layout: int) -> None:
    """What the layout menu of the application does."""
    slicer.app.layoutManager().layoutLogic().GetLayoutNode().SetViewArrangement(layout)


def red() -> str:
    return str(slicer.app.layoutManager().sliceWidget("Red").sliceLogic().GetSliceNode().GetID())


def can_be_seen(node: Any) -> bool:
    return bool(node.GetDisplayNode().IsDisplayableInView(red()))


def is_on(node: Any) -> bool:
    return bool(node.GetDisplayVisibility())


@pytest.mark.parametrize("way", ["button", "toolbar"])
def test_masks_of_a_cine_are_free_when_our_views_are_left(open_module: Any, way: str) -> None:
    panel = open_module(MODULE)
    nodes = shown_result(panel).nodes
    if way == "button":
        panel.click("layoutButton")
    else:
        choose_in_toolbar(FOUR_UP)
    masks = [*nodes.segmentations.values(), nodes.cine_masks.shown]
    assert all(can_be_seen(node) for node in masks)
    assert [is_on(node) for node in masks] == [False, False, True]
    later = slicer.mrmlScene.AddNode(slicer.vtkMRMLSliceNode())
    assert all(node.GetDisplayNode().IsDisplayableInView(later.GetID()) for node in masks)
    assert text(panel, "layoutButton") == "Result &layout"
    panel.click("layoutButton")
    assert all(is_on(node) for node in masks)
    assert not can_be_seen(nodes.segmentations[Phase.ED])


def test_masks_on_volumes_are_free_and_on_when_our_views_are_left(open_module: Any) -> None:
    from CardiacMTLPanel.chosen_input import ChosenInput
    from CardiacMTLPanel.scene_results import show_analysis

    panel = open_module(MODULE)
    analysis = finished_analysis()
    ed, es = (
        add_volume(slicer.mrmlScene, f"image {phase}", analysis.study.frames[frame], analysis.study.geometry)
        for phase, frame in analysis.frames.items()
    )
    panel.choose("edVolumeSelector", ed)
    panel.choose("esVolumeSelector", es)
    results = show_analysis(analysis, ChosenInput(ed=ed, es=es))
    for _ in panel.module_widget.onResults(results):
        pass
    choose_in_toolbar(FOUR_UP)
    assert all(can_be_seen(node) and is_on(node) for node in results.nodes.segmentations.values())


def test_an_eye_that_the_user_closed_stays_closed(open_module: Any) -> None:
    panel = open_module(MODULE)
    node = shown_result(panel).nodes.segmentations[Phase.ED]
    node.SetDisplayVisibility(False)
    panel.click("show3DButton")
    assert not is_on(node)
    panel.click("show3DButton")


def test_the_masks_of_a_study_go_off_when_another_one_is_shown(open_module: Any) -> None:
    panel = open_module(MODULE)
    first, second = shown_result(panel), shown_result(panel)
    assert not any(is_on(node) for node in (*first.nodes.segmentations.values(), first.nodes.cine_masks.shown))
    assert all(is_on(node) for node in (*second.nodes.segmentations.values(), second.nodes.cine_masks.shown))


def test_a_closed_scene_leaves_our_layout(open_module: Any) -> None:
    panel = open_module(MODULE)
    shown_result(panel)
    slicer.mrmlScene.Clear(False)
    assert slicer.app.layoutManager().layout == CONVENTIONAL
    assert text(panel, "layoutButton") == "Result &layout"


def test_a_reloaded_module_leaves_our_layout(open_module: Any) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel)
    panel.module_widget.cleanup()
    assert slicer.app.layoutManager().layout == CONVENTIONAL
    assert can_be_seen(results.nodes.segmentations[Phase.ED])


def test_a_scene_does_not_carry_the_number_of_our_layout(open_module: Any, tmp_path: Path) -> None:
    panel = open_module(MODULE)
    shown_result(panel)

    def saved() -> str:
        slicer.mrmlScene.Commit(str(tmp_path / "scene.mrml"))
        return (tmp_path / "scene.mrml").read_text(encoding="utf-8")

    assert "currentViewArrangement" not in saved()
    choose_in_toolbar(FOUR_UP)
    assert f'currentViewArrangement="{FOUR_UP}"' in saved()


def test_a_scene_saved_in_our_layout_is_free_when_loaded_in_another_one(open_module: Any, tmp_path: Path) -> None:
    panel = open_module(MODULE)
    shown_result(panel)
    bundle = str(tmp_path / "scene.mrb")
    assert slicer.mrmlScene.WriteToMRB(bundle, None, slicer.vtkMRMLMessageCollection())
    slicer.mrmlScene.Clear(False)
    assert slicer.mrmlScene.ReadFromMRB(bundle, True, slicer.vtkMRMLMessageCollection())
    assert slicer.app.layoutManager().layout == CONVENTIONAL
    nodes = panel.module_widget.results.shown.nodes
    assert all(can_be_seen(node) for node in (*nodes.segmentations.values(), nodes.cine_masks.shown))


def test_a_slicer_that_was_closed_in_our_layout_starts_in_a_standard_one(open_module: Any) -> None:
    open_module(MODULE)
    choose_in_toolbar(56101)
    import CardiacMTL

    CardiacMTL.onStartupCompleted()
    assert slicer.app.layoutManager().layout == FOUR_UP
