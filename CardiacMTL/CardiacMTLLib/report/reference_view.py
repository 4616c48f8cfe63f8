"""Reference ranges as the report and the terminal write them: the limits, and notes about where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from CardiacMTLLib.measure.reference import ReferenceRange, reference_of
from CardiacMTLLib.volume import Sex

_PEOPLE = {Sex.MALE: "men", Sex.FEMALE: "women"}

SourceKey = tuple[str, str]
"""A source and how far its figures could be confirmed: what a note is about."""


@dataclass(frozen=True, slots=True)
class SourceNote:
    """A note below the table, counted from 1."""

    number: int
    key: SourceKey
    citation: str
    ages: str
    cohort: str
    evidence: str


def source_key(entry: ReferenceRange) -> SourceKey:
    """What the note of a range is about."""
    return entry.source.key, entry.evidence.value


def ranges_text(ranges: Sequence[ReferenceRange]) -> str:
    """The limits with the sex they are for, such as "men 52-117, women 50-101"; empty without ranges."""
    return ", ".join(f"{_PEOPLE[entry.sex]} {entry.low}-{entry.high}" for entry in ranges)


def limits_text(ranges: Sequence[ReferenceRange]) -> str:
    """The limits alone, such as "52-117; 50-101"; empty without ranges. `people_text` says whose they are."""
    return "; ".join(f"{entry.low}-{entry.high}" for entry in ranges)


def people_text(sex: Sex | None) -> str:
    """Whose the limits of a patient of this sex are: "men; women" where it is not known."""
    return "; ".join(name for person, name in _PEOPLE.items() if sex in (None, person))


def source_notes(names: Iterable[str]) -> list[SourceNote]:
    """A note for each source and evidence that the measurements called `names` need, in their order."""
    entries = {source_key(entry): entry for name in names for entry in reference_of(name, None, None).ranges}
    return [
        SourceNote(number, key, entry.source.citation, entry.source.ages, entry.source.cohort, entry.evidence.value)
        for number, (key, entry) in enumerate(entries.items(), 1)
    ]
