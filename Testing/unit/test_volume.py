from dataclasses import replace

import numpy as np
import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.volume import CineStudy, Patient, StoredGrid

GRID = Geometry((5, 4, 3), (1.4, 1.4, 8.0))
STUDY = CineStudy(np.zeros((2, 3, 4, 5), np.int16), GRID, StoredGrid(GRID, AxisOrder()), ed_frame=0, es_frame=1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": np.zeros((3, 4, 5), np.int16)}, r"expected \(t, z, y, x\)"),
        ({"frames": np.zeros((2, 3, 5, 4), np.int16)}, r"expected \(t, z, y, x\)"),
        ({"frames": np.zeros((0, 3, 4, 5), np.int16)}, "t of at least 1"),
        ({"frames": np.zeros((2, 3, 4, 5), np.complex64)}, "real numbers"),
        ({"ed_frame": 2}, "ed_frame is 2"),
        ({"es_frame": -1}, "es_frame is -1"),
        ({"frame_times_ms": (0.0, 30.0, 60.0)}, "3 frame times for 2 frames"),
        ({"frame_numbers": (1,)}, r"the numbers \(1,\) for 2 frames"),
        ({"frame_numbers": (0, 16)}, "expected one a frame, from 1"),
        ({"frame_numbers": (16, 16)}, "all different"),
    ],
)
def test_a_study_that_contradicts_itself_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(STUDY, **change)


@pytest.mark.robustness(16)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_undefined_voxels_are_refused_with_their_count(bad: float) -> None:
    frames = np.zeros((2, 3, 4, 5), np.float32)
    frames[0, 1, 2, :3] = bad
    with pytest.raises(InputError, match=r"^3 voxels are NaN or infinite"):
        replace(STUDY, frames=frames)


@pytest.mark.robustness(17)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64, bool])
def test_every_real_type_of_voxel_is_taken(dtype: type) -> None:
    assert replace(STUDY, frames=np.ones((2, 3, 4, 5), dtype)).frames.dtype == dtype


def test_frames_of_the_phases_are_found_by_name() -> None:
    assert [STUDY.frame_of(phase) for phase in Phase] == [0, 1]
    assert replace(STUDY, es_frame=None).frame_of(Phase.ES) is None


def test_a_frame_is_told_by_its_number_in_the_cine_it_came_from() -> None:
    some = replace(STUDY, frame_numbers=(1, 16))
    assert [STUDY.frame_number(frame) for frame in (0, 1)] == [1, 2]
    assert [some.frame_number(frame) for frame in (0, 1)] == [1, 16]
    assert (STUDY.frame_text(1), some.frame_text(1)) == ("frame 2 of 2", "frame 16")


def test_a_mask_goes_back_to_the_axes_of_the_file() -> None:
    order = AxisOrder((2, 0, 1), (True, False, True))
    stored = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    study = CineStudy(order.apply(stored)[None], order.geometry(GRID), StoredGrid(GRID, order))
    assert (study.in_file_axes(study.frames[0]) == stored).all()


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [("height_cm", 1.84, 184.0), ("weight_kg", 700.0, 70.0), ("heart_rate_bpm", 0.0, 60.0), ("height_cm", float("nan"), 30.0)],
)
def test_a_body_that_cannot_be_is_refused_by_name(name: str, bad: float, good: float) -> None:
    with pytest.raises(InputError, match=f"^{name} is"):
        Patient(**{name: bad})
    assert getattr(Patient(**{name: good}), name) == good
