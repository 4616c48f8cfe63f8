"""The sample study in a scene: a cine that can be played and analysed, made without a file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom import PhantomGrid, PhantomStudy, anatomy_of, make_phantom
from Testing.scene.nodes import ijk_to_ras

pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

from vtk.util.numpy_support import vtk_to_numpy

from CardiacMTLScene.sample import SAMPLE_NAME, add_sample_cine


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> PhantomStudy:
    """Four frames on a coarse grid in place of the sample study."""
    anatomy = anatomy_of(Group.NOR)
    phantom = make_phantom(anatomy, PhantomGrid((54, 54, 6), (6.0, 6.0, 20.0)), n_frames=4)
    monkeypatch.setattr("CardiacMTLScene.sample.sample_phantom", lambda: phantom)
    return phantom


def voxels(volume: Any) -> np.ndarray[Any, Any]:
    x, y, z = volume.GetImageData().GetDimensions()
    return np.asarray(vtk_to_numpy(volume.GetImageData().GetPointData().GetScalars())).reshape(z, y, x)


def test_every_frame_of_the_sample_study_is_in_the_scene_at_its_time_and_place(host: Any, small: PhantomStudy) -> None:
    cine = add_sample_cine(host.scene)
    assert cine.sequence.GetNumberOfDataNodes() == len(small.study.frames)
    assert (cine.sequence.GetIndexName(), cine.sequence.GetIndexUnit()) == ("time", "ms")
    assert small.study.frame_times_ms is not None
    for number, (frame, time_ms) in enumerate(zip(small.study.frames, small.study.frame_times_ms, strict=True)):
        assert float(cine.sequence.GetNthIndexValue(number)) == pytest.approx(time_ms, abs=1e-3)
        np.testing.assert_array_equal(voxels(cine.sequence.GetNthDataNode(number)), frame)
        np.testing.assert_allclose(ijk_to_ras(cine.sequence.GetNthDataNode(number)), small.study.geometry.ijk_to_ras, atol=1e-9)


def test_the_sample_cine_shows_end_diastole_first_and_plays(host: Any, small: PhantomStudy) -> None:
    cine = add_sample_cine(host.scene)
    np.testing.assert_array_equal(voxels(cine.shown), small.study.frames[0])
    cine.browser.SetSelectedItemNumber(2)
    np.testing.assert_array_equal(voxels(cine.shown), small.study.frames[2])
    assert cine.shown.GetDisplayNode() is not None


def test_the_sample_can_be_loaded_twice_under_names_of_their_own(host: Any, small: PhantomStudy) -> None:
    first, second = add_sample_cine(host.scene), add_sample_cine(host.scene)
    assert first.sequence.GetName() == SAMPLE_NAME
    assert second.sequence.GetName() != SAMPLE_NAME
    assert first.shown.GetID() != second.shown.GetID()
    second.browser.SetSelectedItemNumber(3)
    np.testing.assert_array_equal(voxels(first.shown), small.study.frames[0])
