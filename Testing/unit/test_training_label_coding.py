"""Declared label codings: what is no coding, and what the anatomy of the masks contradicts."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group, Label, Phase
from CardiacMTLLib.reading.acdc import read_acdc_case
from CardiacMTLLib.volume import Mask
from CardiacMTLTraining.sources.anatomy import ENCLOSED, border_share, check_anatomy
from CardiacMTLTraining.sources.coding import LabelCoding
from Testing.acdc_folder import masks_of

OURS = LabelCoding(1, 2, 3, "labels.json")
WRONG = [values for values in permutations((1, 2, 3)) if values != (1, 2, 3)]
"""Values that RV, myocardium and LV really have where 1, 2 and 3 are declared."""


def heart(lv_mm: float = 12.0, wall_mm: float = 6.0, open_degrees: float = 0.0) -> Mask:
    """(2, 64, 80) at 1 mm: a disc in a ring that is open for some degrees away from the RV, and an RV along its left side."""
    y, x = np.mgrid[:64, :80]
    from_lv, angle = np.hypot(x - 45, y - 32), np.degrees(np.abs(np.arctan2(y - 32, x - 45)))
    mask = np.zeros((2, 64, 80), dtype=np.uint8)
    mask[:, np.hypot(x - 45 + lv_mm + wall_mm, y - 32) < lv_mm] = Label.RV
    mask[:, from_lv < lv_mm + wall_mm] = Label.MYOCARDIUM
    mask[:, (from_lv < lv_mm + wall_mm) & (from_lv >= lv_mm) & (angle < open_degrees / 2)] = Label.BACKGROUND
    mask[:, from_lv < lv_mm] = Label.LV
    return mask


def coded(mask: Mask, values: tuple[int, ...]) -> Mask:
    return np.array([0, *values], dtype=np.uint8)[mask]


def test_the_share_of_a_border_is_that_of_a_drawing() -> None:
    region = np.zeros((1, 6, 6), dtype=bool)
    region[0, 1:4, 1:4] = True
    other = np.zeros_like(region)
    other[0, 1:4, 4] = True
    assert border_share(region, other) == 3 / 8
    nothing = np.zeros_like(region)
    assert border_share(np.concatenate([region, nothing]), np.concatenate([nothing, other])) == 0


@pytest.mark.parametrize("open_degrees", [0.0, 60.0])
@pytest.mark.parametrize("wall_mm", [3.0, 6.0, 15.0])
def test_a_cavity_in_a_ring_fits_also_where_the_ring_is_open(wall_mm: float, open_degrees: float) -> None:
    mask = heart(wall_mm=wall_mm, open_degrees=open_degrees)
    check_anatomy({Phase.ED: mask, Phase.ES: mask}, OURS)


@pytest.mark.robustness(29)
@pytest.mark.parametrize("values", WRONG)
@pytest.mark.parametrize("phase", Phase)
def test_a_phase_with_another_coding_is_refused_and_its_coding_named(values: tuple[int, ...], phase: Phase) -> None:
    masks = {Phase.ED: heart(), Phase.ES: heart(lv_mm=8.0, wall_mm=9.0)}
    masks[phase] = coded(masks[phase], values)
    with pytest.raises(InputError) as caught:
        check_anatomy(masks, OURS)
    rv, myocardium, lv = values
    assert str(caught.value).startswith(f"labels.json declares 1 RV, 2 myocardium, 3 LV, but in the {phase} mask")
    assert f"as with {rv} RV, {myocardium} myocardium, {lv} LV" in str(caught.value)


@pytest.mark.parametrize("values", WRONG)
@pytest.mark.parametrize("group", Group)
def test_phantoms_of_every_group_fit_their_own_coding_alone(group: Group, values: tuple[int, ...]) -> None:
    masks = masks_of(group)
    check_anatomy(masks, OURS)
    with pytest.raises(InputError, match="declare this coding"):
        check_anatomy({phase: coded(mask, values) for phase, mask in masks.items()}, OURS)


def test_a_ring_that_no_coding_can_give_is_refused() -> None:
    mask = heart(open_degrees=180.0)
    with pytest.raises(InputError, match="which no coding of these values gives"):
        check_anatomy({Phase.ED: mask, Phase.ES: mask}, OURS)


@pytest.mark.parametrize(
    ("removed", "words"),
    [
        ((Label.RV,), "the ES mask holds no RV"),
        ((Label.LV, Label.MYOCARDIUM), "the ES mask holds no LV and no MYOCARDIUM"),
        ((Label.LV, Label.MYOCARDIUM, Label.RV), "the ES mask is empty"),
    ],
)
def test_a_mask_without_a_structure_is_refused(removed: tuple[Label, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_anatomy({Phase.ED: heart(), Phase.ES: np.where(np.isin(heart(), removed), 0, heart()).astype(np.uint8)}, OURS)


def test_a_phase_without_a_mask_is_refused() -> None:
    with pytest.raises(InputError, match="ES has none"):
        check_anatomy({Phase.ED: heart()}, OURS)


def test_expert_masks_of_real_patients_fit_their_own_coding_alone(data_root: Path) -> None:
    folders = sorted((data_root / "acdc").glob("patient*"))[::12]
    assert len(folders) > 5
    for folder in folders:
        masks = read_acdc_case(folder).masks
        assert masks is not None
        check_anatomy(masks, OURS)
        for phase, mask in masks.items():
            assert border_share(mask == Label.LV, mask == Label.MYOCARDIUM) > 0.95 > ENCLOSED, (folder.name, phase)
            assert border_share(mask == Label.RV, mask == Label.MYOCARDIUM) < 0.5 < ENCLOSED, (folder.name, phase)
        for values in WRONG:
            with pytest.raises(InputError, match="declare this coding"):
                check_anatomy({phase: coded(mask, values) for phase, mask in masks.items()}, OURS)


def test_a_mask_is_decoded_as_declared() -> None:
    coding = LabelCoding(rv=30, myocardium=10, lv=20, declared_by="labels.json")
    voxels = np.array([[[0, 10.0, 20.0, 30.0]]], dtype=np.float32)
    decoded = coding.decode(voxels, "mask.nii.gz")
    np.testing.assert_array_equal(decoded, [[[Label.BACKGROUND, Label.MYOCARDIUM, Label.LV, Label.RV]]])
    assert decoded.dtype == np.uint8


@pytest.mark.parametrize("value", [4, -1, 1.5, float("nan")])
def test_a_value_that_is_not_declared_is_refused(value: float) -> None:
    with pytest.raises(InputError, match=r"mask\.nii holds the values .*expected 0 background, 1 RV, 2 myocardium, 3 LV"):
        OURS.decode(np.array([[[0, 1, value]]], dtype=np.float32), "mask.nii")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read"),
        ("[1, 2, 3]", "has the keys list"),
        ("{}", "has the keys none"),
        (json.dumps({"RV": 1, "LV": 3}), "has the keys RV, LV"),
        (json.dumps({"RV": 1, "MYOCARDIUM": 2, "LV": 3, "LA": 4}), "has the keys RV, MYOCARDIUM, LV, LA"),
        (json.dumps({"RV": 1, "MYOCARDIUM": 1, "LV": 3}), r"declares \[1, 1, 3\]"),
        (json.dumps({"RV": 0, "MYOCARDIUM": 1, "LV": 3}), r"declares \[0, 1, 3\]"),
        (json.dumps({"RV": "1", "MYOCARDIUM": 2, "LV": 3}), r"declares \['1', 2, 3\]"),
        (json.dumps({"RV": True, "MYOCARDIUM": 2, "LV": 3}), r"declares \[True, 2, 3\]"),
    ],
)
def test_what_is_no_coding_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "labels.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        LabelCoding.load(tmp_path / "labels.json")


def test_a_coding_is_read_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"LV": 9, "RV": 4, "MYOCARDIUM": 6}', encoding="utf-8")
    assert LabelCoding.load(tmp_path / "labels.json") == LabelCoding(4, 6, 9, "labels.json")
