"""How names, numbers and units of the result record are written for a reader."""

from __future__ import annotations

_UNIT_ENDINGS = (
    "_edv_per_s",
    "_ml_per_s",
    "_time_ms",
    "_l_per_min_per_m2",
    "_ml_per_m2",
    "_g_per_m2",
    "_l_per_min",
    "_g_per_ml",
    "_percent",
    "_bpm",
    "_ml",
    "_mm",
    "_m2",
    "_g",
)

_WORDS = {
    "lv": "LV",
    "rv": "RV",
    "ed": "at ED",
    "es": "at ES",
    "edv": "end-diastolic volume",
    "esv": "end-systolic volume",
    "sv": "stroke volume",
    "ef": "ejection fraction",
    "co": "cardiac output",
    "ci": "cardiac index",
    "bsa": "body surface area",
    "max": "maximum",
    "min": "minimum",
}

_ENDING_WORDS = {"_edv_per_s": " over end-diastolic volume", "_time_ms": ", time"}

_DECIMALS = {
    "mL": 0,
    "g": 0,
    "%": 0,
    "mL/m²": 0,
    "g/m²": 0,
    "bpm": 0,
    "mm": 1,
    "L/min": 1,
    "L/min/m²": 1,
    "mL/s": 0,
    "EDV/s": 1,
    "ms": 0,
}


def measurement_title(name: str) -> str:
    """Title of a measurement of the result record: `lv_edv_ml_per_m2` is "LV end-diastolic volume, indexed"."""
    ending = next((ending for ending in _UNIT_ENDINGS if name.endswith(ending)), "")
    words = " ".join(_WORDS.get(word, word) for word in name.removesuffix(ending).split("_"))
    words += _ENDING_WORDS.get(ending, "")
    indexed = ending.endswith("per_m2") and not name.startswith("cardiac_index")
    return sentence_case(words) + (", indexed" if indexed else "")


def sentence_case(title: str) -> str:
    """`title` with a capital first letter, the rest as it is."""
    return f"{title[:1].upper()}{title[1:]}"


def number_text(value: float, unit: str) -> str:
    """`value` with the decimals that its unit deserves: whole millilitres, grams and percent, tenths of a millimetre."""
    text = f"{value:.{_DECIMALS.get(unit, 2)}f}"
    return text.removeprefix("-") if float(text) == 0 else text
