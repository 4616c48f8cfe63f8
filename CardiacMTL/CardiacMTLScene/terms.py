"""`TERMS`: name, standard code and standard colour of each structure, read from the terminology that Slicer loads too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLLib.labels import Label

Rgb = tuple[int, int, int]

_FILE_NAME = "CardiacMTL.term.json"
_HERE = Path(__file__).resolve().parent
_PLACES = (_HERE.parent / "Resources" / "Terminology", _HERE / "Resources" / "Terminology")
"""Where the file lies in the extension's module folder, and in an installed wheel."""

_CODES = {Label.LV: "87878005", Label.RV: "53085002", Label.MYOCARDIUM: "74281007"}
"""SNOMED CT codes (DICOM PS3.16 CID 7152 and CID 7166); a chamber's code stands for its blood pool."""


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept: coding scheme (here SCT), value, and meaning in English."""

    scheme: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Term:
    """How a structure is named, coded and, by the standard, coloured (red, green, blue; 0 to 255)."""

    name: str
    category: Code
    kind: Code
    color: Rgb


def terminology_path() -> Path:
    """The terminology file that is shipped with the extension; raises `CardiacMTLError` where it is missing."""
    for place in _PLACES:
        if (place / _FILE_NAME).is_file():
            return place / _FILE_NAME
    raise CardiacMTLError(f"the terminology file {_FILE_NAME} is missing; expected it in Resources/Terminology; reinstall CardiacMTL")


@cache
def structure_terms() -> Mapping[Label, Term]:
    """The term of each structure; raises `CardiacMTLError` where the file is missing, damaged, or lacks one of the codes."""
    path = terminology_path()
    try:
        category = json.loads(path.read_text(encoding="utf-8"))["SegmentationCodes"]["Category"][0]
        found = {entry["CodeValue"]: _term(category, entry) for entry in category["Type"]}
        return {label: found[code] for label, code in _CODES.items()}
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise CardiacMTLError(f"the terminology file {_FILE_NAME} is damaged ({error!r}); reinstall CardiacMTL") from error


def _term(category: dict[str, str], entry: dict[str, str]) -> Term:
    red, green, blue = (int(value) for value in entry["recommendedDisplayRGBValue"])
    return Term(entry["3dSlicerLabel"], _code(category), _code(entry), (red, green, blue))


def _code(entry: dict[str, str]) -> Code:
    return Code(entry["CodingSchemeDesignator"], entry["CodeValue"], entry["CodeMeaning"])
