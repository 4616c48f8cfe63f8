"""`Concept`: a coded concept, and those of the report that are no measurements."""

from __future__ import annotations

from dataclasses import dataclass

from CardiacMTLLib.labels import Group, Label, Phase

PRIVATE_SCHEME = "99CARDIACMTL"
"""Designator of our own codes: the prefix 99 marks a scheme as private (PS3.16 section 8.2)."""


@dataclass(frozen=True, slots=True)
class Concept:
    """A code: scheme, value (at most 16 characters), meaning (at most 64 ASCII characters)."""

    scheme: str
    value: str
    meaning: str


def private(value: str, meaning: str) -> Concept:
    """A concept of our own, for what no standard code means."""
    return Concept(PRIVATE_SCHEME, value, meaning)


LEFT_VENTRICLE = Concept("SCT", "87878005", "Left ventricle")
RIGHT_VENTRICLE = Concept("SCT", "53085002", "Right ventricle")
FINDING_SITES = {Label.LV: LEFT_VENTRICLE, Label.MYOCARDIUM: LEFT_VENTRICLE, Label.RV: RIGHT_VENTRICLE}

CARDIAC_CYCLE_POINT = Concept("SCT", "272518008", "Cardiac Cycle Point")
CYCLE_POINTS = {
    Phase.ED: Concept("SCT", "416190007", "End diastole"),
    Phase.ES: Concept("SCT", "416430001", "End Systole"),
}
"""PS3.16 CID 12233."""

MEAN = Concept("SCT", "373098007", "Mean")
MAXIMUM = Concept("SCT", "56851009", "Maximum")
"""PS3.16 CID 7464."""

MOSTELLER = Concept("DCM", "122244", "BSA = (HT*WT/36)^0.5")
"""PS3.16 CID 3663; height in metres, which is Mosteller's formula in centimetres over 3600."""

CARDIAC_MRI = Concept("SCT", "241620005", "Cardiac MRI")
COMMENT = Concept("DCM", "121106", "Comment")

NOT_MEASURED = private("NOT_MEASURED", "Not measured, with the reason")
PREDICTED_DICE = private("PREDICTED_DICE", "Predicted Dice coefficient of the mask, 0 to 1")
SCOPE_SCORE = private("SCOPE_SCORE", "Likeness to a short-axis heart, 0 to 1")
QUALITY_FLAG = private("QUALITY_FLAG", "Quality flag")
INPUT_NOTE = private("INPUT_NOTE", "What was mended while the images were read")
PATTERN = private("PATTERN", "Pattern most like (ACDC group)")
NO_PATTERN = private("NO_PATTERN", "No pattern is named, with the reason")
MEANING_OF_PATTERN = private("MEANING", "What the pattern means and does not mean")
RESEARCH = private("RESEARCH_USE", "Intended use")

PATTERNS = {group: private(f"GROUP_{group.value}", f"ACDC group: {group.full_name}") for group in Group}
PROBABILITIES = {group: private(f"P_{group.value}", f"Probability of the pattern: {group.full_name}") for group in Group}

UNITS = {
    "mL": Concept("UCUM", "mL", "milliliter"),
    "g": Concept("UCUM", "g", "gram"),
    "%": Concept("UCUM", "%", "percent"),
    "mm": Concept("UCUM", "mm", "millimeter"),
    "ms": Concept("UCUM", "ms", "millisecond"),
    "m\u00b2": Concept("UCUM", "m2", "square meter"),
    "mL/m\u00b2": Concept("UCUM", "mL/m2", "milliliter per square meter"),
    "g/m\u00b2": Concept("UCUM", "g/m2", "gram per square meter"),
    "g/mL": Concept("UCUM", "g/mL", "gram per milliliter"),
    "L/min": Concept("UCUM", "L/min", "liter per minute"),
    "L/min/m\u00b2": Concept("UCUM", "L/min/m2", "liter per minute per square meter"),
    "mL/s": Concept("UCUM", "mL/s", "milliliter per second"),
    "EDV/s": Concept("UCUM", "{EDV}/s", "end-diastolic volumes per second"),
}
"""UCUM by the units of the measurement table."""

NO_UNIT = Concept("UCUM", "1", "no units")
