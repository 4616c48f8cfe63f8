"""Content items of the structured report, from concepts and plain values."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom.sr import (
    CodeContentItem,
    CodedConcept,
    ContentItem,
    ContentSequence,
    FindingSite,
    Measurement,
    RelationshipTypeValues,
    TextContentItem,
)

from CardiacMTLLib.report.dicom.ascii_text import ascii_text
from CardiacMTLLib.report.dicom.concepts import COMMENT, Concept

_CONTAINS = RelationshipTypeValues.CONTAINS
_MODIFIES = RelationshipTypeValues.HAS_CONCEPT_MOD


def coded(concept: Concept) -> CodedConcept:
    """A concept as highdicom has it."""
    return CodedConcept(concept.value, concept.scheme, concept.meaning)


def text_item(name: Concept, text: str) -> TextContentItem:
    """A sentence of a group, in ASCII."""
    return TextContentItem(coded(name), ascii_text(text), _CONTAINS)


def code_item(name: Concept, value: Concept, comment: str | None = None) -> CodeContentItem:
    """A coded statement of a group, with a sentence about it."""
    item = CodeContentItem(coded(name), coded(value), _CONTAINS)
    if comment is not None:
        sentence = TextContentItem(coded(COMMENT), ascii_text(comment), RelationshipTypeValues.HAS_PROPERTIES)
        item.ContentSequence = ContentSequence([sentence])
    return item


def number(
    name: Concept,
    value: float,
    unit: Concept,
    *,
    site: Concept | None = None,
    derivation: Concept | None = None,
    method: Concept | None = None,
    modifiers: Sequence[tuple[Concept, Concept]] = (),
) -> Measurement:
    """A measurement (TID 300); `modifiers` are further name and value pairs that tell it from others of the same name."""
    measured = Measurement(
        coded(name),
        value,
        coded(unit),
        derivation=None if derivation is None else coded(derivation),
        method=None if method is None else coded(method),
        finding_sites=None if site is None else [FindingSite(coded(site))],
    )
    items: list[ContentItem] = list(measured[0].get("ContentSequence", ()))
    items += [CodeContentItem(coded(key), coded(value_), _MODIFIES) for key, value_ in modifiers]
    if items:
        measured[0].ContentSequence = ContentSequence(items)
    return measured
