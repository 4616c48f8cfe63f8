"""UIDs stand on all that an object says, so that one name never has two contents."""

from dataclasses import replace

import pydicom
import pytest

from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.report.dicom import measurement_report, segmentation
from CardiacMTLLib.report.dicom.write import write_dicom
from Testing.unit.dicom_out import analysis_from, source_of

DATES = {"PatientBirthDate": "19700203", "StudyDate": "20240506"}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return source_of(tmp_path_factory.mktemp("identity") / "source", "GE")


@pytest.fixture(scope="module")
def analysis(source):
    return analysis_from(source)


@pytest.fixture
def written(tmp_path):
    """Writes an analysis and returns instance and series UIDs of both segmentations and the report."""

    def write(analysis) -> list[tuple[str, str]]:
        files = write_dicom(analysis, tmp_path / "out")
        return [(data.SOPInstanceUID, data.SeriesInstanceUID) for data in map(pydicom.dcmread, files.paths)]

    return write


@pytest.fixture(scope="module")
def uids(analysis, tmp_path_factory):
    files = write_dicom(analysis, tmp_path_factory.mktemp("identity") / "out")
    return [(data.SOPInstanceUID, data.SeriesInstanceUID) for data in map(pydicom.dcmread, files.paths)]


def differ(one, other) -> list[bool]:
    """For each object whether both its UIDs are others; that of the series follows from that of the instance."""
    assert [a[0] == b[0] for a, b in zip(one, other, strict=True)] == [a[1] == b[1] for a, b in zip(one, other, strict=True)]
    return [a != b for a, b in zip(one, other, strict=True)]


@pytest.mark.parametrize(
    "keyword",
    [
        *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "IssuerOfPatientID", "SpecificCharacterSet"),
        *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDescription", "PatientAge"),
        *("ClinicalTrialSubjectID", "ClinicalTrialTimePointID", "ClinicalTrialCoordinatingCenterName", "TimezoneOffsetFromUTC"),
    ],
)
def test_another_patient_or_study_attribute_gives_every_object_other_uids(keyword, analysis, uids, written, monkeypatch):
    read = pydicom.dcmread
    values = {"SpecificCharacterSet": "ISO_IR 192", "PatientSex": "O", "PatientAge": "054Y", "TimezoneOffsetFromUTC": "+0100"}

    def corrected(path, *arguments, **options):
        data = read(path, *arguments, **options)
        if data.Modality == "MR":
            setattr(data, keyword, values.get(keyword, DATES.get(keyword, "1")))
        return data

    monkeypatch.setattr(pydicom, "dcmread", corrected)
    assert differ(uids, written(analysis)) == [True, True, True]


def test_another_number_gives_the_report_alone_another_uid(analysis, uids, written):
    other = {**analysis.measurements, "lv_edv_ml": Measurement(99.0, "mL", None)}
    assert differ(uids, written(replace(analysis, measurements=other))) == [False, False, True]


def test_another_mask_gives_its_segmentation_and_the_report_other_uids(analysis, uids, written):
    mask = analysis.masks[Phase.ES].copy()
    mask[2, 12, 20] = 1 + mask[2, 12, 20] % 3
    changed = replace(analysis, masks={**analysis.masks, Phase.ES: mask})
    assert differ(uids, written(changed)) == [False, True, True]


@pytest.mark.parametrize(("field", "value"), [("name", "another"), ("version", "9.9.9"), ("sha256", "f" * 64)])
def test_another_model_gives_every_object_other_uids(field, value, analysis, uids, written):
    assert differ(uids, written(replace(analysis, model=replace(analysis.model, **{field: value})))) == [True, True, True]


def test_another_version_of_the_software_gives_every_object_other_uids(analysis, uids, written, monkeypatch):
    for module in (segmentation, measurement_report):
        monkeypatch.setattr(module, "__version__", "99.0.0")
    assert differ(uids, written(analysis)) == [True, True, True]


def test_the_same_study_and_result_give_the_same_uids(analysis, source, uids, written):
    assert differ(uids, written(analysis)) == [False, False, False]
    assert differ(uids, written(analysis_from(source))) == [False, False, False]
