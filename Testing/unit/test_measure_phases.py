import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CardiacMTLLib.measure.phases import find_phases


def cycle(n_frames, ed=0):
    """LV volumes in mL of a beat of `n_frames`, largest at frame `ed`, smallest a third of the cycle later."""
    time = (np.arange(n_frames) - ed) % n_frames / n_frames
    return np.where(time < 1 / 3, 100 + 50 * np.cos(3 * np.pi * time), 100 - 50 * np.cos(1.5 * np.pi * (time - 1 / 3)))


@pytest.mark.parametrize("n_frames", [12, 20, 30])
@pytest.mark.parametrize("ed", [0, 5, 11])
def test_the_largest_and_the_smallest_volume_are_ed_and_es_wherever_the_cycle_starts(n_frames, ed):
    found_ed, found_es = find_phases(cycle(n_frames, ed))
    assert abs(found_ed - ed) in (0, 1, n_frames - 1)
    assert abs(found_es - (ed + n_frames / 3) % n_frames) <= 1


def test_one_frame_whose_segmentation_failed_decides_nothing():
    volumes = cycle(20)
    spoiled = volumes.copy()
    spoiled[13] = 60.0
    assert find_phases(spoiled) == find_phases(volumes)


def test_two_frames_are_taken_as_they_are():
    assert find_phases([130.0, 50.0]) == (0, 1)
    assert find_phases([50.0, 130.0]) == (1, 0)


@pytest.mark.parametrize("volumes", [[], [100.0], [100.0, 100.0], [0.0] * 20, [80.0, 120.0] * 4])
def test_there_are_no_phases_where_the_volume_does_not_change(volumes):
    assert find_phases(volumes) is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 400), min_size=2, max_size=30))
def test_ed_and_es_are_never_the_same_frame(volumes):
    found = find_phases(volumes)
    assert found is None or found[0] != found[1]
