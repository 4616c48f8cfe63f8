"""Slice views turned to the plane of acquisition: upright, through the middle of the ventricle, close to the heart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Label, Phase
from Testing.scene.nodes import as_array
from Testing.scene.studies import make_analysis

pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLScene.acquisition import acquisition_plane, mid_ventricular_slice, show_only_in
from CardiacMTLScene.build import build_scene
from Testing.scene.given import QUARTER_TURN, file_volumes, stored_in, under

MASK = make_analysis().masks[Phase.ED]
GRID = make_analysis().study.geometry


def view(host: Any, name: str = "Red", size: tuple[int, int] = (400, 300)) -> Any:
    node = slicer.vtkMRMLSliceNode()
    node.SetName(name)
    node.SetLayoutName(name)
    host.scene.AddNode(node)
    node.SetDimensions(*size, 1)
    return node


def pixel_of(node: Any, ijk: tuple[float, float, float], moved: Any = None) -> Any:
    """Where a voxel of the standard grid is drawn: x to the right, y up from the view's lower corner, and the distance."""
    place = (np.eye(4) if moved is None else moved) @ GRID.ijk_to_ras @ [*ijk, 1.0]
    return (np.linalg.inv(as_array(node.GetXYToRAS())) @ place)[:3]


def test_the_slice_lies_in_the_plane_of_acquisition_at_the_middle_of_the_ventricle(host: Any) -> None:
    node = view(host)
    acquisition_plane(node, build_scene(make_analysis(), host.scene, host.terminologies).volumes[Phase.ED], GRID, MASK)
    z = mid_ventricular_slice(MASK)
    for corner in ((0, 0), (59, 0), (0, 51), (59, 51)):
        assert pixel_of(node, (*corner, z))[2] == pytest.approx(0.0, abs=1e-6)
    assert np.abs(pixel_of(node, (30, 26, z + 1))[2]) > 0.5


def test_the_image_stands_as_short_axis_images_are_read(host: Any) -> None:
    node = view(host)
    acquisition_plane(node, build_scene(make_analysis(), host.scene, host.terminologies).volumes[Phase.ED], GRID, MASK)
    origin, right, below = (pixel_of(node, place) for place in ((30, 26, 4), (40, 26, 4), (30, 36, 4)))
    np.testing.assert_allclose((right - origin)[1], 0, atol=1e-6)
    np.testing.assert_allclose((below - origin)[0], 0, atol=1e-6)
    assert right[0] > origin[0]
    assert below[1] < origin[1]
    assert (right - origin)[0] == pytest.approx(-(below - origin)[1])


@pytest.mark.parametrize("size", [(400, 300), (300, 700), (256, 256)])
def test_the_heart_fills_the_view_and_is_wholly_seen(host: Any, size: tuple[int, int]) -> None:
    node = view(host, size=size)
    acquisition_plane(node, build_scene(make_analysis(), host.scene, host.terminologies).volumes[Phase.ED], GRID, MASK)
    z, y, x = np.nonzero(MASK)
    pixels = np.array([pixel_of(node, place)[:2] for place in zip(x, y, z, strict=True)])
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    assert (low > 0).all()
    assert (high < size).all()
    assert ((high - low) / size).max() == pytest.approx(1 / 1.5, abs=0.05)
    np.testing.assert_allclose((low + high) / 2, np.array(size) / 2, atol=2)


def test_two_views_of_one_mask_show_the_same_place_of_both_phases(host: Any) -> None:
    made = build_scene(make_analysis(), host.scene, host.terminologies)
    views = {phase: view(host, phase.value) for phase in Phase}
    for phase, node in views.items():
        acquisition_plane(node, made.volumes[phase], GRID, MASK)
    one, other = (as_array(node.GetXYToRAS()) for node in views.values())
    np.testing.assert_allclose(one, other)


@pytest.mark.parametrize("given", [False, True], ids=["own volume", "volume on the axes of its file"])
def test_a_view_follows_the_transform_of_its_volume(host: Any, given: bool) -> None:
    analysis = stored_in(make_analysis())
    volumes = file_volumes(host, analysis) if given else build_scene(analysis, host.scene, host.terminologies).volumes
    under(host, QUARTER_TURN, volumes[Phase.ED])
    node = view(host)
    acquisition_plane(node, volumes[Phase.ED], GRID, MASK)
    z = mid_ventricular_slice(MASK)
    assert pixel_of(node, (5, 7, z), QUARTER_TURN)[2] == pytest.approx(0.0, abs=1e-6)
    assert pixel_of(node, (40, 26, z), QUARTER_TURN)[0] > pixel_of(node, (30, 26, z), QUARTER_TURN)[0]


def test_a_volume_under_a_scaling_is_refused(host: Any) -> None:
    volume = build_scene(make_analysis(), host.scene, host.terminologies).volumes[Phase.ED]
    under(host, np.diag([2.0, 2.0, 2.0, 1.0]), volume)
    with pytest.raises(InputError, match="scales"):
        acquisition_plane(view(host), volume, GRID, MASK)


def test_without_a_heart_the_whole_image_is_shown_in_the_middle_of_the_stack(host: Any) -> None:
    node = view(host)
    nothing = np.zeros_like(MASK)
    acquisition_plane(node, build_scene(make_analysis(), host.scene, host.terminologies).volumes[Phase.ED], GRID, nothing)
    assert mid_ventricular_slice(nothing) == 4
    assert pixel_of(node, (0, 0, 4))[1] == pytest.approx(300, abs=4)
    assert pixel_of(node, (0, 51, 4))[1] == pytest.approx(0, abs=4)


@pytest.mark.parametrize(
    ("structures", "expected"),
    [({Label.LV: (2, 3, 4, 5, 6)}, 4), ({Label.LV: (5, 6), Label.RV: (0, 1)}, 6), ({Label.RV: (1, 2, 3)}, 2), ({}, 4)],
)
def test_the_middle_is_that_of_the_left_ventricle_else_of_anything(
    structures: dict[Label, tuple[int, ...]], expected: int
) -> None:
    mask = np.zeros((8, 4, 4), np.uint8)
    for label, slices in structures.items():
        mask[list(slices), 1, 1] = label
    assert mid_ventricular_slice(mask) == expected


def test_a_segmentation_can_be_kept_to_some_views_and_freed_again(host: Any) -> None:
    made = build_scene(make_analysis(), host.scene, host.terminologies)
    display = made.segmentations[Phase.ED].GetDisplayNode()
    red, green = view(host, "Red"), view(host, "Green")
    show_only_in(made.segmentations[Phase.ED], [green])
    assert (display.IsDisplayableInView(red.GetID()), display.IsDisplayableInView(green.GetID())) == (False, True)
    show_only_in(made.segmentations[Phase.ED], [red])
    assert (display.IsDisplayableInView(red.GetID()), display.IsDisplayableInView(green.GetID())) == (True, False)
    show_only_in(made.segmentations[Phase.ED], [])
    assert display.IsDisplayableInView(green.GetID())
