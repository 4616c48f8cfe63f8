"""`read_identity`: who the patient is, as the DICOM headers say; read only where a report with patient data is asked for."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import pydicom
from pydicom.valuerep import PersonName

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.reading.dicom.values import View
from CardiacMTLLib.source import DicomSource

_TITLES = {
    "name": "Patient",
    "patient_id": "Patient ID",
    "birth_date": "Date of birth",
    "study_date": "Study date",
    "accession_number": "Accession number",
}


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """The patient and the study by name and number; None where the headers do not say. It never goes into a result record."""

    name: str | None = None
    patient_id: str | None = None
    birth_date: str | None = None
    study_date: str | None = None
    accession_number: str | None = None

    @property
    def entries(self) -> tuple[tuple[str, str], ...]:
        """Title and text of what is known."""
        known = ((title, getattr(self, field)) for field, title in _TITLES.items())
        return tuple((title, text) for title, text in known if text)


def read_identity(source: DicomSource | None) -> PatientIdentity:
    """The identity in the header of the first image of a study; an empty one for a study that is not from DICOM.

    Dates are written as 2001-12-31 where the header has a date. Raises `InputError` where the image cannot be read any more.
    """
    if source is None:
        return PatientIdentity()
    keywords = ["PatientName", "PatientID", "PatientBirthDate", "StudyDate", "AccessionNumber"]
    try:
        first = next(frame for phase in source.frames for frame in phase)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(source.folder / first.file, stop_before_pixels=True, force=True, specific_tags=keywords)
            view = View((data,))
            name = _name(view.value("PatientName"))
            patient_id, birth, study, accession = (_clean(view.text(keyword)) for keyword in keywords[1:])
    except Exception as error:
        raise InputError(
            "the images cannot be read any more; expected them where they were, for the patient data in the report; put them "
            "back, or make the report without patient data"
        ) from error
    return PatientIdentity(name, patient_id, _date(birth), _date(study), accession)


def _name(value: object) -> str | None:
    """A name as "Family, Given Middle"; the alphabetic form where there is one, else the ideographic one."""
    name = value if isinstance(value, PersonName) else PersonName(str(value or ""))
    form = next((part for part in str(name).split("=") if part.strip("^ ")), "")
    family, *others = (part.strip() for part in form.split("^"))
    return _clean(", ".join(part for part in (family, " ".join(part for part in others if part)) if part))


def _date(text: str | None) -> str | None:
    digits = re.fullmatch(r"(\d{4})\.?(\d{2})\.?(\d{2})", text or "")
    return text if digits is None else "-".join(digits.groups())


def _clean(text: str) -> str | None:
    """`text` on one line, without what cannot be shown; None where nothing is left."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split()) or None
