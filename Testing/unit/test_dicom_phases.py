"""Phases of slices whose times differ, frames that are missing or doubled, and times that are absent."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from CardiacMTLLib.errors import GeometryError, InputError
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.reading.dicom.cycle import Beat, match_phases
from CardiacMTLLib.reading.dicom.frame import DicomFrame
from CardiacMTLLib.reading.dicom.header import read_frames
from Testing.dicom_fixtures import beat_ms, canon, phantom, shots, uid, write, write_classic

TRUTH = phantom().study
N_PHASES, N_SLICES = TRUTH.frames.shape[:2]


def in_study(z: int) -> int:
    """Where slice `z` of the file lies in the study."""
    return N_SLICES - 1 - z if TRUTH.stored.order.flips[2] else z


def name(z: int) -> str:
    return f"Slice {in_study(z) + 1} of {N_SLICES}"


def without(*missing: tuple[int, int]) -> Callable[[Dataset, int, int], Dataset | None]:
    return lambda data, t, z: None if (t, z) in missing else data


def untimed(data: Dataset, t: int, z: int) -> Dataset:
    del data.TriggerTime
    return data


@pytest.mark.robustness(12)
def test_each_slice_keeps_its_own_times_and_the_study_has_their_medians(tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path, "GE"))
    expected = [(t + 0.5) / N_PHASES * np.median([beat_ms(z) for z in range(N_SLICES)]) for t in range(N_PHASES)]
    assert study.frame_times_ms == pytest.approx(expected)


@pytest.mark.robustness(11)
@pytest.mark.parametrize("convention", ["GE", "Canon"], ids=["heart beat stated", "heart beat not stated"])
@pytest.mark.parametrize(("missing", "stand_ins"), [([3], [2, 4]), ([7], [6, 0]), ([0], [7, 1])])
def test_where_a_slice_lacks_a_frame_a_neighbour_in_time_stands_in(
    missing: list[int], stand_ins: list[int], convention: str, tmp_path: Path
) -> None:
    study = read_study(write_classic(tmp_path, convention, change=without(*((t, 2) for t in missing))))
    z = in_study(2)
    for t in range(N_PHASES):
        if t in missing:
            assert any((study.frames[t, z] == TRUTH.frames[other, z]).all() for other in stand_ins)
        else:
            assert (study.frames[t] == TRUTH.frames[t]).all()
    assert f"{name(2)} (counted from the apex) has 7 of 8 frames; the nearest in time stand in" in study.warnings[0]


@pytest.mark.robustness(11)
def test_a_slice_between_others_that_lacks_too_much_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{name(2)} \(counted from the apex\) has 5 of 8 frames"):
        read_study(write_classic(tmp_path, change=without((2, 2), (3, 2), (4, 2))))


@pytest.mark.robustness(11)
@pytest.mark.parametrize("z", [0, N_SLICES - 1])
def test_a_slice_at_the_end_that_lacks_too_much_is_left_out_by_name(z: int, tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path, change=without(*((t, z) for t in range(1, N_PHASES)))))
    assert study.warnings == (f"{name(z)} (counted from the apex) was left out: it has 1 of 8 frames.",)
    kept = [in_study(other) for other in range(N_SLICES) if other != z]
    assert (study.frames == TRUTH.frames[:, sorted(kept)]).all()
    assert len(study.source.frames[0]) == N_SLICES - 1


@pytest.mark.robustness(11)
def test_a_slice_with_more_phases_gives_the_nearest_in_time(tmp_path: Path) -> None:
    twice = phantom(16).study
    write_classic(tmp_path / "one", "Siemens", change=lambda data, t, z: None if z == 2 else data)
    write_classic(tmp_path / "two", "Siemens", study=twice, change=lambda data, t, z: data if z == 2 else None)
    study = read_study(tmp_path)
    assert study.frames.shape == TRUTH.frames.shape
    assert f"{name(2)} (counted from the apex) has 16 frames; the 8 nearest in time were used." in study.warnings


@pytest.mark.robustness(12)
def test_without_trigger_times_phases_are_in_the_order_of_the_numbers(tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path, change=untimed))
    assert (study.frames == TRUTH.frames).all()
    assert study.frame_times_ms is None
    (warning,) = study.warnings
    assert warning.startswith("Trigger times are missing or equal in all slices")


@pytest.mark.robustness(12)
@pytest.mark.parametrize("time_ms", [0.0, 250.0], ids=["zero", "equal"])
def test_trigger_times_that_tell_no_frames_apart_count_as_missing(time_ms: float, tmp_path: Path) -> None:
    def same(data: Dataset, t: int, z: int) -> Dataset:
        data.TriggerTime = time_ms
        return data

    study = read_study(write_classic(tmp_path, change=same))
    assert (study.frames == TRUTH.frames).all()
    assert study.warnings[0].startswith("Trigger times are missing or equal in all slices")


def test_a_phase_number_orders_frames_before_the_instance_number_does(tmp_path: Path) -> None:
    def numbered(data: Dataset, t: int, z: int) -> Dataset:
        data.TemporalPositionIdentifier, data.InstanceNumber = t + 1, 100 - t
        return untimed(data, t, z)

    assert (read_study(write_classic(tmp_path, change=numbered)).frames == TRUTH.frames).all()


@pytest.mark.parametrize(
    ("creator", "group", "offset"), [("GEMS_ACQU_01", 0x19, 0xD7), ("Philips Imaging DD 001", 0x2001, 0x08)]
)
def test_a_private_phase_number_does_too(creator: str, group: int, offset: int, tmp_path: Path) -> None:
    def numbered(data: Dataset, t: int, z: int) -> Dataset:
        data.private_block(group, creator, create=True).add_new(offset, "SS" if group == 0x19 else "IS", t + 1)
        data.InstanceNumber = 100 - t
        return untimed(data, t, z)

    assert (read_study(write_classic(tmp_path, change=numbered)).frames == TRUTH.frames).all()


def test_without_any_number_the_names_of_the_files_order_the_frames(tmp_path: Path) -> None:
    def anonymous(data: Dataset, t: int, z: int) -> Dataset:
        del data.InstanceNumber
        return untimed(data, t, z)

    write_classic(tmp_path / "written", change=anonymous)
    (tmp_path / "study").mkdir()
    for z in range(N_SLICES):
        for t in range(N_PHASES):
            path = tmp_path / "written" / f"IM{(13 * (z * N_PHASES + t)) % 997:04d}"
            path.rename(tmp_path / "study" / f"{z}-{t}")
    assert (read_study(tmp_path / "study").frames == TRUTH.frames).all()


def test_a_slice_short_of_phases_without_times_is_refused_by_name(tmp_path: Path) -> None:
    def short(data: Dataset, t: int, z: int) -> Dataset | None:
        return None if (t, z) == (3, 2) else untimed(data, t, z)

    with pytest.raises(InputError, match=rf"{name(2)} \(counted from the apex\) has 7 of 8 frames"):
        read_study(write_classic(tmp_path, change=short))


@pytest.mark.robustness(9)
def test_copies_of_an_image_are_counted_and_used_once(tmp_path: Path) -> None:
    write_classic(tmp_path / "one")
    write_classic(tmp_path / "copy", change=lambda data, t, z: data if z == 0 else None)
    study = read_study(tmp_path)
    assert (study.frames == TRUTH.frames).all()
    assert study.warnings == ("Copies of the same images left out: 8.",)


@pytest.mark.robustness(9)
def test_two_images_of_one_place_and_time_are_used_once(tmp_path: Path) -> None:
    def again(data: Dataset, t: int, z: int) -> Dataset:
        data.SOPInstanceUID, data.InstanceNumber = uid("again", t, z), data.InstanceNumber + 100
        return data

    write_classic(tmp_path / "one")
    write_classic(tmp_path / "again", change=again)
    study = read_study(tmp_path)
    assert (study.frames == TRUTH.frames).all()
    assert study.source.frames[0][0].sop_instance_uid == uid("image", 7, 0, in_study(0))
    assert study.warnings == ("40 images were left out: another image has the same position and trigger time.",)


@pytest.mark.robustness(13)
def test_one_phase_is_a_study_of_one_frame(tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path, change=lambda data, t, z: data if t == 0 else None))
    assert study.frames.shape[:2] == (1, N_SLICES)
    assert study.frame_times_ms is None
    assert study.warnings == ()


@pytest.mark.robustness(14)
def test_one_slice_is_a_study_of_one_slice(tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path, change=lambda data, t, z: data if z == 2 else None))
    assert study.frames.shape[:2] == (N_PHASES, 1)
    assert study.geometry.spacing_xyz_mm[2] == 6.0


def test_times_that_are_not_those_of_a_heart_beat_are_left_out(tmp_path: Path) -> None:
    def quick(data: Dataset, t: int, z: int) -> Dataset:
        data.TriggerTime = float(t)
        return data

    study = read_study(write_classic(tmp_path, change=quick))
    assert study.frame_times_ms is None
    assert study.warnings == ("The trigger times are not those of one heart beat.",)


@pytest.mark.robustness(9)
def test_a_missing_slice_is_refused_with_the_list_of_distances(tmp_path: Path) -> None:
    with pytest.raises(
        GeometryError, match=r"not evenly spaced \(distances 18\.0, 36\.0, 18\.0 mm\)|\(distances 18\.0, 18\.0, 36"
    ):
        read_study(write_classic(tmp_path, change=lambda data, t, z: None if z == 2 else data))


def test_positions_off_by_rounding_are_accepted(tmp_path: Path) -> None:
    def rounded(data: Dataset, t: int, z: int) -> Dataset:
        data.ImagePositionPatient = [round(float(value), 1) for value in data.ImagePositionPatient]
        return data

    study = read_study(write_classic(tmp_path, change=rounded))
    assert study.geometry.spacing_xyz_mm[2] == pytest.approx(18.0, abs=0.05)
    assert study.warnings == ()


def test_a_given_slice_distance_replaces_that_of_the_positions_with_a_warning(tmp_path: Path) -> None:
    write_classic(tmp_path)
    study = read_study(tmp_path, slice_spacing_mm=9.0)
    assert study.geometry.spacing_xyz_mm[2] == 9.0
    assert study.warnings == ("The slice distance of 18 mm was replaced by the given 9 mm.",)
    assert read_study(tmp_path, slice_spacing_mm=18.0).warnings == ()


def beat(times_ms: list[float]) -> Beat:
    """A slice with frames at these times, without a stated heart beat."""
    return Beat((_frame(),) * len(times_ms), tuple(times_ms))


@cache
def _frame() -> DicomFrame:
    with TemporaryDirectory() as folder:
        path = write(canon(TRUTH, next(shots(TRUTH))), Path(folder) / "image")
        (frame,) = read_frames(path).frames
    return frame


def test_a_slice_acquired_with_fewer_phases_is_told_from_one_that_lacks_frames() -> None:
    usual = [beat([40.0 * t for t in range(25)])] * 3
    fewer = beat([50.0 * t for t in range(20)])
    indices = match_phases([*usual, fewer], 25).indices[-1]
    assert indices is not None
    assert max(abs(index / 20 - t / 25) for t, index in enumerate(indices)) <= 0.5 / 20 + 1e-9


@pytest.mark.robustness(12)
@settings(max_examples=60)
@given(
    lengths=st.lists(st.floats(500.0, 1500.0), min_size=2, max_size=6),
    n_phases=st.integers(6, 30),
    offset=st.floats(0.0, 0.9),
    drop=st.integers(0, 29),
)
def test_slices_of_any_heart_rate_are_matched_phase_by_phase(
    lengths: list[float], n_phases: int, offset: float, drop: int
) -> None:
    drop %= n_phases
    kept = [t for t in range(n_phases) if t != drop]
    whole = [beat([(t + offset) / n_phases * length for t in range(n_phases)]) for length in lengths]
    assert match_phases(whole, n_phases).indices == (tuple(range(n_phases)),) * len(lengths)
    short = beat([(t + offset) / n_phases * lengths[0] for t in kept])
    indices = match_phases([whole[0], whole[0], short], n_phases).indices[-1]
    assert indices is not None
    for t, index in enumerate(indices):
        away = abs(kept[index] - t)
        assert min(away, n_phases - away) == (1 if t == drop else 0)
