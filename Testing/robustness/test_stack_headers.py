"""Headers whose spacing, positions, times or identities are missing, repeated or odd: read as one stack, or refused by name."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from CardiacMTLLib.errors import GeometryError
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.volume import Patient
from Testing.dicom_fixtures import enhanced, orientation, phantom, set_pixels, uid, write, write_classic, write_enhanced
from Testing.robustness.faulty_input import changed, nifti, refused


@pytest.mark.robustness(8)
def test_a_default_slice_spacing_is_refused_and_the_option_that_it_names_helps(run, tmp_path: Path) -> None:
    path = nifti(tmp_path, spacing=(4.0, 4.0, 1.0))
    assert refused(run(path), "--slice-spacing-mm")
    assert run(path, "--slice-spacing-mm", "12").value("lv_edv_ml") == pytest.approx(run(nifti(tmp_path)).value("lv_edv_ml"))


@pytest.mark.robustness(8)
@pytest.mark.parametrize("size", [0.0, float("nan"), float("inf")])
@pytest.mark.parametrize("axis", [1, 2])
def test_pixels_without_a_size_are_refused_and_never_taken_for_a_millimetre(
    run, axis: int, size: float, tmp_path: Path
) -> None:
    path = nifti(tmp_path, name="cine.nii")
    header = bytearray(path.read_bytes())
    header[76 + 4 * axis : 80 + 4 * axis] = struct.pack("<f", size)
    path.write_bytes(header)
    asked = run(path, "--slice-spacing-mm", "12")
    assert refused(asked, "no voxel spacing along its", "(0, infinite or not a number)", "export it again")


@pytest.mark.robustness(8)
def test_frames_of_a_multi_frame_file_that_share_one_position_are_refused(run, tmp_path: Path) -> None:
    def flat(data: Dataset) -> None:
        first = data.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient
        for groups in data.PerFrameFunctionalGroupsSequence:
            groups.PlanePositionSequence[0].ImagePositionPatient = first

    assert refused(run(write_enhanced(tmp_path / "file", flat)), "5 slices have the same position", "their distance is 0")


@pytest.mark.robustness(9)
def test_images_of_one_position_whose_trigger_times_repeat_are_slices_without_positions(tmp_path: Path) -> None:
    folder = write_classic(tmp_path, "Canon", change=changed(ImagePositionPatient=[0, 0, 0]))
    with pytest.raises(GeometryError, match="5 slices have the same position"):
        read_study(folder)


@pytest.mark.robustness(9)
def test_a_slice_that_is_there_twice_is_used_once_with_a_warning(tmp_path: Path) -> None:
    write_classic(tmp_path / "a")

    def again(data: Dataset, t: int, z: int) -> Dataset | None:
        data.SOPInstanceUID = uid("again", t, z)
        return data if z == 2 else None

    write_classic(tmp_path / "b", change=again)
    study = read_study(tmp_path)
    assert (study.frames == phantom().study.frames).all()
    assert study.warnings == ("8 images were left out: another image has the same position and trigger time.",)


@pytest.mark.robustness(9)
def test_a_missing_slice_is_refused_with_the_distances_and_what_was_left_out_before(run, tmp_path: Path) -> None:
    def without_spacing(data: Dataset, t: int, z: int) -> Dataset:
        if z == 1:
            data.PixelSpacing = [0, 0]
        return data

    outcome = run(write_classic(tmp_path / "study", change=without_spacing))
    assert refused(outcome, "distances 36.0, 18.0, 18.0 mm", "left out as without a pixel spacing above zero: 8.")


@pytest.mark.robustness(10)
def test_images_turned_within_their_series_leave_the_largest_stack_and_a_warning(tmp_path: Path) -> None:
    row, column = np.split(np.array(orientation(phantom().study)), 2)

    def turned(data: Dataset, t: int, z: int) -> Dataset:
        if t in (3, 6):
            data.ImageOrientationPatient = [round(float(value), 6) for value in (*-row, *column)]
        return data

    study = read_study(write_classic(tmp_path, change=turned))
    assert study.frames.shape[:2] == (6, 5)
    assert "series 7 (10 images) with 5 slices of 2 phases was left out (its orientation is another)." in study.warnings[0]


@pytest.mark.robustness(11)
def test_a_frame_lost_from_a_slice_without_times_is_refused_by_name_and_by_cause(run, tmp_path: Path) -> None:
    def change(data: Dataset, t: int, z: int) -> Dataset | None:
        del data.TriggerTime
        return None if (t, z) == (3, 2) else data

    words = "Slice 3 of 5 (counted from the apex) has 7 of 8 frames", "without trigger times nothing tells which"
    assert refused(run(write_classic(tmp_path / "study", change=change)), *words)


@pytest.mark.robustness(12)
@pytest.mark.parametrize("time_ms", [None, 0], ids=["missing", "zero"])
def test_without_trigger_times_the_numbers_order_the_phases_with_a_warning(time_ms: int | None, tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path, change=changed(TriggerTime=time_ms)))
    assert (study.frames == phantom().study.frames).all()
    (warning,) = study.warnings
    assert warning == "Trigger times are missing or equal in all slices; their phases are in the order of the images' numbers."


@pytest.mark.robustness(35)
def test_a_study_without_names_numbers_and_identities_is_read(tmp_path: Path) -> None:
    kept = {"SOPClassUID", "Modality", "PhotometricInterpretation"}

    def bare(data: Dataset, t: int, z: int) -> Dataset:
        for element in list(data):
            if element.VR in {"UI", "PN", "DA", "TM", "LO", "SH", "CS"} and element.keyword not in kept:
                del data[element.tag]
        return data

    study = read_study(write_classic(tmp_path, change=bare))
    assert (study.frames == phantom().study.frames).all()
    assert (study.warnings, study.patient) == ((), Patient(heart_rate_bpm=72.0))


@pytest.mark.robustness(10)
def test_one_enhanced_file_a_slice_is_one_stack(tmp_path: Path) -> None:
    """As newer Siemens software writes a cine: a series and an enhanced object for each slice."""
    whole = enhanced()
    pixels = whole.pixel_array if hasattr(whole, "file_meta") else _pixels(whole)
    for z in range(5):
        wanted = [
            index
            for index, groups in enumerate(whole.PerFrameFunctionalGroupsSequence)
            if groups.FrameContentSequence[0].InStackPositionNumber == z + 1
        ]
        data = enhanced()
        data.Manufacturer = "SIEMENS"
        data.SeriesNumber, data.SeriesInstanceUID, data.SOPInstanceUID = 20 + z, uid("slice", z), uid("object", z)
        data.NumberOfFrames = len(wanted)
        groups = [data.PerFrameFunctionalGroupsSequence[index] for index in wanted]
        for own in groups:
            own.FrameContentSequence[0].InStackPositionNumber = 1
            own.pop((0x2005, 0x140F), None)
        data.PerFrameFunctionalGroupsSequence = Sequence(groups)
        set_pixels(data, pixels[wanted])
        write(data, tmp_path / f"slice{z}")
    study = read_study(tmp_path)
    np.testing.assert_allclose(study.frames, phantom().study.frames // 2 * 2)
    assert study.warnings == ()


def _pixels(data: Dataset) -> np.ndarray:
    shape = int(data.NumberOfFrames), data.Rows, data.Columns
    return np.frombuffer(data.PixelData, dtype="<u2").reshape(shape)
