"""More than one study in the scene: the panel shows and names the result of the images that are chosen, and no other."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLLib.labels import Phase
from Testing.module.given import finished_analysis, given_cine, given_volumes, shown_result
from Testing.module.reading import MODULE, text

OF_THE_RESULT = [f"{name}Button" for name in ("recompute", "report", "exportDicom", "send", "show3D", "layout", "play")]


def shows_nothing(panel: Any) -> bool:
    """Whether neither a number nor a button of a result can be used."""
    buttons = [getattr(panel.module_widget.ui, name) for name in OF_THE_RESULT]
    hidden = not panel.module_widget.ui.studyLabel.isVisible()
    return text(panel, "diagnosisLabel") == "No result yet." and hidden and not any(button.isEnabled() for button in buttons)


def test_another_cine_takes_the_result_of_the_first_off_the_panel_and_the_first_brings_it_back(open_module: Any) -> None:
    panel = open_module(MODULE)
    first = shown_result(panel)
    label = text(panel, "diagnosisLabel")
    assert text(panel, "studyLabel") == f"<b>{first.study_name}</b>"
    manager = slicer.app.layoutManager()
    ours = manager.layout
    panel.choose("cineSelector", given_cine("Another patient").sequence)
    assert shows_nothing(panel)
    assert manager.layout != ours
    panel.choose("cineSelector", first.nodes.cine.browser)
    assert text(panel, "studyLabel") == f"<b>{first.study_name}</b>"
    assert text(panel, "diagnosisLabel") == label
    panel.choose("cineSelector", None)
    assert shows_nothing(panel)


def test_each_of_two_results_is_shown_and_viewed_with_its_own_images(open_module: Any) -> None:
    panel = open_module(MODULE)
    first = shown_result(panel)
    second = shown_result(panel)
    assert second.study_name != first.study_name
    view = slicer.app.layoutManager().sliceWidget("CardiacMTL_ED").sliceLogic().GetSliceCompositeNode()
    for results in (first, second, first):
        panel.choose("cineSelector", results.nodes.cine.sequence)
        assert text(panel, "studyLabel") == f"<b>{results.study_name}</b>"
        assert view.GetBackgroundVolumeID() == results.nodes.volumes[Phase.ED].GetID()


def test_volumes_show_their_result_and_a_run_that_ends_beside_its_images_is_only_named(open_module: Any) -> None:
    from CardiacMTLPanel.chosen_input import ChosenInput
    from CardiacMTLPanel.scene_results import show_analysis

    panel = open_module(MODULE)
    cine = given_cine(study=finished_analysis().study)
    ed, es = given_volumes()
    panel.choose("edVolumeSelector", ed)
    panel.choose("esVolumeSelector", es)
    results = show_analysis(finished_analysis(), ChosenInput(cine=cine.sequence))
    for _ in panel.module_widget.onResults(results):
        pass
    assert shows_nothing(panel)
    assert results.study_name in text(panel, "statusLabel")
    panel.choose("cineSelector", cine.sequence)
    assert text(panel, "studyLabel") == f"<b>{results.study_name}</b>"


def test_a_damaged_result_of_the_chosen_images_is_told_and_nothing_is_shown(open_module: Any) -> None:
    panel = open_module(MODULE)
    results = shown_result(panel)
    panel.choose("cineSelector", None)
    results.nodes.results.SetText("damaged")
    panel.choose("cineSelector", results.nodes.cine.sequence)
    assert shows_nothing(panel)
    assert "cannot be read" in text(panel, "statusLabel")
