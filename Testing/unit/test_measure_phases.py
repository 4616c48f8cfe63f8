import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CardiacMTLLib.measure.phases import find_phases, odd_frame, smoothed


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


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.5])
@pytest.mark.parametrize("n_frames", [12, 20])
def test_one_frame_whose_segmentation_failed_decides_nothing_wherever_it_lies(n_frames, factor):
    wanted_ed, wanted_es = find_phases(cycle(n_frames))
    for bad in range(n_frames):
        spoiled = cycle(n_frames)
        spoiled[bad] *= factor
        found_ed, found_es = find_phases(spoiled)
        assert min((found_ed - wanted_ed) % n_frames, (wanted_ed - found_ed) % n_frames) <= 1, bad
        assert abs(found_es - wanted_es) <= 1, bad


def test_without_an_atrial_kick_ed_is_the_end_of_the_level_stretch():
    level = [150, 120, 90, 70, 70, 110, 140, 150, 151, 150.5, 150, 150.5, 150]
    assert find_phases(level)[0] in (0, 12)


def test_two_frames_are_taken_as_they_are():
    assert find_phases([130.0, 50.0]) == (0, 1)
    assert find_phases([50.0, 130.0]) == (1, 0)


def test_frames_without_a_ventricle_are_neither_phase():
    assert find_phases([0.0, 130.0, 0.0, 50.0, 0.0]) == (1, 3)
    assert np.isnan(smoothed([0.0, 130.0, 50.0])[0])


@pytest.mark.parametrize("volumes", [[], [100.0], [0.0, 100.0], [100.0, 100.0], [0.0] * 20, [80.0, 120.0] * 4])
def test_there_are_no_phases_where_the_volume_does_not_change(volumes):
    assert find_phases(volumes) is None


def test_a_frame_that_sticks_out_is_odd_and_a_steep_step_is_not():
    spoiled = cycle(20)
    spoiled[13] = 20.0
    assert odd_frame(spoiled) == 13
    assert odd_frame(cycle(20)) is None
    assert odd_frame([77, 78, 78, 74, 69, 62, 55, 48, 42, 41, 37, 45]) is None


@pytest.mark.parametrize("volumes", [[100.0, 20.0, 100.0, 100.0, 100.0], [80.0, 120.0] * 5, [100.0] * 9])
def test_no_frame_is_odd_among_few_or_where_all_are_rough_or_alike(volumes):
    assert odd_frame(volumes) is None


def test_a_heart_that_does_not_move_has_no_odd_frame_for_half_a_millilitre_of_noise():
    still = [141.6, 141.6, 141.6, 141.6, 141.3, 141.5, 141.8, 142.0, 141.6, 141.8, 141.7, 141.7]
    assert odd_frame(still) is None
    still[8] = 130.0
    assert odd_frame(still) == 8


@pytest.mark.parametrize("volumes", [[280.5, 279.7, 278.7, 275.7, 273.6, 253.3], cycle(20)[:7], cycle(20)[6:15]])
def test_a_part_of_the_cycle_is_not_closed_so_that_its_ends_are_not_odd(volumes):
    assert odd_frame(volumes) is None
    assert odd_frame(volumes[::-1]) is None


@pytest.mark.parametrize("end", [0, 19])
def test_the_first_and_the_last_frame_of_a_closed_cycle_may_be_odd(end):
    spoiled = cycle(20)
    spoiled[end] = 20.0
    assert odd_frame(spoiled) == end


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 400), min_size=2, max_size=30))
def test_ed_and_es_are_never_the_same_frame(volumes):
    found = find_phases(volumes)
    assert found is None or found[0] != found[1]
