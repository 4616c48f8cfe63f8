import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.slices import SliceSelection, numbers_text, parse_slices, stored_numbers
from Testing.unit.analyses import study_like

STUDY, FLIPPED = study_like(), study_like(flipped=True)


def masks():
    return {phase: np.full((5, 4, 4), 3, np.uint8) for phase in Phase}


def test_each_phase_loses_its_own_slices_and_nothing_else():
    before = masks()
    chosen = SliceSelection(frozenset({0}), frozenset({3, 4})).apply(before)
    assert [plane.any() for plane in chosen[Phase.ED]] == [False, True, True, True, True]
    assert [plane.any() for plane in chosen[Phase.ES]] == [True, True, True, False, False]
    assert all(mask.all() for mask in before.values())


def test_without_a_selection_the_masks_are_the_same():
    before = masks()
    chosen = SliceSelection().apply(before)
    assert all(chosen[phase] is before[phase] for phase in Phase)


@pytest.mark.parametrize("index", [-1, 5])
def test_a_slice_that_is_not_there_is_refused(index):
    with pytest.raises(UsageError, match=r"left out at ES; expected 0 to 4"):
        SliceSelection(excluded_es=frozenset({index})).apply(masks())


@pytest.mark.parametrize(
    ("text", "in_order", "flipped"),
    [("1", {0}, {4}), ("1,2", {0, 1}, {4, 3}), (" 2-4 , 5", {1, 2, 3, 4}, {0, 1, 2, 3}), ("3-3", {2}, {2})],
)
def test_numbers_are_those_of_the_file_counted_from_1(text, in_order, flipped):
    assert parse_slices(text, "--option", STUDY) == in_order
    assert parse_slices(text, "--option", FLIPPED) == flipped


@pytest.mark.parametrize("text", ["", "a", "1,", "1-", "-2", "3-2", "1;2", "1.5"])
def test_what_is_no_list_of_slices_is_refused_naming_the_option(text):
    with pytest.raises(UsageError, match=r"--option is .* expected slice numbers such as 1,2,10-12"):
        parse_slices(text, "--option", STUDY)


@pytest.mark.parametrize("text", ["0", "6", "1,99", "4-1000000000"])
def test_slices_beyond_the_stack_are_refused(text):
    with pytest.raises(UsageError, match=r"--option is .* expected slices from 1 to 5"):
        parse_slices(text, "--option", STUDY)


@given(st.frozensets(st.integers(0, 4), min_size=1), st.sampled_from([STUDY, FLIPPED]))
def test_what_is_written_can_be_read_again(indices, study):
    assert parse_slices(numbers_text(indices, study), "--option", study) == indices
    assert stored_numbers(indices, study) == sorted(stored_numbers(indices, study))
