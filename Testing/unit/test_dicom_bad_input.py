"""DICOM that cannot be used: one clear line, and what can be used is used."""

import re
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from CardiacMTLLib.errors import GeometryError, InputError, MissingPackageError
from CardiacMTLLib.reading import read_study, size_limit
from CardiacMTLLib.reading.dicom import pixels as pixels_module
from CardiacMTLLib.volume import Patient, Sex
from Testing.dicom_fixtures import (
    Change,
    phantom,
    write,
    write_classic,
    write_enhanced,
)

TRUTH = phantom().study


def changed(**elements: object) -> Change:
    """Sets elements in every image; None deletes one."""

    def change(data: Dataset, t: int, z: int) -> Dataset:
        for keyword, value in elements.items():
            if value is None:
                delattr(data, keyword)
            else:
                setattr(data, keyword, value)
        return data

    return change


def refusal_of(path: Path) -> str:
    """The one line with which `path` is refused."""
    with pytest.raises(InputError) as caught:
        read_study(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    assert "Jane" not in message
    return message


REFUSED = {
    "CT": ({"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "40 not MR (modality CT)"),
    "no pixels": ({"PixelData": None}, "40 without an image, such as reports"),
    "no matrix": ({"Rows": None}, "40 without an image, such as reports"),
    "colours": ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "40 in colour"),
    "palette": ({"PhotometricInterpretation": "PALETTE COLOR"}, "40 in colour"),
    "odd bits": ({"BitsAllocated": 12}, "40 truncated or damaged"),
    "more rows than pixels": ({"Rows": 5000}, "40 truncated or damaged"),
    "pixels of many more columns": ({"Columns": 1}, "40 truncated or damaged"),
    "no position": ({"ImagePositionPatient": None}, "40 without position or orientation"),
    "no orientation": ({"ImageOrientationPatient": None}, "40 without position or orientation"),
    "an orientation that is none": ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, "40 without position or orientation"),
    "skewed rows and columns": ({"ImageOrientationPatient": [1, 0, 0, 0.5, 0.8, 0]}, "40 without position or orientation"),
    "pixel spacing 0": ({"PixelSpacing": [0, 0]}, "40 without a pixel spacing above zero"),
    "no pixel spacing": ({"PixelSpacing": None}, "40 without a pixel spacing above zero"),
    "old multi-frame form": ({"NumberOfFrames": 1_000_000, "Rows": 1, "Columns": 0}, "40 without an image"),
}


@pytest.mark.robustness(18)
@pytest.mark.parametrize(("elements", "found"), REFUSED.values(), ids=REFUSED.keys())
def test_files_that_hold_no_usable_image_are_refused_by_kind(elements: dict[str, object], found: str, tmp_path: Path) -> None:
    message = refusal_of(write_classic(tmp_path, change=changed(**elements)))
    assert f"no usable image among 40 DICOM files: {found}" in message


def test_encrypted_files_are_refused_as_such(tmp_path: Path) -> None:
    def encrypt(data: Dataset, t: int, z: int) -> Dataset:
        del data.PixelData
        data.EncryptedAttributesSequence = Sequence([Dataset()])
        return data

    assert "40 encrypted" in refusal_of(write_classic(tmp_path, change=encrypt))


def test_encrypted_identity_alone_is_no_obstacle(tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path, change=changed(EncryptedAttributesSequence=Sequence([Dataset()]))))
    assert (study.frames == TRUTH.frames).all()


def test_an_encapsulated_document_beside_the_images_is_left_out_and_counted(tmp_path: Path) -> None:
    write_classic(tmp_path / "cine")
    report = Dataset()
    report.SOPClassUID, report.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.104.1", generate_uid()
    report.Modality, report.EncapsulatedDocument = "DOC", b"%PDF-1.4"
    write(report, tmp_path / "report.dcm")
    study = read_study(tmp_path)
    assert study.warnings == ("DICOM files left out as without an image, such as reports: 1.",)
    assert "1 without an image" in refusal_of(tmp_path / "report.dcm")


@pytest.mark.robustness(11)
@pytest.mark.parametrize("keep", [132, 140, 200, 600, -1000], ids=["magic", "meta", "header", "more header", "pixels"])
def test_a_truncated_file_counts_as_a_missing_frame(keep: int, tmp_path: Path) -> None:
    write_classic(tmp_path)
    first = sorted(tmp_path.iterdir())[3]
    first.write_bytes(first.read_bytes()[:keep])
    study = read_study(tmp_path)
    assert any("has 7 of 8 frames; the nearest in time stand in" in warning for warning in study.warnings)
    assert any(re.fullmatch(r"DICOM files left out as .*: 1\.", warning) for warning in study.warnings)


def test_all_files_truncated_is_refused(tmp_path: Path) -> None:
    write_classic(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-1000])
    assert "40 truncated or damaged" in refusal_of(tmp_path)


def test_a_truncated_multi_frame_file_is_refused(tmp_path: Path) -> None:
    path = write_enhanced(tmp_path / "enhanced.dcm")
    path.write_bytes(path.read_bytes()[:-1000])
    assert "1 truncated or damaged" in refusal_of(path)


@pytest.mark.robustness(8)
def test_a_multi_frame_file_without_places_of_its_frames_is_refused(tmp_path: Path) -> None:
    def old_form(data: Dataset) -> None:
        del data.PerFrameFunctionalGroupsSequence

    assert "1 without position or orientation" in refusal_of(write_enhanced(tmp_path / "old.dcm", old_form))


def test_a_frame_count_that_is_no_number_is_refused(tmp_path: Path) -> None:
    path = write_enhanced(tmp_path / "enhanced.dcm")
    whole = path.read_bytes()
    at = whole.index(b"\x28\x00\x08\x00IS")
    path.write_bytes(whole[: at + 8] + b"x" * int.from_bytes(whole[at + 6 : at + 8], "little") + whole[at + 10 :])
    refusal_of(path)


def test_frames_without_a_place_are_left_out_of_a_multi_frame_file(tmp_path: Path) -> None:
    def lose_one(data: Dataset) -> None:
        del data.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence
        del data.PerFrameFunctionalGroupsSequence[3][0x2005, 0x100F]

    study = read_study(write_enhanced(tmp_path / "enhanced.dcm", lose_one))
    assert any("has 7 of 8 frames" in warning for warning in study.warnings)


def test_a_folder_without_dicom_is_refused_with_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a line that is long enough to be looked at")
    (tmp_path / "short").write_bytes(b"\x08\x00")
    with pytest.raises(InputError, match=r"folder without Info\.cfg and without DICOM files"):
        read_study(tmp_path)


@pytest.mark.robustness(9)
def test_slices_that_all_claim_one_position_are_refused(tmp_path: Path) -> None:
    def one_place(data: Dataset, t: int, z: int) -> Dataset:
        data.ImagePositionPatient = [0, 0, 0]
        return data

    with pytest.raises(GeometryError, match="5 slices have the same position, so their distance is 0"):
        read_study(write_classic(tmp_path, change=one_place))


def test_a_de_identified_study_is_read_with_its_geometry_alone(tmp_path: Path) -> None:
    bare = (
        "SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID SeriesNumber InstanceNumber PatientName "
        "PatientID ImageType Manufacturer HeartRate NominalInterval EchoTime ScanningSequence SliceLocation"
    )
    study = read_study(write_classic(tmp_path, change=changed(**dict.fromkeys(bare.split()))))
    assert (study.frames == TRUTH.frames).all()
    assert study.patient == Patient()
    assert study.source.study_uid == ""


@pytest.mark.robustness(20)
def test_a_study_too_large_for_memory_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = TRUTH.frames.size * 2
    write_classic(tmp_path)
    monkeypatch.setattr(size_limit, "MAX_BYTES", needed)
    assert read_study(tmp_path).frames.nbytes == needed
    monkeypatch.setattr(size_limit, "MAX_BYTES", needed - 1)
    monkeypatch.setattr(pixels_module, "pixel_decoder", None)
    assert re.search(
        r"the cine \(8 x 5 x 36 x 44 as frames, .*\) has .* GiB of grey values; expected at most", refusal_of(tmp_path)
    )


def test_values_of_the_header_that_cannot_be_decoded_count_as_absent(tmp_path: Path) -> None:
    write_classic(tmp_path, change=changed(HeartRate=70, PatientWeight="70"))
    for path in tmp_path.iterdir():
        whole = path.read_bytes()
        for tag, vr in ((b"\x18\x00\x88\x10", b"IS"), (b"\x10\x00\x30\x10", b"DS")):
            at = whole.index(tag + vr)
            whole = whole[: at + 8] + b"?" * 2 + whole[at + 10 :]
        path.write_bytes(whole)
    study = read_study(tmp_path)
    assert study.patient.weight_kg is None
    assert study.patient.heart_rate_bpm == pytest.approx(72.3, abs=2)


BODIES = {
    "believable": ({"PatientSize": 1.78, "PatientWeight": 81, "PatientSex": "F"}, Patient(178.0, 81.0, Sex.FEMALE), 0),
    "size in cm": ({"PatientSize": 178}, Patient(), 1),
    "zeros": ({"PatientSize": 0, "PatientWeight": 0, "PatientSex": "O"}, Patient(), 0),
    "not believable": ({"PatientSize": 0.1, "PatientWeight": 900}, Patient(), 2),
}


@pytest.mark.parametrize(("elements", "expected", "n_warnings"), BODIES.values(), ids=BODIES.keys())
def test_body_size_and_sex_come_from_the_header_where_they_can_be_true(
    elements: dict[str, object], expected: Patient, n_warnings: int, tmp_path: Path
) -> None:
    study = read_study(write_classic(tmp_path, "Canon", change=changed(**elements)))
    assert study.patient == expected
    assert len(study.warnings) == n_warnings
    assert all("DICOM header is not believable and was left out" in warning for warning in study.warnings)


def test_what_the_user_says_of_the_patient_wins(tmp_path: Path) -> None:
    write_classic(tmp_path, change=changed(PatientSize=1.78, PatientWeight=81))
    study = read_study(tmp_path, patient=Patient(height_cm=160.0, heart_rate_bpm=50.0))
    assert study.patient == Patient(160.0, 81.0, None, 50.0)


def test_no_name_and_no_path_is_in_the_warnings(tmp_path: Path) -> None:
    write_classic(tmp_path / "Doe", change=lambda data, t, z: None if (t, z) == (3, 2) else data)
    text = " ".join(read_study(tmp_path).warnings)
    assert text
    assert not re.search("Doe|Jane|12345|/", text)


def outcome(path: Path) -> str | bool:
    """The error of ours with which `path` is refused, or whether all voxels of the study are finite."""
    try:
        return bool(np.isfinite(read_study(path).frames).all())
    except (InputError, MissingPackageError) as error:
        return str(error)


def test_every_example_file_of_pydicom_is_read_or_refused_in_one_line() -> None:
    """Other modalities, reports, damaged headers, all transfer syntaxes, character sets, private elements."""
    folder = Path(pydicom.data.__file__).parent / "test_files"
    results = {path.name: outcome(path) for path in sorted(folder.glob("*.dcm"))}
    assert len(results) > 50
    assert [name for name, result in results.items() if result is not True and "\n" in str(result)] == []
    assert results["MR_small.dcm"] is True
    assert "modality CT" in str(results["CT_small.dcm"])
    assert "in colour" in str(results["examples_rgb_color.dcm"]) or "not MR" in str(results["examples_rgb_color.dcm"])


def test_any_damage_of_a_file_ends_in_an_error_of_ours_or_a_study(tmp_path: Path) -> None:
    """Mutations of an enhanced file's header, which is the richest: bytes changed, and the file cut."""
    rng = np.random.default_rng(5)
    path = write_enhanced(tmp_path / "mutated.dcm")
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    header_end = len(whole) - TRUTH.frames.nbytes
    for number in range(60):
        mutated = whole.copy()
        places = rng.integers(132, header_end, size=1 + number % 8)
        mutated[places] = rng.integers(0, 256, size=len(places))
        cut = rng.integers(132, len(mutated)) if number % 5 == 0 else len(mutated)
        path.write_bytes(mutated[:cut].tobytes())
        result = outcome(path)
        assert result is True or (isinstance(result, str) and "\n" not in result)
