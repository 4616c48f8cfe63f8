"""Cines as each vendor's scanners write them: equal voxels, equal geometry, the source of every frame."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from CardiacMTLLib.reading import read_study
from CardiacMTLLib.report.segmentation_file import write_mask
from CardiacMTLLib.volume import CineStudy
from Testing.dicom_compression import compressed
from Testing.dicom_fixtures import (
    CONVENTIONS,
    GRID,
    beat_ms,
    phantom,
    uid,
    write_classic,
    write_enhanced,
)

TRUTH = phantom().study


def same_place(study: CineStudy, truth: CineStudy = TRUTH) -> bool:
    return study.geometry.matches(truth.geometry, tolerance_mm=2e-3) and study.stored.geometry.matches(
        truth.stored.geometry, tolerance_mm=2e-3
    )


@pytest.mark.robustness(9)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_cine_is_read_as_the_scanner_placed_it(convention: str, tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path / "study", convention))
    assert same_place(study)
    assert study.frame_times_ms is not None
    assert study.warnings == ()


@pytest.mark.parametrize("convention", [name for name in CONVENTIONS if name != "Philips"])
def test_voxels_are_the_stored_integers(convention: str, tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path, convention))
    assert study.frames.dtype.kind in "iu"
    assert (study.frames == TRUTH.frames).all()


@pytest.mark.robustness(17)
def test_where_philips_scale_differs_between_images_the_voxels_are_those_of_the_signal(tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path, "Philips"))
    assert np.abs(study.frames - TRUTH.frames).max() <= 2
    assert study.patient.heart_rate_bpm == 67


def test_where_philips_scale_is_one_for_all_images_the_voxels_are_the_rescaled_ones(tmp_path: Path) -> None:
    def same_slope(data, t, z):
        data.RescaleSlope = 4.0
        return data

    assert np.abs(read_study(write_classic(tmp_path, "Philips", change=same_slope)).frames - TRUTH.frames).max() <= 2


def test_an_enhanced_multi_frame_file_is_a_study_with_the_public_positions_and_rescaled_values(tmp_path: Path) -> None:
    study = read_study(write_enhanced(tmp_path / "enhanced.dcm"))
    assert same_place(study)
    assert (study.frames == 2 * (TRUTH.frames // 2)).all()
    assert study.patient.heart_rate_bpm == pytest.approx(60000 / np.median([beat_ms(z) for z in range(5)]), abs=0.1)
    assert study.warnings == ()


def test_every_voxel_names_the_frame_that_it_came_from(tmp_path: Path) -> None:
    source = read_study(write_classic(tmp_path, "Siemens")).source
    reverse = TRUTH.stored.order.flips[2]
    assert source is not None
    assert (source.study_uid, source.frame_of_reference_uid) == (uid("study"), uid("frame of reference"))
    for t, phase in enumerate(source.frames):
        for z, frame in enumerate(phase):
            z_in_file = GRID.size_xyz[2] - 1 - z if reverse else z
            series = 20 + 2 * ((3 * z_in_file) % 5)
            assert frame.sop_instance_uid == uid("image", series, t, z_in_file)
            assert frame.series_uid == uid("series", series)
            assert frame.frame_number is None
            assert (source.folder / frame.file).is_file()
    assert str(tmp_path) not in repr(source)


def test_frames_of_a_multi_frame_file_are_named_by_number(tmp_path: Path) -> None:
    study = read_study(write_enhanced(tmp_path / "enhanced.dcm"))
    numbers = np.array([[frame.frame_number for frame in phase] for phase in study.source.frames])
    in_file = numbers[:, ::-1] if TRUTH.stored.order.flips[2] else numbers
    assert (in_file == [[(4 - z) * 8 + t + 1 for z in range(5)] for t in range(8)]).all()


def test_a_study_from_a_plain_file_has_no_source() -> None:
    assert TRUTH.source is None


def test_a_written_mask_lies_where_the_images_lie(tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path / "study", "GE"))
    truth = phantom().masks[0]
    write_mask(truth, study, tmp_path / "mask.nii.gz")
    image = sitk.ReadImage(str(tmp_path / "mask.nii.gz"))
    z, y, x = (int(value) for value in np.argwhere(truth == 3).mean(axis=0))
    assert truth[z, y, x] == 3
    lps = study.geometry.index_to_lps @ [x, y, z, 1]
    assert np.allclose(lps, TRUTH.geometry.index_to_lps @ [x, y, z, 1], atol=2e-3)
    assert image[image.TransformPhysicalPointToIndex(lps[:3])] == 3


@pytest.mark.robustness(9)
def test_slice_distance_is_that_of_the_positions_not_the_thickness(tmp_path: Path) -> None:
    def claims_one_more(data, t, z):
        data.SpacingBetweenSlices = 8.0
        return data

    study = read_study(write_classic(tmp_path, change=claims_one_more))
    assert study.geometry.spacing_xyz_mm[2] == pytest.approx(18.0, abs=1e-4)


@pytest.mark.robustness(17)
def test_other_byte_types_are_read_with_the_same_values(tmp_path: Path) -> None:
    from Testing.dicom_fixtures import set_pixels, shots  # noqa: PLC0415 - only here

    small = {(shot.t, shot.z): (shot.pixels // 8).astype(np.uint8) for shot in shots(TRUTH)}

    def eight_bits(data, t, z):
        set_pixels(data, small[t, z])
        data.RescaleSlope, data.RescaleIntercept = 8, 0
        return data

    study = read_study(write_classic(tmp_path, change=eight_bits))
    assert (study.frames == TRUTH.frames // 8 * 8).all()


def test_inverted_grey_values_are_turned_back(tmp_path: Path) -> None:
    from Testing.dicom_fixtures import set_pixels, shots  # noqa: PLC0415 - only here

    stored = {(shot.t, shot.z): (4095 - shot.pixels).astype(np.uint16) for shot in shots(TRUTH)}

    def invert(data, t, z):
        set_pixels(data, stored[t, z])
        data.PhotometricInterpretation, data.BitsStored, data.HighBit = "MONOCHROME1", 12, 11
        return data

    assert (read_study(write_classic(tmp_path, change=invert)).frames == TRUTH.frames).all()


def test_files_without_preamble_and_in_subfolders_are_found(tmp_path: Path) -> None:
    write_classic(tmp_path / "all")
    for number, path in enumerate(sorted((tmp_path / "all").iterdir())):
        folder = tmp_path / "study" / f"se{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        whole = path.read_bytes()
        (folder / f"{number}.ima").write_bytes(_without_meta(whole))
    (tmp_path / "study" / "notes.txt").write_text("not an image")
    (tmp_path / "study" / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "study" / ".hidden").write_bytes(whole)
    study = read_study(tmp_path / "study")
    assert (study.frames == TRUTH.frames).all()
    assert study.warnings == ()


def _without_meta(whole: bytes) -> bytes:
    """The data set of an explicit little endian file alone, as files were before PS3.10."""
    length = int.from_bytes(whole[140:144], "little")
    return whole[144 + length :]


def test_run_length_encoding_needs_no_further_package(tmp_path: Path) -> None:
    write_classic(tmp_path)
    for path in tmp_path.iterdir():
        compressed(path, RLELossless)
    assert (read_study(tmp_path).frames == TRUTH.frames).all()


def test_deflated_files_are_read(tmp_path: Path) -> None:
    write_classic(tmp_path)
    for path in tmp_path.iterdir():
        data = dcmread(path)
        data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        data.save_as(path, enforce_file_format=True)
    assert (read_study(tmp_path).frames == TRUTH.frames).all()
