"""What the headers say of the patient's body and heart rate, where it can be true. Names and numbers are never read."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.reading.dicom.frame import DicomFrame
from CardiacMTLLib.volume import Patient, Sex


def patient_of(frames: Sequence[DicomFrame]) -> tuple[Patient, tuple[str, ...]]:
    """Height, weight, sex and heart rate as `frames` have them, and a warning for each value that no patient can have.

    The heart rate is the median of the slices' rates, else 60000 over the median length of their heart beats in ms. Zeros
    stand for unknown in many headers.
    """
    person = frames[0].person
    rates = [frame.heart_rate_bpm for frame in frames if frame.heart_rate_bpm]
    rates = rates or [60000 / frame.interval_ms for frame in frames if frame.interval_ms]
    notes: list[str] = []

    def believed(field: str, value: float | None) -> float | None:
        try:
            Patient(**{field: value})  # type: ignore[arg-type]  # never the field of the sex
        except InputError:
            name = field.rsplit("_", 1)[0].replace("_", " ")
            notes.append(f"The {name} in the DICOM header is not believable and was left out.")
            return None
        return value

    patient = Patient(
        height_cm=believed("height_cm", round(100 * person.size_m, 6) if person.size_m else None),
        weight_kg=believed("weight_kg", person.weight_kg or None),
        sex=Sex(person.sex) if person.sex in set(Sex) else None,
        heart_rate_bpm=believed("heart_rate_bpm", round(statistics.median(rates), 1) if rates else None),
    )
    return patient, tuple(notes)
