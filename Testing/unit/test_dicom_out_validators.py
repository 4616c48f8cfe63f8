"""Debian's validators find no error in what is written for our fixtures."""

import pytest

from CardiacMTLLib.report.dicom.write import SR_FILE, write_dicom
from Testing.unit.dicom_out import analysis_from, judged, source_of

BAD = ("Error", "Abort", "E:", "F:")


def person(data, t, z):
    """A lossy image with the patient, study and trial that scanners write, in a Western character set."""
    data.SpecificCharacterSet = "ISO_IR 100"
    data.PatientName, data.PatientID = "Müller^Änne", "A-12"
    data.PatientBirthDate, data.PatientSex, data.PatientAge = "19700203", "F", "054Y"
    data.StudyDate, data.StudyTime, data.StudyID, data.AccessionNumber = "20240506", "101500", "7", "ACC1"
    data.ReferringPhysicianName, data.StudyDescription = "Curie^Marie", "Herz"
    data.ClinicalTrialSponsorName, data.ClinicalTrialProtocolID, data.ClinicalTrialProtocolName = "Sponsor", "P1", ""
    data.ClinicalTrialSiteID, data.ClinicalTrialSiteName, data.ClinicalTrialSubjectID = "", "", "S7"
    data.ClinicalTrialTimePointID, data.ClinicalTrialCoordinatingCenterName = "month 3", ""
    data.TimezoneOffsetFromUTC, data.PositionReferenceIndicator = "+0100", ""
    data.LossyImageCompression = "01"
    data.LossyImageCompressionRatio, data.LossyImageCompressionMethod = [4, 10], ["ISO_10918_1", "ISO_15444_1"]
    return data


@pytest.fixture(scope="module", params=["Siemens", "Philips", "enhanced"])
def written(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("validated")
    source = source_of(folder / "source", request.param, None if request.param == "enhanced" else person)
    return write_dicom(analysis_from(source), folder / "out"), source


def test_every_object_is_valid(written):
    files, _ = written
    kinds = []
    for path in files.paths:
        lines = judged("dciodvfy", path)
        assert [line for line in lines if line.startswith(BAD)] == []
        kinds += [line for line in lines if line in ("Segmentation", "Comprehensive3DSR")]
    assert kinds == ["Segmentation", "Segmentation", "Comprehensive3DSR"]


def test_objects_agree_with_their_source_on_patient_and_study(written):
    files, source = written
    images = sorted(source.iterdir())[:4] if source.is_dir() else [source]
    lines = judged("dcentvfy", *files.paths, *images)
    assert [line for line in lines if line.startswith(BAD)] == []
    if source.is_dir():
        # dcentvfy counts the accession number to the series in a report, and to the study in images
        assert [line for line in lines if "Element=<AccessionNumber> IE <Study> versus <Series>" not in line] == []


def test_the_report_reads_as_a_document(written):
    files, _ = written
    lines = judged("dsrdump", files.folder / SR_FILE)
    assert [line for line in lines if line.startswith((*BAD, "W:"))] == []
    assert "Comprehensive 3D SR Document" in lines
    assert sum("Measurement Group" in line for line in lines) == 11
    assert any('Left ventricular ejection fraction by MR")=' in line for line in lines)
