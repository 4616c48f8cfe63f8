import builtins
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from CardiacMTLLib.errors import CardiacMTLError, MissingPackageError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.insertion import SegmentOrientation
from CardiacMTLLib.measure.segments import PLACES, measure_segments, undefined_segments
from CardiacMTLLib.measure.thickening import thickening_class
from CardiacMTLLib.report.bullseye import draw_bullseye
from CardiacMTLLib.report.bullseye_drawing import CLASS_RANGES, render_bullseye, wedge_start_degrees
from Testing.unit.analyses import analysis_of
from Testing.unit.rings import THICKNESS_MM, RingHeart, grid

GEOMETRY = grid(n_slices=3)
STACK = RingHeart(THICKNESS_MM).stack(GEOMETRY)
WALL = measure_segments({Phase.ED: STACK, Phase.ES: STACK}, GEOMETRY)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


@pytest.mark.parametrize(
    ("number", "middle"),
    [(1, 90), (2, 150), (3, 210), (4, 270), (5, 330), (6, 30), (7, 90), (13, 90), (14, 180), (15, 270), (16, 0)],
)
def test_the_anterior_wall_is_up_and_the_septum_left(number, middle):
    place = PLACES[number - 1]
    assert (wedge_start_degrees(place) + place.width / 2) % 360 == middle


def test_the_same_segments_give_the_same_picture_and_others_another():
    assert render_bullseye(WALL) == render_bullseye(WALL)
    only_ed = measure_segments({Phase.ED: STACK}, GEOMETRY)
    assert render_bullseye(only_ed) != render_bullseye(WALL)


def test_a_change_of_one_segment_changes_the_picture_at_its_place_alone():
    segments = list(WALL.segments)
    segments[3] = replace(segments[3], ed_mm=replace(segments[3].ed_mm, value=19.0))
    changed = np.abs(pixels(render_bullseye(WALL)) - pixels(render_bullseye(replace(WALL, segments=tuple(segments))))).sum(
        axis=2
    )
    rows, columns = np.nonzero(changed)
    height, width = changed.shape
    # segment 4 is basal inferior: at the bottom of the first plot
    assert height / 2 < rows.min() <= rows.max() < 0.9 * height
    assert columns.max() < width / 3


def with_thickening(percent):
    growth = replace(WALL.segments[0].thickening_percent, value=percent)
    return replace(WALL, segments=(replace(WALL.segments[0], thickening_percent=growth), *WALL.segments[1:]))


def wedge_color(percent):
    """The colour of segment 1, basal anterior, in the plot of thickening, beside its figures."""
    picture = pixels(render_bullseye(with_thickening(percent)))
    rows, columns = np.nonzero(np.abs(picture - pixels(render_bullseye(with_thickening(1000 - percent)))).sum(axis=2))
    return tuple(picture[(rows.min() + rows.max()) // 2, columns.min() + 12])


@pytest.mark.parametrize("percent", [-9.6, 9.6, 29.6])
def test_a_segment_has_the_colour_of_the_percent_it_shows(percent):
    assert render_bullseye(with_thickening(percent)) == render_bullseye(with_thickening(round(percent)))


def test_each_class_of_thickening_has_a_colour_of_its_own_up_to_its_limits():
    by_class = {}
    for percent in (-40, -10, -9, 9, 10, 29, 30, 49):
        by_class.setdefault(thickening_class(percent), set()).add(wedge_color(percent))
    assert [len(colors) for colors in by_class.values()] == [1] * 4
    assert len(set.union(*by_class.values())) == 4


def test_the_caption_gives_the_range_of_each_class():
    assert CLASS_RANGES.replace("\n", " ") == (
        "thinning from -10 % down, absent -9 to 9 %, reduced 10 to 29 %, normal from 30 % up"
    )


def test_the_picture_says_where_the_orientation_is_assumed():
    known = replace(WALL, orientation=SegmentOrientation.PATIENT)
    assert WALL.orientation is SegmentOrientation.DISPLAY_ASSUMED
    changed = np.abs(pixels(render_bullseye(WALL)) - pixels(render_bullseye(known))).sum(axis=2)
    assert np.nonzero(changed)[0].max() < 0.08 * changed.shape[0]


def test_an_analysis_is_drawn_to_a_file(tmp_path):
    draw_bullseye(replace(analysis_of(), segments=WALL), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes() == render_bullseye(WALL)


@pytest.mark.parametrize(
    ("wall", "why"), [(None, "the wall was not measured"), (undefined_segments("out of scope", GEOMETRY), "out of scope")]
)
def test_where_nothing_was_measured_nothing_is_drawn_and_the_reason_is_said(wall, why, tmp_path):
    with pytest.raises(CardiacMTLError, match=why):
        draw_bullseye(replace(analysis_of(), segments=wall), tmp_path / "plot.png")
    assert not (tmp_path / "plot.png").exists()


def test_without_matplotlib_the_package_is_named(monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "CardiacMTLLib.report.bullseye_drawing":
            raise ImportError("No module named 'matplotlib'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPackageError, match="install matplotlib"):
        draw_bullseye(replace(analysis_of(), segments=WALL), tmp_path / "plot.png")
