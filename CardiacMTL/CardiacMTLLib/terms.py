"""`structure_terms`: name, standard code and standard colour of each structure, read from the file that Slicer loads too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLLib.labels import Label
from CardiacMTLLib.resources import terminology_file

Rgb = tuple[int, int, int]

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


@cache
def structure_terms() -> Mapping[Label, Term]:
    """The term of each structure; raises `CardiacMTLError` where the file is missing, damaged, or lacks one of the codes."""
    path = terminology_file()
    try:
        category = json.loads(path.read_text(encoding="utf-8"))["SegmentationCodes"]["Category"][0]
        found = {entry["CodeValue"]: _term(category, entry) for entry in category["Type"]}
        return {label: found[code] for label, code in _CODES.items()}
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise CardiacMTLError(f"the terminology file {path.name} is damaged ({error!r}); reinstall CardiacMTL") from error


def _term(category: dict[str, str], entry: dict[str, str]) -> Term:
    red, green, blue = (int(value) for value in entry["recommendedDisplayRGBValue"])
    return Term(entry["3dSlicerLabel"], _code(category), _code(entry), (red, green, blue))


def _code(entry: dict[str, str]) -> Code:
    return Code(entry["CodingSchemeDesignator"], entry["CodeValue"], entry["CodeMeaning"])
