"""Attributes of patient and study, which every object of a study must have alike."""

from __future__ import annotations

from pydicom.dataset import Dataset

from CardiacMTLLib.reading.dicom.values import View

REQUIRED = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
"""Attributes of the patient that may be empty but not missing (type 2 in PS3.3 C.7.1.1)."""

REQUIRED_OF_STUDY = ("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber")
"""Those of the study (type 2 in PS3.3 C.7.2.1)."""

OPTIONAL = (
    "SpecificCharacterSet",
    "IssuerOfPatientID",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
)
OPTIONAL_OF_STUDY = ("StudyDescription", "PatientAge", "PatientSize", "PatientWeight")


def copy_patient(source: Dataset, target: Dataset) -> None:
    """Give `target` the patient of `source`, values as they stand there, valid or not: an archive compares them by letter."""
    _copy(source, target, REQUIRED, OPTIONAL)


def copy_study(source: Dataset, target: Dataset) -> None:
    """Give `target` the attributes of the study of `source`, but for its UID."""
    _copy(source, target, REQUIRED_OF_STUDY, OPTIONAL_OF_STUDY)


def _copy(source: Dataset, target: Dataset, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    view = View((source,))
    for keyword in (*required, *optional):
        if keyword in required or view.has(keyword):
            setattr(target, keyword, view.value(keyword) or "")
        elif keyword in target:
            delattr(target, keyword)
