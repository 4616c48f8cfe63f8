import numpy as np
import pytest

from CardiacMTLLib.inference.phase_check import cycle_flags
from CardiacMTLLib.labels import Phase

BEAT = tuple(100 + 50 * np.cos(2 * np.pi * np.arange(20) / 20))


def codes(volumes, **given):
    return [flag.code for flag in cycle_flags(volumes, {Phase[name.upper()]: frame for name, frame in given.items()})]


@pytest.mark.parametrize("given", [{}, {"ed": 0}, {"ed": 1, "es": 11}, {"ed": 19, "es": 9}])
def test_frames_at_or_beside_the_extremes_raise_no_flag(given):
    assert codes(BEAT, **given) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"ed": 4}, ["ed_frame_unlikely"]),
        ({"es": 5}, ["es_frame_unlikely"]),
        ({"ed": 10, "es": 0}, ["ed_frame_unlikely", "es_frame_unlikely"]),
    ],
)
def test_a_given_frame_far_from_the_extreme_is_named_with_what_to_check(given, expected):
    assert codes(BEAT, **given) == expected


def test_the_flag_names_both_frames_from_one_and_both_volumes():
    (flag,) = cycle_flags(BEAT, {Phase.ED: 5, Phase.ES: 10})
    assert flag.text == "frame 6 was given as ED (100 mL), but the LV is largest near frame 2 (148 mL)"
    assert "number of the ED frame" in flag.check


def test_a_given_frame_without_an_lv_is_unlikely():
    assert codes((*BEAT[:10], 0.0, *BEAT[11:]), es=10) == ["odd_frame", "es_frame_unlikely"]


def test_a_frame_that_does_not_fit_its_neighbours_is_named():
    spoiled = list(BEAT)
    spoiled[6] = 20.0
    (flag,) = cycle_flags(spoiled, {Phase.ED: 0, Phase.ES: 10})
    assert flag.code == "odd_frame"
    assert "frame 7 (20 mL)" in flag.text


@pytest.mark.parametrize("volumes", [(100.0,) * 8, (0.0,) * 8, (100.0,)])
def test_a_heart_that_does_not_move_says_nothing_about_its_frames(volumes):
    assert codes(volumes, ed=0) == []
