import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from CardiacMTLLib.errors import MissingPackageError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.report.contact_sheet import draw_contact_sheet
from CardiacMTLLib.report.palette import STRUCTURE_COLORS
from CardiacMTLLib.report.sheet_drawing import _blocks
from CardiacMTLLib.report.slice_view import (
    Crop,
    Ends,
    crop_around,
    edge_letters,
    grey_window,
    reading_order,
    stored_slice_number,
    to_grey,
)
from CardiacMTLLib.report.tile import SIDE_PX, overlaid_tile, plain_tile
from Testing.unit.analyses import analysis_of, heart_mask, study_like

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def coloured(tile, label):
    """Pixels of the outline of one structure: nearly its colour, which no grey is."""
    return np.abs(tile.astype(int) - STRUCTURE_COLORS[label]).max(axis=2) < 50


def disc_mask(size_yx, spacing_yx_mm, radius_mm, label=Label.LV):
    y, x = ((np.arange(n) - (n - 1) / 2) * d for n, d in zip(size_yx, spacing_yx_mm, strict=True))
    return np.where(np.hypot(y[:, None], x[None]) < radius_mm, np.uint8(label), np.uint8(0))


def extent(seen):
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


@pytest.mark.parametrize("spacing_yx_mm", [(1.0, 1.0), (1.0, 2.0), (2.5, 1.25)])
def test_pixels_that_are_not_square_are_shown_in_true_proportions(spacing_yx_mm):
    size_yx = tuple(round(120 / d) for d in spacing_yx_mm)
    mask = disc_mask(size_yx, spacing_yx_mm, radius_mm=30.0)
    tile = overlaid_tile(np.zeros((SIDE_PX, SIDE_PX), np.uint8), mask, Crop(0.0, 0.0, 120.0), spacing_yx_mm)

    height, width = extent(coloured(tile, Label.LV))

    assert height == pytest.approx(SIDE_PX / 2, abs=6)
    assert width == pytest.approx(SIDE_PX / 2, abs=6)


@settings(max_examples=25, deadline=None)
@given(st.floats(6.0, 40.0), st.floats(0.8, 3.0))
def test_an_outline_encloses_the_area_of_its_mask_within_half_a_voxel(radius_mm, pixel_mm):
    n = round(110 / pixel_mm)
    mask = disc_mask((n, n), (pixel_mm, pixel_mm), radius_mm)
    side_mm = n * pixel_mm
    tile = overlaid_tile(np.zeros((SIDE_PX, SIDE_PX), np.uint8), mask, Crop(0.0, 0.0, side_mm), (pixel_mm, pixel_mm))
    shown_mm2 = (tile[..., 0] > 10).sum() * (side_mm / SIDE_PX) ** 2

    assert abs(shown_mm2 - (mask > 0).sum() * pixel_mm**2) <= 2 * np.pi * (radius_mm + pixel_mm) * (
        pixel_mm / 2 + side_mm / SIDE_PX
    )


def test_a_heading_names_the_frame_by_its_number_in_the_source():
    some = analysis_of(replace(study_like(), frame_numbers=(1, 16)))
    told = [[block.details.partition("  ")[0] for block in _blocks(analysis)] for analysis in (analysis_of(), some)]
    assert told == [["frame 1 of 2", "frame 2 of 2"], ["frame 1", "frame 16"]]


def test_a_single_voxel_stays_visible():
    mask = np.zeros((40, 40), np.uint8)
    mask[20, 20] = Label.RV
    tile = overlaid_tile(np.zeros((SIDE_PX, SIDE_PX), np.uint8), mask, Crop(0.0, 0.0, 60.0), (1.5, 1.5))

    assert coloured(tile, Label.RV).sum() >= 4


def test_the_lines_are_endocardium_epicardium_and_right_ventricle_and_the_anatomy_shows_through():
    study = study_like()
    mask = heart_mask(study.geometry, 24.0)[-1]
    crop = Crop(0.0, 0.0, 128.0)
    grey = np.full((SIDE_PX, SIDE_PX), 128, np.uint8)
    tile = overlaid_tile(grey, mask, crop, (2.0, 2.0))

    middle_row = tile[SIDE_PX // 2 - 1]
    order = [label for x in range(SIDE_PX) for label in STRUCTURE_COLORS if coloured(middle_row[None, x : x + 1], label).any()]
    crossings = [label for label, before in zip(order, [None, *order], strict=False) if label is not before]
    inside_lv = tile[SIDE_PX // 2, round((71 * 2 / 128 + 2 / 128) / 2 * SIDE_PX)]

    assert crossings == [Label.RV, Label.MYOCARDIUM, Label.LV, Label.MYOCARDIUM]
    assert np.abs(inside_lv.astype(int) - 128).max() < 25


def test_a_slice_without_structures_is_shown_unchanged():
    grey = np.random.default_rng(0).integers(0, 256, (SIDE_PX, SIDE_PX), dtype=np.uint8)
    tile = overlaid_tile(grey, np.zeros((20, 20), np.uint8), Crop(0.0, 0.0, 30.0), (1.5, 1.5))

    assert np.array_equal(tile, np.repeat(grey[..., None], 3, axis=2))


def test_what_lies_beyond_the_image_is_black():
    tile = plain_tile(np.full((40, 20), 200, np.uint8), Crop(-10.0, 0.0, 40.0), (1.0, 1.0))

    assert (tile[:, : SIDE_PX // 4 - 2] == 0).all()
    assert (tile[:, SIDE_PX // 4 + 2 : -SIDE_PX // 4 - 2] == 200).all()


@settings(deadline=None)
@given(st.integers(3, 60), st.integers(3, 60), st.floats(0.7, 3.0), st.floats(0.7, 3.0), st.integers(0, 1000))
def test_the_crop_is_one_square_that_holds_every_structure(height, width, dy_mm, dx_mm, seed):
    geometry = Geometry((width, height, 2), (dx_mm, dy_mm, 8.0))
    mask = np.zeros(geometry.shape_zyx, np.uint8)
    rng = np.random.default_rng(seed)
    for z in range(2):
        mask[z, rng.integers(height), rng.integers(width)] = Label.LV
    crop = crop_around([mask], geometry)

    _, rows, columns = np.nonzero(mask)
    assert crop.left_mm <= columns.min() * dx_mm + 1e-6
    assert crop.left_mm + crop.side_mm >= (columns.max() + 1) * dx_mm - 1e-6
    assert crop.top_mm <= rows.min() * dy_mm + 1e-6
    assert crop.top_mm + crop.side_mm >= (rows.max() + 1) * dy_mm - 1e-6


def test_without_structures_the_whole_image_is_shown():
    geometry = Geometry((100, 50, 3), (1.0, 1.0, 8.0))

    assert crop_around([], geometry) == crop_around([np.zeros((3, 50, 100), np.uint8)], geometry) == Crop(0.0, -25.0, 100.0)


def test_oriented_slices_are_read_from_base_to_apex():
    study = study_like()

    assert reading_order(study, []) == ([4, 3, 2, 1, 0], Ends.ORIENTATION)


@pytest.mark.parametrize("base_first", [True, False])
def test_without_orientation_the_wider_end_of_the_masks_is_the_base(base_first):
    study = study_like(direction=IDENTITY)
    mask = heart_mask(study.geometry, 24.0)
    order, ends = reading_order(study, [mask[::-1] if base_first else mask])

    assert order == ([0, 1, 2, 3, 4] if base_first else [4, 3, 2, 1, 0])
    assert ends is Ends.MASKS


def test_without_orientation_and_masks_the_ends_are_not_named():
    study = study_like(direction=IDENTITY)

    assert reading_order(study, [np.zeros(study.geometry.shape_zyx, np.uint8)]) == ([0, 1, 2, 3, 4], Ends.UNKNOWN)


def test_slices_carry_their_numbers_in_the_file():
    assert [stored_slice_number(study_like(), z) for z in range(5)] == [1, 2, 3, 4, 5]
    assert [stored_slice_number(study_like(flipped=True), z) for z in range(5)] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("direction", "letters"),
    [
        ((0.2, 0.0, 0.96**0.5, 0.96**0.5, 0.0, -0.2, 0.0, 1.0, 0.0), ("P", "S")),
        ((0.8, 0.0, 0.6, 0.6, 0.0, -0.8, 0.0, -1.0, 0.0), ("LP", "I")),
        (IDENTITY, None),
        ((0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0), None),
    ],
)
def test_the_edges_of_the_picture_are_named_by_the_patients_axes(direction, letters):
    assert edge_letters(Geometry((8, 8, 3), (1.0, 1.0, 8.0), direction)) == letters


def test_the_grey_window_follows_the_crop_not_the_bright_rest():
    geometry = Geometry((50, 50, 1), (1.0, 1.0, 8.0))
    image = np.full((1, 50, 50), 5000, np.int16)
    image[:, 10:30, 10:30] = np.arange(400).reshape(20, 20)
    low, high = grey_window([image], Crop(10.0, 10.0, 20.0), geometry)

    assert (low, high) == (pytest.approx(4, abs=1), pytest.approx(397, abs=1))
    assert to_grey(image, (low, high)).max() == 255


def test_a_constant_image_has_a_window():
    low, high = grey_window([np.full((2, 8, 8), 7)], Crop(0.0, 0.0, 8.0), Geometry((8, 8, 2), (1.0, 1.0, 8.0)))

    assert high > low


CASES = {
    "both phases": analysis_of(),
    "no ES": analysis_of(study_like(n_frames=1)),
    "empty masks": analysis_of(masks={phase: np.zeros((5, 64, 72), np.uint8) for phase in Phase}),
    "no masks": analysis_of(masks={}),
    "no phase": replace(analysis_of(masks={}), frames={}),
    "one slice": analysis_of(study_like(size_xyz=(40, 40, 1))),
    "tiny matrix": analysis_of(study_like(size_xyz=(5, 3, 2))),
    "many slices": analysis_of(study_like(size_xyz=(40, 40, 18), spacing_xyz_mm=(3.0, 1.5, 5.0))),
}


@pytest.mark.parametrize("analysis", CASES.values(), ids=CASES.keys())
def test_a_sheet_is_drawn_for_every_outcome(analysis, tmp_path):
    before = {phase: mask.copy() for phase, mask in analysis.masks.items()}
    draw_contact_sheet(analysis, tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    shown = {label for label in STRUCTURE_COLORS if coloured(sheet[SIDE_PX:], label).sum() > 20}

    assert shown == {label for label in STRUCTURE_COLORS if any((mask == label).any() for mask in before.values())}
    assert all(np.array_equal(analysis.masks[phase], mask) for phase, mask in before.items())


def test_ed_stands_above_es(tmp_path):
    analysis = analysis_of()
    alone = replace(analysis, masks={Phase.ES: analysis.masks[Phase.ES]})
    draw_contact_sheet(alone, tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    rows = np.flatnonzero(coloured(sheet, Label.MYOCARDIUM).any(axis=1))

    assert rows[rows > 84].min() > 84 + SIDE_PX


def test_without_pillow_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    for name in ("sheet_drawing", "tile"):
        monkeypatch.delitem(sys.modules, f"CardiacMTLLib.report.{name}", raising=False)

    with pytest.raises(MissingPackageError, match="install pillow"):
        draw_contact_sheet(analysis_of(), tmp_path / "sheet.png")
