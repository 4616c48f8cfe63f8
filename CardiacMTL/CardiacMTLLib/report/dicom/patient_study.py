"""Attributes of patient and study, which every object of a study must have alike, and of the trial it belongs to."""

from __future__ import annotations

from pydicom.dataset import Dataset

from CardiacMTLLib.reading.dicom.values import View

REQUIRED = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
"""Attributes of the patient that may be empty but not missing (type 2 in PS3.3 C.7.1.1)."""

REQUIRED_OF_STUDY = ("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber")
"""Those of the study (type 2 in PS3.3 C.7.2.1)."""

CLINICAL_TRIAL_SUBJECT = (
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "IssuerOfClinicalTrialProtocolID",
    "OtherClinicalTrialProtocolIDsSequence",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "IssuerOfClinicalTrialSiteID",
    "ClinicalTrialSubjectID",
    "IssuerOfClinicalTrialSubjectID",
    "ClinicalTrialSubjectReadingID",
    "IssuerOfClinicalTrialSubjectReadingID",
    "ClinicalTrialProtocolEthicsCommitteeName",
    "ClinicalTrialProtocolEthicsCommitteeApprovalNumber",
)
"""The module of PS3.3 C.7.1.3."""

CLINICAL_TRIAL_STUDY = (
    "ClinicalTrialTimePointID",
    "ClinicalTrialTimePointDescription",
    "ClinicalTrialTimePointTypeCodeSequence",
    "IssuerOfClinicalTrialTimePointID",
    "LongitudinalTemporalOffsetFromEvent",
    "LongitudinalTemporalEventType",
    "ConsentForClinicalTrialUseSequence",
)
"""The module of PS3.3 C.7.2.3."""

CLINICAL_TRIAL_SERIES = ("ClinicalTrialCoordinatingCenterName",)
"""What the module of PS3.3 C.7.3.2 requires; the rest of it names the series of the source, and ours is another."""

OPTIONAL = (
    "SpecificCharacterSet",
    "IssuerOfPatientID",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    *CLINICAL_TRIAL_SUBJECT,
)
TIME_ZONE = "TimezoneOffsetFromUTC"
OPTIONAL_OF_STUDY = (
    "StudyDescription",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    TIME_ZONE,  # date and time of the study are copied, and mean nothing else in another zone
    *CLINICAL_TRIAL_STUDY,
)


def copy_patient(source: Dataset, target: Dataset) -> None:
    """Give `target` the patient of `source`, values as they stand there, valid or not: an archive compares them by letter."""
    _copy(source, target, REQUIRED, OPTIONAL)


def copy_study(source: Dataset, target: Dataset) -> None:
    """Give `target` the attributes of the study of `source`, but for its UID."""
    _copy(source, target, REQUIRED_OF_STUDY, OPTIONAL_OF_STUDY)


def copy_trial_series(source: Dataset, target: Dataset) -> None:
    """Give `target`, which is of a series of its own, what its trial says of every series."""
    _copy(source, target, (), CLINICAL_TRIAL_SERIES)


def copy_time_zone(source: Dataset, target: Dataset) -> None:
    """Give `target` the time zone in which dates and times that were copied from `source` are."""
    _copy(source, target, (), (TIME_ZONE,))


def _copy(source: Dataset, target: Dataset, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    view = View((source,))
    for keyword in (*required, *optional):
        if keyword in required or view.has(keyword):
            setattr(target, keyword, view.value(keyword) or "")
        elif keyword in target:
            delattr(target, keyword)
