"""Measurement groups of the structured report: one a segment, and those of function, body size, pattern and quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from highdicom.sr import (
    AlgorithmIdentification,
    ContentItem,
    FindingSite,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    ReferencedSegment,
    SourceImageForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.sr.codedict import codes

from CardiacMTLLib import __version__
from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.diagnosis.diagnosis import MEANING, RESEARCH_USE
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.report.dicom.codes import MEASUREMENT_CODES, Part, Place
from CardiacMTLLib.report.dicom.concepts import (
    CARDIAC_CYCLE_POINT,
    CYCLE_POINTS,
    FINDING_SITES,
    INPUT_NOTE,
    LEFT_VENTRICLE,
    MEANING_OF_PATTERN,
    NO_PATTERN,
    NO_UNIT,
    NOT_MEASURED,
    PATTERN,
    PATTERNS,
    PREDICTED_DICE,
    PROBABILITIES,
    QUALITY_FLAG,
    RESEARCH,
    RIGHT_VENTRICLE,
    SCOPE_SCORE,
    UNITS,
    private,
)
from CardiacMTLLib.report.dicom.content import code_item, coded, number, text_item
from CardiacMTLLib.report.dicom.segmentation import (
    MANUFACTURER,
    BuiltSegmentation,
    dicom_code,
    reference_to,
    tracking_name,
    tracking_uid,
)
from CardiacMTLLib.report.dicom.sources import PhaseSources
from CardiacMTLLib.report.dicom.uids import stable_uid
from CardiacMTLLib.report.dicom.wall import wall_items
from CardiacMTLLib.report.wording import measurement_title
from CardiacMTLLib.terms import structure_terms

MeasurementGroup = VolumetricROIMeasurementsAndQualitativeEvaluations | MeasurementsAndQualitativeEvaluations

_PART_SITES = {Part.LV: (LEFT_VENTRICLE,), Part.RV: (RIGHT_VENTRICLE,), Part.BODY: ()}


@dataclass(frozen=True, slots=True, eq=False)
class ReportContext:
    """What every group draws on."""

    analysis: Analysis
    sources: PhaseSources
    segmentations: Mapping[Phase, BuiltSegmentation]


def report_groups(context: ReportContext) -> list[MeasurementGroup]:
    """All groups: segments of ED and ES, function of LV and RV, body size, pattern, quality."""
    places: list[Place] = [(label, phase) for phase in Phase for label in (Label.RV, Label.MYOCARDIUM, Label.LV)]
    groups = [_measured(context, place) for place in (*places, *Part)]
    return [*groups, _pattern(context), _quality(context)]


def _measured(context: ReportContext, place: Place) -> MeasurementGroup:
    numbers, sentences = _contents(context, place)
    if isinstance(place, Part):
        group = _plain_group(context, place.value, numbers, [FindingSite(coded(site)) for site in _PART_SITES[place]])
    else:
        group = _segment_group(context, *place, numbers)
    group[0].ContentSequence.extend(sentences)
    return group


def _contents(context: ReportContext, place: Place) -> tuple[list[Measurement], list[ContentItem]]:
    """Measurements of a group, and a sentence for each that has no value."""
    numbers: list[Measurement] = []
    sentences: list[ContentItem] = []
    modifiers = [] if isinstance(place, Part) else [(CARDIAC_CYCLE_POINT, CYCLE_POINTS[place[1]])]
    for name, code in MEASUREMENT_CODES.items():
        measurement = context.analysis.measurements.get(name)
        if code.place != place or measurement is None:
            continue
        if measurement.value is None:
            sentences.append(text_item(NOT_MEASURED, f"{measurement_title(name)}: {measurement.reason}"))
            continue
        value, unit = round(measurement.value, 3), UNITS[measurement.unit]
        numbers.append(number(code.concept, value, unit, derivation=code.derivation, method=code.method, modifiers=modifiers))
    wall_numbers, wall_sentences = wall_items(context.analysis.segments, place)
    return [*numbers, *wall_numbers, *_dice(context.analysis, place)], [*sentences, *wall_sentences]


def _dice(analysis: Analysis, place: Place) -> Iterator[Measurement]:
    if not isinstance(place, Part) and analysis.predicted_dice is not None:
        value = analysis.predicted_dice.get(f"{place[0].name}_{place[1]}")
        if value is not None:
            yield number(PREDICTED_DICE, round(value, 4), NO_UNIT)


def _segment_group(context: ReportContext, label: Label, phase: Phase, numbers: Sequence[Measurement]) -> MeasurementGroup:
    """The group of a segment (TID 1411); one without reference (TID 1501) where there is no such segment."""
    site = [FindingSite(coded(FINDING_SITES[label]))]
    built = context.segmentations.get(phase)
    if built is None or label not in built.numbers:
        return _plain_group(context, tracking_name(phase, label), numbers, site)
    term = structure_terms()[label]
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        TrackingIdentifier(tracking_uid(context.sources.study_uid, phase, label), tracking_name(phase, label)),
        referenced_segment=ReferencedSegment(
            built.data.SOPClassUID,
            built.data.SOPInstanceUID,
            built.numbers[label],
            source_images=[
                SourceImageForSegmentation(
                    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID, _frame_numbers(item.get("ReferencedFrameNumber"))
                )
                for item in reference_to(context.sources.slices[phase])
            ],
        ),
        finding_category=dicom_code(term.category),
        finding_type=dicom_code(term.kind),
        finding_sites=site,
        algorithm_id=_algorithm(context.analysis),
        measurements=numbers,
    )


def _frame_numbers(value: int | Sequence[int] | None) -> list[int] | None:
    if value is None:
        return None
    return [value] if isinstance(value, int) else list(value)


def _plain_group(
    context: ReportContext, title: str, numbers: Sequence[Measurement], sites: Sequence[FindingSite] = ()
) -> MeasurementGroup:
    return MeasurementsAndQualitativeEvaluations(
        TrackingIdentifier(stable_uid("group", context.sources.study_uid, title), title),
        finding_sites=sites,
        algorithm_id=_algorithm(context.analysis),
        measurements=numbers,
    )


def _pattern(context: ReportContext) -> MeasurementGroup:
    """Probabilities of the groups, the label or why there is none, what both mean, and that they are for research."""
    diagnosis = context.analysis.diagnosis
    probabilities = diagnosis.probabilities or {}
    group = _plain_group(
        context,
        "Pattern of the heart",
        [number(PROBABILITIES[kind], round(value, 4), NO_UNIT) for kind, value in probabilities.items()],
    )
    items: list[ContentItem] = []
    if diagnosis.label is not None:
        items.append(code_item(PATTERN, PATTERNS[diagnosis.label]))
    if diagnosis.reason is not None:
        items.append(text_item(NO_PATTERN, diagnosis.reason))
    items += [text_item(MEANING_OF_PATTERN, MEANING), text_item(RESEARCH, RESEARCH_USE)]
    group[0].ContentSequence.extend(items)
    return group


def _quality(context: ReportContext) -> MeasurementGroup:
    """Scope score, flags with what to check, and what was mended while reading."""
    analysis = context.analysis
    score = [] if analysis.scope_score is None else [number(SCOPE_SCORE, round(analysis.scope_score, 4), NO_UNIT)]
    group = _plain_group(context, "Quality", score)
    flags = [
        code_item(QUALITY_FLAG, private(_short(flag.code), flag.code.replace("_", " ")[:64]), f"{flag.text}. {flag.check}")
        for flag in analysis.flags
    ]
    group[0].ContentSequence.extend([*flags, *(text_item(INPUT_NOTE, warning) for warning in analysis.study.warnings)])
    return group


def _short(code: str) -> str:
    """A flag's code as a code value of at most 16 characters: longer ones keep their start, and a hash tells them apart."""
    name = code.upper()
    return name if len(name) <= 16 else f"{name[:9]}_{stable_uid('flag', code)[-6:]}"


def _algorithm(analysis: Analysis) -> AlgorithmIdentification:
    return AlgorithmIdentification(
        analysis.model.name,
        f"{analysis.model.version} (CardiacMTL {__version__})",
        [f"weights_sha256={analysis.model.sha256}"],
        codes.DCM.ArtificialIntelligence,
        MANUFACTURER,
    )
