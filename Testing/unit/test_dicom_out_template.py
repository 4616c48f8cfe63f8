"""Images that were never DICOM become a series of the template's patient, which the results refer to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.report.dicom.converted import IMAGES_FOLDER
from CardiacMTLLib.report.dicom.write import check_dicom_out, write_dicom
from Testing.dicom_fixtures import header, phantom, shots, write
from Testing.unit.analyses import analysis_of, study_like
from Testing.unit.dicom_out import judged, mask_in, masks_of

SIZE = (44, 36, 5)


def template(path: Path, **values: object) -> Path:
    data = header(phantom().study, next(shots(phantom().study)))
    data.PatientBirthDate, data.PatientSex, data.StudyDate = "19700203", "F", "20240506"
    for keyword, value in values.items():
        setattr(data, keyword, value)
    return write(data, path)


def plain_analysis(**changes):
    study = replace(study_like(size_xyz=SIZE, flipped=True, n_frames=3), **changes)
    return analysis_of(study, masks=masks_of(study))


@pytest.fixture
def written(tmp_path):
    analysis = plain_analysis()
    return analysis, write_dicom(analysis, tmp_path / "out", template=template(tmp_path / "t.dcm"))


def test_ed_and_es_become_images_of_the_same_voxels_in_the_same_place(written, tmp_path):
    analysis, files = written
    images = [name for name in files.names if name.startswith(f"{IMAGES_FOLDER}/")]
    assert len(images) == 10
    study = read_study(files.folder / IMAGES_FOLDER)
    assert np.array_equal(study.frames, analysis.study.frames[[0, 1]])
    assert study.geometry.matches(analysis.study.geometry)


def test_a_segmentation_names_its_frame_by_the_number_in_the_source(tmp_path):
    analysis = plain_analysis(frame_numbers=(4, 11, 12))
    files = write_dicom(analysis, tmp_path / "out", template=template(tmp_path / "t.dcm"))
    for phase, number in zip(Phase, (4, 11), strict=True):
        data = pydicom.dcmread(files.folder / f"segmentation_{phase.lower()}.dcm")
        assert data.ContentDescription.endswith(f", frame {number}")


def test_segmentations_refer_to_the_images_and_hold_the_masks(written):
    analysis, files = written
    images = {pydicom.dcmread(path).SOPInstanceUID: path.name for path in (files.folder / IMAGES_FOLDER).iterdir()}
    for phase in Phase:
        path = files.folder / f"segmentation_{phase.lower()}.dcm"
        data = pydicom.dcmread(path)
        assert {images[item.ReferencedSOPInstanceUID][:2].upper() for item in data.SourceImageSequence} == {phase}
        assert np.array_equal(mask_in(path, analysis.study.geometry), analysis.masks[phase])


def test_patient_is_that_of_the_template_and_the_study_is_new(written, tmp_path):
    _, files = written
    given = pydicom.dcmread(tmp_path / "t.dcm")
    for path in files.paths:
        data = pydicom.dcmread(path)
        for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate"):
            assert data[keyword].value == given[keyword].value
        assert data.StudyDescription == "CardiacMTL: images converted from a file (research use only)"
    studies = {pydicom.dcmread(path).StudyInstanceUID for path in files.paths}
    assert len(studies) == 1
    assert given.StudyInstanceUID not in studies
    assert "nothing in them tells whether they are of that patient" in files.notes[0]


def test_the_same_images_make_the_same_study_and_another_patient_another(written, tmp_path):
    analysis, files = written
    again = write_dicom(analysis, tmp_path / "again", template=tmp_path / "t.dcm")
    other = write_dicom(analysis, tmp_path / "other", template=template(tmp_path / "u.dcm", PatientID="999"))
    uids = [[pydicom.dcmread(path).SOPInstanceUID for path in made.paths] for made in (files, again, other)]
    assert uids[0] == uids[1]
    assert len(set(uids[0])) == len(uids[0])
    assert not set(uids[0]) & set(uids[2])


@pytest.mark.parametrize(("keyword", "value"), [("PatientBirthDate", "19700204"), ("StudyDate", "20240507")])
def test_any_other_value_of_the_template_gives_every_object_and_their_study_other_uids(keyword, value, written, tmp_path):
    analysis, files = written
    other = write_dicom(analysis, tmp_path / "other", template=template(tmp_path / "u.dcm", **{keyword: value}))
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        one, two = ({pydicom.dcmread(path)[name].value for path in made.paths} for made in (files, other))
        assert not one & two


def test_other_times_give_images_and_their_series_other_uids_in_the_same_study(tmp_path):
    data = []
    for number, times_ms in enumerate(((0.0, 310.5, 600.0), (0.0, 320.5, 600.0))):
        analysis = plain_analysis(frame_times_ms=times_ms)
        files = write_dicom(analysis, tmp_path / f"{number}", template=template(tmp_path / "t.dcm"))
        data.append(pydicom.dcmread(files.folder / IMAGES_FOLDER / "es_003.dcm"))
    assert data[0].StudyInstanceUID == data[1].StudyInstanceUID
    assert data[0].SeriesInstanceUID != data[1].SeriesInstanceUID
    assert data[0].SOPInstanceUID != data[1].SOPInstanceUID


def test_dates_of_the_template_keep_their_time_zone(tmp_path):
    given = template(tmp_path / "t.dcm", TimezoneOffsetFromUTC="+0200")
    files = write_dicom(plain_analysis(), tmp_path / "out", template=given)
    assert {pydicom.dcmread(path).TimezoneOffsetFromUTC for path in files.paths} == {"+0200"}


@pytest.mark.parametrize(
    ("dtype", "low", "high", "stored", "scaled"),
    [
        (np.uint8, 0, 250, "int16", False),
        (np.uint16, 0, 65000, "uint16", False),
        (np.int32, -70000, 5, "uint16", True),
        (np.float32, -1.5, 2.5, "uint16", True),
        (np.float32, 2.0, 2.0, "uint16", True),
    ],
)
def test_grey_values_stay_where_16_bits_hold_them_and_are_scaled_otherwise(tmp_path, dtype, low, high, stored, scaled):
    frames = np.linspace(low, high, 3 * 5 * 36 * 44).reshape(3, 5, 36, 44).astype(dtype)
    files = write_dicom(plain_analysis(frames=frames), tmp_path / "out", template=template(tmp_path / "t.dcm"))
    pixels = pydicom.dcmread(files.folder / IMAGES_FOLDER / "ed_001.dcm").pixel_array
    assert pixels.dtype == stored
    if scaled:
        assert any("scaled to 0 to 4095" in note for note in files.notes)
        assert pixels.min() == 0
    else:
        assert np.array_equal(pixels, frames[0, 0])
        assert len(files.notes) == 1


def test_times_after_the_r_wave_are_kept_where_they_are_known(tmp_path):
    analysis = plain_analysis(frame_times_ms=(0.0, 310.5, 600.0))
    files = write_dicom(analysis, tmp_path / "out", template=template(tmp_path / "t.dcm"))
    assert float(pydicom.dcmread(files.folder / IMAGES_FOLDER / "es_003.dcm").TriggerTime) == 310.5


def test_a_folder_serves_as_template_and_files_that_name_nobody_are_passed_over(tmp_path):
    nobody = Dataset()
    nobody.SOPClassUID, nobody.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", "2.25.3"
    write(nobody, tmp_path / "folder" / "a")
    template(tmp_path / "folder" / "b")
    check_dicom_out(plain_analysis().study, tmp_path / "folder")


@pytest.mark.parametrize("kind", ["absent", "empty", "text"])
def test_a_template_that_names_no_patient_is_refused(tmp_path, kind):
    path = tmp_path / "t"
    if kind == "empty":
        path.mkdir()
    if kind == "text":
        path.write_text("no DICOM", encoding="utf-8")
    with pytest.raises(InputError, match=r"no DICOM file that names a patient.*correct --dicom-template"):
        check_dicom_out(plain_analysis().study, path)


def test_a_template_that_cannot_be_decoded_is_passed_over(tmp_path, monkeypatch):
    template(tmp_path / "t.dcm")

    def damaged(*_: object, **__: object) -> None:
        raise ValueError("damaged")

    monkeypatch.setattr(pydicom, "dcmread", damaged)
    with pytest.raises(InputError, match="names a patient"):
        check_dicom_out(plain_analysis().study, tmp_path / "t.dcm")


def test_validators_find_no_error_in_converted_images(written):
    _, files = written
    for path in (files.paths[0], *files.paths[-3:]):
        assert [line for line in judged("dciodvfy", path) if line.startswith(("Error", "Abort"))] == []
    assert [line for line in judged("dcentvfy", *files.paths) if line.startswith(("Error", "Abort"))] == []
