"""The standalone scene leaves nothing behind and says nothing on stderr."""

from __future__ import annotations

import gc
import logging
import tempfile
from pathlib import Path

import pytest

from Testing.scene.studies import make_analysis

pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLScene.build import build_scene
from CardiacMTLScene.host import standalone_host
from CardiacMTLScene.save import save_scene


def test_the_scene_is_gone_after_the_context() -> None:
    deleted = []
    with standalone_host() as host:
        build_scene(make_analysis(), host.scene, host.terminologies)
        host.scene.AddObserver("DeleteEvent", lambda *_: deleted.append(True))
    del host
    gc.collect()
    assert deleted == [True]


def test_no_global_of_the_slicer_module_changes() -> None:
    before = set(dir(slicer))
    with standalone_host() as host:
        build_scene(make_analysis(), host.scene, host.terminologies)
        assert set(dir(slicer)) == before


def test_two_scenes_live_at_once() -> None:
    with standalone_host() as first, standalone_host() as second:
        build_scene(make_analysis(), first.scene, first.terminologies)
        assert second.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
        build_scene(make_analysis(), second.scene, second.terminologies)
        assert first.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 3


def test_temporary_files_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary, results = tmp_path / "temporary", tmp_path / "results"
    temporary.mkdir()
    results.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    save_scene(make_analysis(), results / "scene.mrb")
    assert list(temporary.iterdir()) == []


def test_messages_of_the_libraries_go_to_logging_and_not_to_stderr(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="CardiacMTLScene.messages"), standalone_host() as host:
        host.scene.ReadFromMRB("/no/such/file.mrb")
    written = capfd.readouterr()
    assert written.out + written.err == ""
    assert "VTK: " in caplog.text


def test_building_and_saving_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    save_scene(make_analysis(), tmp_path / "scene.mrb")
    written = capfd.readouterr()
    assert written.out + written.err == ""
