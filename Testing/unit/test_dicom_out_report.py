"""The structured report: every number of the table with its code, what has no value with its reason, pattern and quality."""

from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from pydicom.sr import _concepts_dict

from CardiacMTLLib.analysis import QualityFlag
from CardiacMTLLib.diagnosis.diagnosis import MEANING, RESEARCH_USE, Diagnosis
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.segments import PLACES
from CardiacMTLLib.report.dicom.codes import MEASUREMENT_CODES, SEGMENT_SITES, WALL_THICKENING, WALL_THICKNESS, Part
from CardiacMTLLib.report.dicom.concepts import PRIVATE_SCHEME, UNITS
from CardiacMTLLib.report.dicom.segmentation import tracking_name
from CardiacMTLLib.report.dicom.write import SR_FILE, write_dicom
from Testing.unit.analyses import PROBABILITIES
from Testing.unit.dicom_out import all_items, analysis_from, content_of, numbers_of, source_of, texts_of


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    return analysis_from(source_of(tmp_path_factory.mktemp("source") / "source", "GE"))


@pytest.fixture(scope="module")
def report(analysis, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    write_dicom(analysis, folder)
    return folder / SR_FILE


@pytest.fixture
def written(tmp_path):
    def write(analysis):
        write_dicom(analysis, tmp_path / "out")
        return tmp_path / "out" / SR_FILE

    return write


def group_name(place):
    """The title of a group in the report."""
    return place.value if isinstance(place, Part) else tracking_name(place[1], place[0])


def test_every_measurement_has_a_code_and_every_unit_a_unit_code(analysis):
    assert list(MEASUREMENT_CODES) == list(analysis.measurements)
    assert {measurement.unit for measurement in analysis.measurements.values()} <= set(UNITS)


def test_no_two_measurements_can_be_taken_for_each_other():
    keys = [(code.concept, code.place, code.derivation) for code in MEASUREMENT_CODES.values()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("name", MEASUREMENT_CODES)
def test_a_measurement_without_a_standard_code_is_clearly_private_and_all_fit_the_standard(name):
    concept = MEASUREMENT_CODES[name].concept
    assert len(concept.value) <= 16
    assert len(concept.meaning) <= 64
    if concept.scheme == PRIVATE_SCHEME:
        assert concept.scheme.startswith("99")
    else:
        known = {
            (value, meaning)
            for codes in _concepts_dict.concepts[concept.scheme].values()
            for value, (meaning, _) in codes.items()
        }
        assert (concept.value, concept.meaning) in known


def test_segments_of_the_wall_have_the_sites_of_the_standard():
    known = {
        (value, meaning)
        for codes in _concepts_dict.concepts["SCT"].values()
        for value, (meaning, groups) in codes.items()
        if 3717 in groups
    }
    assert {(site.value, site.meaning) for site in SEGMENT_SITES.values()} <= known
    for place in PLACES:
        assert place.name in SEGMENT_SITES[place.number].meaning


def test_the_report_holds_every_number_of_the_table(analysis, report):
    numbers = numbers_of(report)
    for name, measurement in analysis.measurements.items():
        concept = MEASUREMENT_CODES[name].concept
        values = numbers.get((concept.scheme, concept.value), [])
        if measurement.value is not None:
            assert (round(measurement.value, 3), UNITS[measurement.unit].value) in values, name
    assert sum(measurement.value is not None for measurement in analysis.measurements.values()) > 20


def test_wall_segments_stand_with_their_sites(analysis, report):
    wall = analysis.segments.segments
    items = [item for item in all_items(pydicom.dcmread(report)) if item.get("ValueType") == "NUM"]
    found = {}
    for item in items:
        concept = item.ConceptNameCodeSequence[0].CodeValue
        if concept in (WALL_THICKNESS.value, WALL_THICKENING.value):
            modifiers = {
                modifier.ConceptNameCodeSequence[0].CodeValue: modifier.ConceptCodeSequence[0].CodeValue
                for modifier in item.ContentSequence
            }
            key = (concept, modifiers.get("363698007"), modifiers.get("272518008"), modifiers.get("121401"))
            assert key not in found
            found[key] = float(item.MeasuredValueSequence[0].NumericValue)
    for segment in wall:
        site = SEGMENT_SITES[segment.number].value
        for concept, point, measured in (
            (WALL_THICKNESS, "416190007", segment.ed_mm),
            (WALL_THICKNESS, "416430001", segment.es_mm),
            (WALL_THICKENING, None, segment.thickening_percent),
        ):
            value = found.get((concept.value, site, point, None))
            assert value == (None if measured.value is None else pytest.approx(measured.value, abs=6e-4))
    assert any(segment.ed_mm.value is not None for segment in wall)


def test_a_number_that_is_not_defined_is_left_out_with_its_reason(analysis, written):
    undefined = Measurement(None, "mL", "the RV \u2013 or what is left of it \u2013 was not found")
    measurements = {**analysis.measurements, "rv_esv_ml": undefined}
    report = written(replace(analysis, measurements=measurements, segments=None))
    assert ("LN", "8824-5") not in numbers_of(report)
    assert "NOT_MEASURED: RV end-systolic volume: the RV - or what is left of it - was not found" in texts_of(report)


def test_wall_segments_that_are_not_defined_share_a_sentence(analysis, written):
    segments = tuple(
        replace(segment, ed_mm=Measurement(None, "mm", "no wall")) if segment.number in (3, 5) else segment
        for segment in analysis.segments.segments
    )
    report = written(replace(analysis, segments=replace(analysis.segments, segments=segments)))
    assert "NOT_MEASURED: Wall Thickness of AHA segment 3, 5: no wall" in texts_of(report)


def test_groups_refer_to_their_segments_and_to_the_images_behind_them(analysis, report):
    content = content_of(report).content
    groups = content.get_volumetric_roi_measurement_groups()
    assert len(groups) == 6
    files = {phase: pydicom.dcmread(report.parent / f"segmentation_{phase.lower()}.dcm") for phase in Phase}
    for group in groups:
        phase = Phase(group.tracking_identifier.split()[0])
        (segment,) = [s for s in files[phase].SegmentSequence if s.TrackingUID == group.tracking_uid]
        assert segment.TrackingID == group.tracking_identifier
        reference = group.referenced_segment[0]
        assert reference.referenced_sop_instance_uid == files[phase].SOPInstanceUID
        assert reference.referenced_segment_numbers == [segment.SegmentNumber]
        images = {item.referenced_sop_instance_uid for item in group.referenced_segment[1:]}
        assert images == {frame.sop_instance_uid for frame in analysis.study.source.frames[analysis.frames[phase]]}
        assert group.finding_type.value == segment.SegmentedPropertyTypeCodeSequence[0].CodeValue


def test_the_report_follows_the_template_and_names_its_device_and_scheme(analysis, report):
    data = content_of(report)
    assert data.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert (data.CompletionFlag, data.VerificationFlag, data.PreliminaryFlag) == ("COMPLETE", "UNVERIFIED", "PRELIMINARY")
    assert data.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == PRIVATE_SCHEME
    assert data.content.get_observer_contexts()
    assert {uid for *_, uid, _ in data.get_evidence()} >= {
        pydicom.dcmread(path).SOPInstanceUID for path in report.parent.glob("segmentation_*.dcm")
    }


def test_probabilities_the_pattern_its_meaning_and_the_intended_use_are_said(report):
    numbers = numbers_of(report)
    assert {group: numbers[PRIVATE_SCHEME, f"P_{group}"] for group in Group} == {
        group: [(share, "1")] for group, share in PROBABILITIES.items()
    }
    codes = {
        item.ConceptNameCodeSequence[0].CodeValue: item.ConceptCodeSequence[0].CodeValue
        for item in all_items(pydicom.dcmread(report))
        if item.get("ValueType") == "CODE"
    }
    assert codes["PATTERN"] == "GROUP_DCM"
    assert f"MEANING: {MEANING}" in texts_of(report)
    assert f"RESEARCH_USE: {RESEARCH_USE}" in texts_of(report)


def test_a_pattern_that_is_withheld_has_a_reason_and_no_code(analysis, written):
    report = written(replace(analysis, diagnosis=Diagnosis(None, None, "the images are out of scope")))
    assert "NO_PATTERN: the images are out of scope" in texts_of(report)
    assert not any(scheme == PRIVATE_SCHEME and value.startswith("P_") for scheme, value in numbers_of(report))


def test_quality_is_said_with_codes_sentences_and_scores(analysis, written):
    flags = (
        QualityFlag("edge", "the mask touches the border", "Look at it."),
        QualityFlag("slices_left_out_ed", "slices left out at ED: 1\u20132", "Compare."),
        QualityFlag("slices_left_out_es", "slices left out at ES: 3", "Compare."),
    )
    study = replace(analysis.study, warnings=("Left out as localisers: series 1.",))
    report = written(replace(analysis, flags=flags, study=study))
    codes = [
        item.ConceptCodeSequence[0]
        for item in all_items(pydicom.dcmread(report))
        if item.get("ValueType") == "CODE" and item.ConceptNameCodeSequence[0].CodeValue == "QUALITY_FLAG"
    ]
    assert [code.CodeMeaning for code in codes] == ["edge", "slices left out ed", "slices left out es"]
    assert codes[0].CodeValue == "EDGE"
    assert len({code.CodeValue for code in codes}) == 3
    assert all(len(code.CodeValue) <= 16 for code in codes)
    texts = texts_of(report)
    assert "121106: slices left out at ED: 1-2. Compare." in texts
    assert "INPUT_NOTE: Left out as localisers: series 1." in texts
    assert numbers_of(report)[PRIVATE_SCHEME, "SCOPE_SCORE"] == [(0.75, "1")]
    assert numbers_of(report)[PRIVATE_SCHEME, "PREDICTED_DICE"] == [(0.9, "1")] * 6


def test_scores_that_are_not_known_are_left_out(analysis, written):
    numbers = numbers_of(written(replace(analysis, scope_score=None, predicted_dice=None)))
    assert not {(PRIVATE_SCHEME, "SCOPE_SCORE"), (PRIVATE_SCHEME, "PREDICTED_DICE")} & set(numbers)


def test_the_predicted_quality_of_a_corrected_mask_is_left_out(analysis, written):
    kept = {key: value for key, value in analysis.predicted_dice.items() if key.endswith("ES")}
    assert numbers_of(written(replace(analysis, predicted_dice=kept)))[PRIVATE_SCHEME, "PREDICTED_DICE"] == [(0.9, "1")] * 3


def test_the_documentation_lists_every_code():
    page = (Path(__file__).resolve().parents[2] / "docs" / "dicom-out.md").read_text(encoding="utf-8")
    listed = [line for line in page.splitlines() if line.startswith("| `") and line.count("|") == 6]
    assert listed == [
        f"| `{name}` | {code.concept.scheme} | {code.concept.value} | {code.concept.meaning} | {group_name(code.place)} |"
        for name, code in MEASUREMENT_CODES.items()
    ]
