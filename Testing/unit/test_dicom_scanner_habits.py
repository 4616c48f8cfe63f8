"""Habits of scanners beyond where they write what: copies, flow beside the cine, objects in parts (docs/reading-dicom.md)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from CardiacMTLLib.reading import read_study
from Testing.dicom_fixtures import Change, Shot, phantom, uid, write_classic, write_enhanced_parts

TRUTH = phantom().study
ENHANCED = 2 * (TRUTH.frames // 2)
"""Grey values of the enhanced objects, which store half of them."""


def series(number: int, **elements: object) -> Change:
    """A change that makes images those of one series, with further elements."""

    def change(data: Dataset, t: int, z: int) -> Dataset:
        data.SeriesNumber, data.SeriesInstanceUID = number, uid("series", number)
        data.SOPInstanceUID, data.InstanceNumber = uid("image", number, t, z), 1 + z * len(TRUTH.frames) + t
        for keyword, value in elements.items():
            setattr(data, keyword, value)
        return data

    return change


def only(change: Change, wanted: Callable[[int, int], bool]) -> Change:
    return lambda data, t, z: change(data, t, z) if wanted(t, z) else None


def analysed(data: Dataset, t: int, z: int) -> Dataset:
    """One image of the series that the scanner's own analysis adds: the cine again, with contours as an overlay in some."""
    if t in (0, 3):
        data.add_new(0x60000010, "US", data.Rows)
        data.add_new(0x60000011, "US", data.Columns)
        data.add_new(0x60003000, "OW", bytes(data.Rows * data.Columns // 8 // 2 * 2 + 2))
    return series(70, SeriesDescription="CINE_segmented_SAX_InlineVF")(data, t, z)


@pytest.mark.parametrize("slices", [range(5), range(1, 4)], ids=["of all slices", "of some slices"])
def test_a_copy_with_contours_of_the_scanners_own_analysis_comes_after_the_original(slices: range, tmp_path: Path) -> None:
    write_classic(tmp_path / "cine", "Siemens")
    write_classic(tmp_path / "copy", "Siemens", change=only(analysed, lambda t, z: z in slices))
    study = read_study(tmp_path)
    assert (study.frames == TRUTH.frames).all()
    assert uid("series", 70) not in {frame.series_uid for phase in study.source.frames for frame in phase}
    (warning,) = study.warnings
    assert f"series 70 ({8 * len(slices)} images) with {len(slices)} slices of 8 phases was left out" in warning


def test_a_copy_with_contours_is_read_where_it_is_alone(tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path, "Siemens", change=analysed))
    assert (study.frames == TRUTH.frames).all()
    assert study.warnings == ()


def test_contours_on_some_slices_of_the_original_do_not_part_them_from_the_others(tmp_path: Path) -> None:
    def drawn(data: Dataset, t: int, z: int) -> Dataset:
        if (t, z) == (0, 2):
            data.add_new(0x60003000, "OW", bytes(2))
        return data

    study = read_study(write_classic(tmp_path, "Siemens", change=drawn))
    assert (study.frames == TRUTH.frames).all()
    assert study.warnings == ()


FLOW = {"EchoTime": 2.8, "SequenceVariant": "SP"}


def test_magnitude_images_of_flow_are_told_by_the_phase_images_at_their_place_and_time(tmp_path: Path) -> None:
    write_classic(tmp_path / "magnitude", "Siemens", change=series(80, SequenceName="*fl2d1r2", **FLOW))
    phase = {"ImageType": ["DERIVED", "PRIMARY", "P", "RETRO", "DIS2D"], "SequenceName": "*fl2d1_v150in"}
    write_classic(tmp_path / "phase", "Siemens", change=series(81, **phase, **FLOW))
    write_classic(tmp_path / "cine", "Siemens", change=only(lambda data, t, z: data, lambda t, z: z > 0))
    study = read_study(tmp_path)
    assert study.frames.shape[1] == 4
    assert study.warnings == ("Left out as flow or phase images: series 80, 81 (80 images).",)


def test_a_cine_whose_phase_images_were_stored_too_stays_a_cine(tmp_path: Path) -> None:
    write_classic(tmp_path / "magnitude", "Siemens")
    write_classic(tmp_path / "phase", "Siemens", change=series(81, ImageType=["ORIGINAL", "PRIMARY", "P", "RETRO"]))
    assert (read_study(tmp_path).frames == TRUTH.frames).all()


def test_flow_of_one_slice_at_the_place_of_a_cine_slice_takes_nothing_from_the_cine(tmp_path: Path) -> None:
    write_classic(tmp_path / "cine", "GE")
    flow = series(81, ImageType=["DERIVED", "PRIMARY", "P"], SequenceName="*fl2d1_v150in")
    write_classic(tmp_path / "flow", "GE", change=only(flow, lambda t, z: z == 2))
    assert (read_study(tmp_path).frames == TRUTH.frames).all()


@pytest.mark.parametrize("velocity", [[0.0, 0.0, 150.0], [0.0, 150.0, 0.0], [150.0, 0.0, 0.0]])
def test_a_velocity_along_any_axis_of_philips_means_flow(velocity: list[float], tmp_path: Path) -> None:
    def encoded(data: Dataset, t: int, z: int) -> Dataset:
        data.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x1A, "FL", velocity)
        return data

    reason = read_study(write_classic(tmp_path, "Philips", change=encoded)).out_of_scope
    assert reason is not None
    assert "flow or phase images: series 7 (40 images)" in reason


def test_no_velocity_along_any_axis_of_philips_means_no_flow(tmp_path: Path) -> None:
    def still(data: Dataset, t: int, z: int) -> Dataset:
        data.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x1A, "FL", [0.0, 0.0, 0.0])
        return data

    assert read_study(write_classic(tmp_path, "Philips", change=still)).warnings == ()


def test_times_of_philips_that_count_from_the_start_of_an_untriggered_scan_are_no_heart_beat(tmp_path: Path) -> None:
    def untriggered(data: Dataset, t: int, z: int) -> Dataset:
        data.TriggerTime, data.HeartRate = 1000.0 * (t + 8 * z), 0
        return data

    reason = read_study(write_classic(tmp_path, "Philips", change=untriggered)).out_of_scope
    assert reason is not None
    assert "frames of several heart beats, such as perfusion or real-time images: series 7 (40 images)" in reason


PARTS: dict[str, Callable[[Shot], int]] = {
    "an image a file": lambda shot: 8 * shot.z + shot.t,
    "a slice a file": lambda shot: shot.z,
    "a phase a file": lambda shot: shot.t,
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())
def test_enhanced_objects_may_part_a_cine_in_any_way(part: Callable[[Shot], int], tmp_path: Path) -> None:
    study = read_study(write_enhanced_parts(tmp_path, part))
    assert (study.frames == ENHANCED).all()
    assert study.frame_times_ms is not None
    assert study.warnings == ()


def one_position_for_all(data: Dataset) -> None:
    """Canon's enhanced objects of release V6.0: the temporal position of every frame is 1."""
    data.Manufacturer = "CANON_MEC"
    for groups in data.PerFrameFunctionalGroupsSequence:
        groups.FrameContentSequence[0].TemporalPositionIndex = 1


def test_canons_temporal_positions_that_are_all_one_do_not_disturb_the_times(tmp_path: Path) -> None:
    study = read_study(write_enhanced_parts(tmp_path, lambda shot: 0, one_position_for_all))
    assert (study.frames == ENHANCED).all()
    assert study.warnings == ()


def test_without_times_frames_whose_temporal_positions_are_all_one_are_in_the_order_of_the_file(tmp_path: Path) -> None:
    def timeless(data: Dataset) -> None:
        one_position_for_all(data)
        for groups in data.PerFrameFunctionalGroupsSequence:
            del groups.CardiacSynchronizationSequence

    study = read_study(write_enhanced_parts(tmp_path, lambda shot: 0, timeless))
    assert (study.frames == ENHANCED).all()
    assert study.warnings[0].startswith("Trigger times are missing or equal in all slices")


def test_a_mask_refers_to_the_part_that_holds_its_image(tmp_path: Path) -> None:
    study = read_study(write_enhanced_parts(tmp_path, PARTS["a slice a file"]))
    uids = np.array([[frame.sop_instance_uid for frame in phase] for phase in study.source.frames])
    in_file = uids[:, ::-1] if TRUTH.stored.order.flips[2] else uids
    assert (in_file == [[uid("part", z) for z in range(5)] for _ in range(8)]).all()
