import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.inference.clean import clean_mask
from CardiacMTLLib.labels import STRUCTURES, Label
from Testing.unit.hearts import ED_HEART

GRID = Geometry((64, 52, 9), (2.5, 2.5, 10.0))
HEART = ED_HEART.mask(GRID)

masks = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=7), elements=st.sampled_from([0, 0, 0, *Label])
)
few = settings(max_examples=60, deadline=None)


def pieces(region):
    image = sitk.ConnectedComponent(sitk.GetImageFromArray(region.astype(np.uint8)), True)
    return int(sitk.GetArrayViewFromImage(image).max())


def test_a_whole_heart_stays_as_it_is():
    assert (clean_mask(HEART) == HEART).all()


@pytest.mark.parametrize("label", STRUCTURES)
@pytest.mark.parametrize("place", [(0, 0, 0), (4, 2, 60), (8, 51, 63)])
def test_an_island_of_any_structure_is_removed(label, place):
    spotted = HEART.copy()
    spotted[place] = label
    assert (clean_mask(spotted) == HEART).all()


def test_an_island_in_a_slice_beyond_the_heart_is_removed():
    spotted = HEART.copy()
    spotted[-1, 0:4, 0:4] = Label.LV
    assert (clean_mask(spotted) == HEART).all()


def test_the_wall_about_the_cavity_stays_even_beside_a_larger_false_wall():
    spotted = HEART.copy()
    spotted[:, :12] = np.where(spotted[:, :12] == 0, Label.MYOCARDIUM, spotted[:, :12])
    spotted[:, 10:14] = 0
    assert (spotted == Label.MYOCARDIUM).sum() > 2 * (HEART > 0).sum() / 2
    cleaned = clean_mask(spotted)
    assert (cleaned[:, 14:] == HEART[:, 14:]).all()
    assert not cleaned[:, :10].any()


def test_a_piece_of_cavity_outside_the_wall_is_removed():
    spotted = HEART.copy()
    outside = np.argwhere((HEART[4] == Label.MYOCARDIUM).any(axis=0)).max() + 1
    spotted[4, 26, outside] = Label.LV
    assert (clean_mask(spotted) == HEART).all()


@pytest.mark.parametrize("hole", [(slice(25, 28), slice(30, 33)), (slice(25, 27), slice(21, 22))])
def test_a_hole_is_filled_with_what_it_lies_in(hole):
    holed = HEART.copy()
    holed[4][hole] = 0
    assert (HEART[4][hole] > 0).all()
    assert (clean_mask(holed) == HEART).all()


def test_a_right_ventricle_inside_the_wall_stays_a_right_ventricle():
    odd = np.where(HEART == Label.RV, 0, HEART).astype(np.uint8)
    odd[3:6, 25:28, 30:33] = Label.RV
    assert (clean_mask(odd) == odd).all()


def test_an_open_ring_is_not_filled():
    opened = HEART.copy()
    opened[opened == Label.LV] = 0
    opened[:, 24:29, 32:] = 0
    assert not (clean_mask(opened) == Label.LV).any()


@pytest.mark.parametrize("label", list(Label))
def test_a_mask_of_one_label_alone_stays(label):
    full = np.full((3, 5, 6), label, np.uint8)
    assert (clean_mask(full) == full).all()


@pytest.mark.parametrize("kept", STRUCTURES)
def test_a_structure_alone_keeps_its_largest_piece(kept):
    alone = np.where(kept == HEART, HEART, 0).astype(np.uint8)
    spotted = alone.copy()
    spotted[0, 0, 0] = kept
    cleaned = clean_mask(spotted)
    assert not cleaned[0, 0, 0]
    assert (cleaned[alone > 0] == kept).all()


def test_one_slice_is_cleaned_like_many():
    spotted = HEART[4:5].copy()
    spotted[0, 2, 2] = Label.RV
    assert (clean_mask(spotted) == HEART[4:5]).all()


@few
@given(masks)
def test_cleaning_leaves_its_input_as_it_was(mask):
    before = mask.copy()
    cleaned = clean_mask(mask)
    assert (mask == before).all()
    assert not np.shares_memory(cleaned, mask)
    assert (cleaned.shape, cleaned.dtype) == (mask.shape, np.uint8)


@few
@given(masks)
def test_cleaning_twice_is_cleaning_once(mask):
    once = clean_mask(mask)
    assert (clean_mask(once) == once).all()


@few
@given(masks)
def test_labels_are_kept_and_only_holes_become_cavity(mask):
    cleaned = clean_mask(mask)
    changed = (cleaned != mask) & (cleaned > 0)
    assert (cleaned[changed] == Label.LV).all()


@few
@given(masks)
def test_what_is_left_is_one_left_and_one_right_ventricle(mask):
    cleaned = clean_mask(mask)
    assert pieces(cleaned == Label.RV) == int((mask == Label.RV).any())
    assert pieces((cleaned == Label.LV) | (cleaned == Label.MYOCARDIUM)) <= 1
    assert (cleaned == Label.LV).any() or not (mask == Label.LV).any()
