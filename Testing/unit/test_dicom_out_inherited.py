"""What objects take over from their source images: lossy compression, time zone, clinical trial, position reference."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pydicom
import pytest
from highdicom._standard_utils import get_module_attribute_map
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from CardiacMTLLib.report.dicom.patient_study import CLINICAL_TRIAL_STUDY, CLINICAL_TRIAL_SUBJECT
from CardiacMTLLib.report.dicom.write import write_dicom
from Testing.dicom_fixtures import write_enhanced
from Testing.unit.dicom_out import analysis_from, source_of

JPEG, JPEG_2000 = "ISO_10918_1", "ISO_15444_1"


def outputs(source, out):
    """The segmentations of ED and ES and the report."""
    return [pydicom.dcmread(path) for path in write_dicom(analysis_from(source), out).paths]


def changed(tmp_path, change, kind="GE"):
    def changing(data, t, z):
        change(data, t, z)
        return data

    return outputs(source_of(tmp_path / "source", kind, changing), tmp_path / "out")


def lossy(data, ratios, methods):
    data.LossyImageCompression = "01"
    data.LossyImageCompressionRatio, data.LossyImageCompressionMethod = ratios, methods


def history(data) -> tuple[str, list[float], list[str]]:
    def listed(keyword):
        value = data.get(keyword, [])
        return list(value) if isinstance(value, pydicom.multival.MultiValue | list) else [value]

    ratios = [float(ratio) for ratio in listed("LossyImageCompressionRatio")]
    return data.LossyImageCompression, ratios, listed("LossyImageCompressionMethod")


def test_masks_of_images_that_were_never_compressed_with_loss_say_so(tmp_path):
    ed, es, _ = changed(tmp_path, lambda *_: None)
    assert history(ed) == history(es) == ("00", [], [])


def test_masks_of_lossy_images_state_ratio_and_method_of_each_step(tmp_path):
    ed, es, report = changed(tmp_path, lambda data, t, z: lossy(data, [4.5, 10], [JPEG, JPEG_2000]))
    assert history(ed) == history(es) == ("01", [4.5, 10.0], [JPEG, JPEG_2000])
    assert "LossyImageCompression" not in report


def test_one_lossy_image_is_enough_and_the_one_that_lost_most_counts(tmp_path):
    def change(data, t, z):
        if t == 0 and z in (1, 2):
            lossy(data, 2 + 10 * z, JPEG)

    ed, es, _ = changed(tmp_path, change)
    assert history(ed) == ("01", [22.0], [JPEG])
    assert history(es) == ("00", [], [])


def test_ratio_and_method_that_the_images_do_not_state_are_not_invented(tmp_path):
    ed, *_ = changed(tmp_path, lambda data, t, z: setattr(data, "LossyImageCompression", "01"))
    assert history(ed) == ("01", [], [])


def test_masks_of_a_lossy_enhanced_image_say_so(tmp_path):
    source = write_enhanced(tmp_path / "enhanced.dcm", lambda data: lossy(data, 8, JPEG))
    assert history(outputs(source, tmp_path / "out")[0]) == ("01", [8.0], [JPEG])


@pytest.mark.parametrize(("offset", "hours"), [("+0530", 5.5), ("-0800", -8.0), ("+1400", 14.0)])
def test_times_of_writing_are_those_of_the_time_zone_of_the_study(offset, hours, tmp_path):
    before = datetime.now(UTC)
    for data in changed(tmp_path, lambda data, t, z: setattr(data, "TimezoneOffsetFromUTC", offset)):
        assert data.TimezoneOffsetFromUTC == offset
        zone = timezone(timedelta(hours=hours))
        for name in ("Content", "InstanceCreation"):
            text = f"{data[f'{name}Date'].value}{data[f'{name}Time'].value}"
            assert before <= datetime.strptime(text, "%Y%m%d%H%M%S.%f").replace(tzinfo=zone) <= datetime.now(UTC)
        contributed = str(data.ContributingEquipmentSequence[0].ContributionDateTime)
        assert before <= datetime.strptime(contributed, "%Y%m%d%H%M%S.%f%z") <= datetime.now(UTC)
        assert contributed.endswith(offset)


@pytest.mark.parametrize("offset", [None, "", "5 o'clock"])
def test_without_a_usable_offset_times_are_those_of_this_machine(offset, tmp_path):
    def change(data, t, z):
        if offset is not None:
            data.TimezoneOffsetFromUTC = offset

    before = datetime.now()  # noqa: DTZ005 - the machine's clock, as the object has it
    for data in changed(tmp_path, change):
        assert data.get("TimezoneOffsetFromUTC") == offset
        written = datetime.strptime(f"{data.ContentDate}{data.ContentTime}", "%Y%m%d%H%M%S.%f")  # noqa: DTZ007
        assert before <= written <= datetime.now()  # noqa: DTZ005
        assert re.fullmatch(r"\d{14}\.\d+", str(data.ContributingEquipmentSequence[0].ContributionDateTime))


def in_a_trial(data, *_):
    data.ClinicalTrialSponsorName, data.ClinicalTrialProtocolID, data.ClinicalTrialSubjectID = "Sponsor", "P1", "S7"
    data.ClinicalTrialTimePointID, data.ClinicalTrialCoordinatingCenterName = "month 3", ""
    data.ClinicalTrialSeriesID = "the cine's own"
    consent = Dataset()
    consent.ConsentForDistributionFlag = "NO"
    data.ConsentForClinicalTrialUseSequence = Sequence([consent])
    data.ClinicalTrialTimePointTypeCodeSequence = Sequence()


def test_the_trial_comes_along_as_the_source_states_it(tmp_path):
    for data in changed(tmp_path, in_a_trial):
        assert (data.ClinicalTrialSponsorName, data.ClinicalTrialProtocolID) == ("Sponsor", "P1")
        assert data.ClinicalTrialSubjectID == "S7"
        assert (data.ClinicalTrialTimePointID, data.ClinicalTrialCoordinatingCenterName) == ("month 3", "")
        assert data.ConsentForClinicalTrialUseSequence[0].ConsentForDistributionFlag == "NO"
        assert data.ClinicalTrialTimePointTypeCodeSequence == []
        assert "ClinicalTrialSiteID" not in data
        assert "ClinicalTrialSeriesID" not in data


def test_without_a_trial_there_is_none(tmp_path):
    for data in changed(tmp_path, lambda *_: None):
        assert [element.keyword for element in data if "ClinicalTrial" in element.keyword] == []


@pytest.mark.parametrize(
    ("copied", "module"), [(CLINICAL_TRIAL_SUBJECT, "clinical-trial-subject"), (CLINICAL_TRIAL_STUDY, "clinical-trial-study")]
)
def test_the_copied_attributes_of_trials_are_those_of_the_standard(copied, module):
    stated = {attribute["keyword"] for attribute in get_module_attribute_map()[module] if not attribute["path"]}
    assert set(copied) == stated


def test_the_position_reference_comes_along_with_the_frame_of_reference(tmp_path):
    ed, es, _ = changed(tmp_path, lambda data, t, z: setattr(data, "PositionReferenceIndicator", "XY"))
    assert ed.PositionReferenceIndicator == es.PositionReferenceIndicator == "XY"


def test_a_frame_of_reference_of_our_own_has_no_position_reference(tmp_path):
    def change(data, t, z):
        data.FrameOfReferenceUID, data.PositionReferenceIndicator = f"2.25.{z + 1}", "XY"

    assert not changed(tmp_path, change)[0].PositionReferenceIndicator
