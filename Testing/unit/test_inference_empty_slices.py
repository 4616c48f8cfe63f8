from dataclasses import replace

import numpy as np
import pytest
import torch

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.inference.empty_slices import of_slices, put_back, slices_with_signal
from CardiacMTLLib.inference.find import find_heart
from Testing.unit.hearts import ED_HEART, ES_HEART, study_of
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames

torch.set_num_threads(1)
CPU = torch.device("cpu")
MODEL = oracle_model()
SPACING = ORACLE_GRID.spacing_xyz_mm
FRAMES = painted_frames(np.stack([heart.mask(ORACLE_GRID) for heart in (ED_HEART, ES_HEART)]), SPACING)


def blanked(blank, value=0.0):
    """The study with `blank` slices more at both ends, all of one value."""
    filled = np.pad(FRAMES, ((0, 0), (blank, blank), (0, 0), (0, 0)), constant_values=value)
    return study_of(filled, SPACING, ed_frame=0, es_frame=1)


@pytest.mark.parametrize("value", [0.0, -500.0, 9000.0])
@pytest.mark.parametrize("whole_cycle", [False, True])
def test_blank_slices_change_no_mask_and_hold_none(value, whole_cycle):
    plain = find_heart(blanked(0), MODEL.network, CPU, whole_cycle=whole_cycle)
    found = find_heart(blanked(3, value), MODEL.network, CPU, whole_cycle=whole_cycle)
    for phase, mask in plain.phases.masks.items():
        assert (found.phases.masks[phase] == np.pad(mask, ((3, 3), (0, 0), (0, 0)))).all()
    if whole_cycle:
        assert (found.cine == np.pad(plain.cine, ((0, 0), (3, 3), (0, 0), (0, 0)))).all()
    assert found.phases.agreement == plain.phases.agreement
    assert found.window == plain.window


def test_where_no_slice_has_signal_the_study_is_refused():
    empty = replace(blanked(0), frames=np.zeros_like(FRAMES))
    with pytest.raises(InputError, match="no signal"):
        find_heart(empty, MODEL.network, CPU)


def test_a_blank_slice_holds_no_heart_even_where_one_lies_between_others():
    frames = FRAMES.copy()
    frames[:, 4] = 7.0
    study = study_of(frames, SPACING, ed_frame=0, es_frame=1)
    assert np.flatnonzero(~slices_with_signal(study)).tolist() == [4]
    found = find_heart(study, MODEL.network, CPU)
    for mask in found.phases.masks.values():
        assert not mask[4].any()
        assert mask[3].any()
        assert mask[5].any()


def test_a_heart_in_no_slice_is_none_also_beside_blank_ones():
    frames = painted_frames(np.zeros(FRAMES.shape, np.uint8), SPACING)
    frames[:, 0] = 0
    study = study_of(frames, SPACING, ed_frame=0, es_frame=1)
    assert find_heart(study, MODEL.network, CPU) is None


def test_slices_that_were_kept_come_back_to_their_places():
    study = blanked(2)
    kept = slices_with_signal(study)
    part = of_slices(study, kept).frames
    assert part.shape[1] == kept.sum() == FRAMES.shape[1]
    assert (put_back(part, kept) == study.frames).all()
