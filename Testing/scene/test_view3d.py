"""The 3D picture: not blank, in the three colours, the heart upright, and a clear reason where it cannot be drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from CardiacMTLLib.errors import MissingPackageError, OutputError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.measurement import Measurement
from Testing.scene.studies import Case, make_analysis

pytest.importorskip("vtk", reason="needs VTK", exc_type=ImportError)

from CardiacMTLScene.view3d import _title, _volume, render_3d
from CardiacMTLScene.viewpoint import heart_axes, viewpoint

SIZE = (700, 400)
HEART_ROWS = slice(45, 340)
"""Where the hearts stand in the picture: below the titles, above the legend."""


def drawn(path: Path) -> NDArray[np.int16]:
    with Image.open(path) as picture:
        assert picture.size == SIZE
        return np.asarray(picture.convert("RGB"), dtype=np.int16)


def pixels_of(picture: NDArray[np.int16], channel: int) -> NDArray[np.bool_]:
    """Where one channel (red 0, green 1, blue 2) leads the others by far."""
    others = np.delete(picture, channel, axis=2).max(axis=2)
    return np.asarray(picture[..., channel] - others > 40)


@pytest.mark.parametrize("left_handed", [False, True], ids=["right-handed", "left-handed"])
def test_both_hearts_are_shown_in_three_colours(drawing: None, tmp_path: Path, left_handed: bool) -> None:
    render_3d(make_analysis(Case(left_handed)), tmp_path / "view.png", SIZE)
    picture = drawn(tmp_path / "view.png")[HEART_ROWS]
    for half in (picture[:, :350], picture[:, 350:]):
        for channel in range(3):
            assert pixels_of(half, channel).sum() > 300
        background = (np.abs(half - [12, 14, 18]).max(axis=2) < 4).mean()
        assert 0.2 < background < 0.9


@pytest.mark.parametrize("left_handed", [False, True], ids=["right-handed", "left-handed"])
def test_the_right_ventricle_is_on_the_left_and_the_cavity_is_seen_from_above(
    drawing: None, tmp_path: Path, left_handed: bool
) -> None:
    render_3d(make_analysis(Case(left_handed)), tmp_path / "view.png", SIZE)
    half = drawn(tmp_path / "view.png")[HEART_ROWS, :350]
    red, green, blue = (np.argwhere(pixels_of(half, channel)).mean(axis=0) for channel in range(3))
    assert blue[1] < red[1] < 350
    assert red[0] < green[0] + 150
    bright = np.argwhere(half[..., 0] > 190)
    assert bright[:, 0].mean() < np.argwhere(half.max(axis=2) > 40)[:, 0].mean()


def test_the_smaller_heart_is_drawn_smaller(drawing: None, tmp_path: Path) -> None:
    render_3d(make_analysis(), tmp_path / "view.png", SIZE)
    picture = drawn(tmp_path / "view.png")[HEART_ROWS]
    assert pixels_of(picture[:, :350], 2).sum() > 1.5 * pixels_of(picture[:, 350:], 2).sum()


def test_the_legend_shows_each_colour(drawing: None, tmp_path: Path) -> None:
    render_3d(make_analysis(), tmp_path / "view.png", SIZE)
    legend = drawn(tmp_path / "view.png")[350:]
    for color in ((230, 60, 60), (70, 140, 245), (80, 200, 90)):
        assert (np.abs(legend - color).max(axis=2) < 6).sum() > 100


def test_one_phase_and_a_mask_without_any_structure_are_drawn_too(drawing: None, tmp_path: Path) -> None:
    one = make_analysis(Case(phases=(Phase.ED,)))
    render_3d(one, tmp_path / "one.png", SIZE)
    assert pixels_of(drawn(tmp_path / "one.png")[HEART_ROWS], 0).sum() > 300
    empty = replace(one, masks={Phase.ED: np.zeros_like(one.masks[Phase.ED])})
    render_3d(empty, tmp_path / "empty.png", SIZE)
    assert pixels_of(drawn(tmp_path / "empty.png")[HEART_ROWS], 0).sum() == 0
    render_3d(replace(one, masks={}, frames={}), tmp_path / "none.png", SIZE)
    assert (tmp_path / "none.png").is_file()


def test_a_heart_is_titled_with_the_number_of_its_frame_in_the_source() -> None:
    class Texts(list[str]):
        def text(self, _x: float, _y: float, text: str, *_: object, **__: object) -> None:
            self.append(text)

    made, shown = make_analysis(), Texts()
    for analysis in (made, replace(made, study=replace(made.study, frame_numbers=(3, 4, 9, 16)))):
        _title(shown, analysis, Phase.ES, 0.0)  # type: ignore[arg-type]
    assert shown[1::2] == ["frame 4 of 4", "frame 16"]


def test_drawing_is_silent_and_leaves_only_the_picture(
    drawing: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    render_3d(make_analysis(), tmp_path / "a view ü 3D.png", SIZE)
    assert [path.name for path in tmp_path.iterdir()] == ["a view ü 3D.png"]
    written = capfd.readouterr()
    assert written.out + written.err == ""


def test_a_missing_folder_is_an_output_error(drawing: None, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written"):
        render_3d(make_analysis(), tmp_path / "missing" / "view.png", SIZE)


def test_without_opengl_the_reason_is_raised_and_no_file_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("CardiacMTLScene.view3d.rendering_missing_reason", lambda: "3D pictures are left out: no OpenGL")
    with pytest.raises(MissingPackageError, match="no OpenGL"):
        render_3d(make_analysis(), tmp_path / "view.png", SIZE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("left_handed", [False, True], ids=["right-handed", "left-handed"])
def test_the_eye_stands_above_the_base_with_the_right_ventricle_to_its_left(left_handed: bool) -> None:
    analysis = make_analysis(Case(left_handed))
    axes = heart_axes(analysis)
    view = viewpoint(analysis, axes)
    np.testing.assert_allclose(axes.to_base, analysis.study.geometry.ijk_to_ras[:3, 2] / 8.0, atol=1e-9)
    assert view.toward @ axes.to_base > 0.2
    assert view.up @ axes.to_base > 0.8
    assert view.right @ axes.to_left > 0.8
    np.testing.assert_allclose(np.cross(view.right, view.up), view.toward, atol=1e-9)


def test_a_stack_without_orientation_is_shown_base_up_as_its_masks_say() -> None:
    analysis = make_analysis()
    lost = Geometry(analysis.study.geometry.size_xyz, analysis.study.geometry.spacing_xyz_mm)
    upright = replace(analysis, study=replace(analysis.study, geometry=lost))
    turned = replace(upright, masks={phase: mask[::-1] for phase, mask in analysis.masks.items()})
    np.testing.assert_allclose(heart_axes(upright).to_base, [0, 0, 1])
    np.testing.assert_allclose(heart_axes(turned).to_base, [0, 0, -1])


def test_a_volume_that_is_not_measured_is_not_printed() -> None:
    analysis = make_analysis()
    assert _volume(analysis, Label.LV, Phase.ED) == f"{analysis.measurements['lv_edv_ml'].value:.0f} mL"
    hidden = {**analysis.measurements, "lv_edv_ml": Measurement(None, "mL", "one slice")}
    assert _volume(replace(analysis, measurements=hidden), Label.LV, Phase.ED) == "undefined"
