"""The structures' codes as Slicer stores them on segments, checked against Slicer's own terminology logic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import slicer

from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLLib.labels import Label
from CardiacMTLLib.resources import terminology_file
from CardiacMTLLib.terms import Term, structure_terms


def coded_entries(terminologies: Any) -> Mapping[Label, str]:
    """The serialized terminology entry of each structure.

    `terminologies` is a vtkSlicerTerminologiesModuleLogic; our terminology is loaded into it, so that the application's
    selectors know the entries. Raises `CardiacMTLError` where Slicer does not find code and colour of an entry again: for
    an unknown code it reports success and hands back an emptied, grey entry.
    """
    context = terminologies.LoadTerminologyFromFile(str(terminology_file()))
    if not context:
        raise CardiacMTLError("Slicer could not load the terminology file CardiacMTL.term.json; reinstall CardiacMTL")
    entries = {label: _serialized(context, term) for label, term in structure_terms().items()}
    for label, term in structure_terms().items():
        _check(terminologies, entries[label], term)
    return entries


def _serialized(context: str, term: Term) -> str:
    category = (term.category.value, term.category.scheme, term.category.meaning)
    kind = (term.kind.value, term.kind.scheme, term.kind.meaning)
    no_modifier, no_region = ("", "", ""), ("", "", "", "", "", "", "")
    serialize = slicer.vtkSlicerTerminologiesModuleLogic.SerializeTerminologyEntry
    return str(serialize(context, *category, *kind, *no_modifier, *no_region))


def _check(terminologies: Any, serialized: str, term: Term) -> None:
    entry = slicer.vtkSlicerTerminologyEntry()
    terminologies.DeserializeTerminologyEntry(serialized, entry)
    terminologies.UpdateEntryFromLoadedTerminologies(entry, [], [])
    kind = entry.GetTypeObject()
    if (kind.GetCodeValue(), tuple(kind.GetRecommendedDisplayRGBValue())) != (term.kind.value, term.color):
        raise CardiacMTLError(
            f"Slicer does not know the terminology entry {term.kind.scheme} {term.kind.value} ({term.kind.meaning}); "
            "expected it in CardiacMTL.term.json; reinstall CardiacMTL"
        )
