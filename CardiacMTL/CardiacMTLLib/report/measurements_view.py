"""The measurements as lines of the report's tables, with reference ranges and with what stood there before a correction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.labels import STRUCTURE_PHASES, Label
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.reference import reference_of
from CardiacMTLLib.report.reference_view import SourceNote, limits_text, ranges_text, source_key, source_notes
from CardiacMTLLib.report.wording import measurement_title, number_text

_SHORT_NAMES = {Label.LV: "LV", Label.RV: "RV", Label.MYOCARDIUM: "myocardium"}
_VENTRICLES = {"lv": "Left ventricle", "rv": "Right ventricle"}
_KEY_MEASUREMENTS = {
    "edv_ml": "EDV",
    "edv_ml_per_m2": "EDV, indexed",
    "esv_ml": "ESV",
    "esv_ml_per_m2": "ESV, indexed",
    "sv_ml": "SV",
    "ef_percent": "EF",
    "mass_g": "Mass",
    "mass_g_per_m2": "Mass, indexed",
}
"""What stands beside the diagnosis, by the ends of the names, as a reader of cardiac MR calls it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: a title, a number with its unit, and a remark: why there is no number.

    `ranges` are the reference ranges as text, `limits` the same without words, `note` the number of the note about their
    source, `outside` is "below", "above" or None. `before` is the number before a correction, or a word for none; None where
    nothing was corrected. `changed` says whether a reader sees another number than before.
    """

    title: str
    number: str | None
    unit: str
    remark: str | None = None
    ranges: str = ""
    limits: str = ""
    outside: str | None = None
    note: int | None = None
    before: str | None = None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class KeyTable:
    """The key measurements of one ventricle, under the short names that the page explains."""

    title: str
    rows: tuple[Row, ...]


def measurement_sources(analysis: Analysis) -> list[SourceNote]:
    """The notes about the sources of the reference ranges, in the order in which the measurements need them."""
    return source_notes(analysis.measurements)


def measurement_rows(analysis: Analysis, original: Analysis | None = None) -> dict[str, Row]:
    """All measurements by name in their order, each with its reference ranges, those without a number with the reason."""
    notes = {note.key: note.number for note in measurement_sources(analysis)}
    rows = {}
    for name, measurement in analysis.measurements.items():
        reference = reference_of(name, measurement.value, analysis.study.patient.sex)
        number = _number(measurement)
        before = None if original is None else _number(original.measurements.get(name)) or "undefined"
        rows[name] = Row(
            measurement_title(name),
            number,
            measurement.unit,
            measurement.reason,
            ranges_text(reference.ranges),
            limits_text(reference.ranges),
            reference.outside,
            notes[source_key(reference.ranges[0])] if reference.ranges else None,
            before,
            before is not None and before != (number or "undefined"),
        )
    return rows


def key_tables(rows: Mapping[str, Row]) -> list[KeyTable]:
    """A table for each ventricle, without indexed rows where the body size is not known; none where nothing was measured."""
    tables = []
    for ventricle, title in _VENTRICLES.items():
        known = {ending: rows.get(f"{ventricle}_{ending}") for ending in _KEY_MEASUREMENTS}
        found = tuple(
            replace(row, title=_KEY_MEASUREMENTS[ending])
            for ending, row in known.items()
            if row is not None and not (row.number is None and row.before is None and ending.endswith("_per_m2"))
        )
        if found:
            tables.append(KeyTable(title, found))
    return tables


def expected_dice(analysis: Analysis) -> str:
    """The expected agreement of each mask with an expert's, such as "LV 0.95 at ED, 0.91 at ES; ..."; empty without."""
    predicted = analysis.predicted_dice or {}
    known = {
        name: [
            f"{predicted[key]:.2f} at {phase}"
            for key, (structure, phase) in STRUCTURE_PHASES.items()
            if structure is label and key in predicted
        ]
        for label, name in _SHORT_NAMES.items()
    }
    return "; ".join(f"{name} {', '.join(parts)}" for name, parts in known.items() if parts)


def _number(measurement: Measurement | None) -> str | None:
    if measurement is None or measurement.value is None:
        return None
    return number_text(measurement.value, measurement.unit)
