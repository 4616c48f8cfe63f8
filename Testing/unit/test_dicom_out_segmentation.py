"""DICOM segmentations as highdicom reads them back."""

from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from CardiacMTLLib.analysis import QualityFlag
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.report.dicom.write import write_dicom
from CardiacMTLLib.terms import structure_terms
from Testing.unit.dicom_out import LABELS, analysis_from, mask_in, source_of

KINDS = ["Siemens", "GE big endian", "enhanced"]
FILES = {Phase.ED: "segmentation_ed.dcm", Phase.ES: "segmentation_es.dcm"}
NAMES = ("segmentation_ed.dcm", "segmentation_es.dcm", "measurements_sr.dcm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("dicom_out")


@pytest.fixture(scope="module")
def analysis(folder):
    return analysis_from(source_of(folder / "source", "Siemens"))


@pytest.fixture(scope="module")
def files(analysis, folder):
    return write_dicom(analysis, folder / "out")


def identity(data: pydicom.Dataset) -> tuple[str, str]:
    return data.SOPInstanceUID, data.SeriesInstanceUID


def uids(written: Path) -> list[tuple[str, str]]:
    return [identity(pydicom.dcmread(written / name)) for name in NAMES]


@pytest.mark.parametrize("kind", KINDS)
def test_masks_come_back_bit_by_bit_where_the_images_lie(kind, tmp_path):
    analysis = analysis_from(source_of(tmp_path / "source", kind))
    assert write_dicom(analysis, tmp_path / "out").names == NAMES
    for phase, name in FILES.items():
        path = tmp_path / "out" / name
        expected = analysis.study.in_file_axes(analysis.masks[phase])
        assert np.array_equal(mask_in(path, analysis.study.stored.geometry), expected)
        assert pydicom.dcmread(path).FrameOfReferenceUID == analysis.study.source.frame_of_reference_uid


@pytest.mark.parametrize("kind", ["Siemens", "enhanced"])
def test_every_frame_refers_to_the_image_in_its_place(kind, tmp_path):
    analysis = analysis_from(source_of(tmp_path / "source", kind))
    write_dicom(analysis, tmp_path / "out")
    data = pydicom.dcmread(tmp_path / "out" / FILES[Phase.ES])
    source = analysis.study.source
    places = {}
    for z, frame in enumerate(source.frames[3]):
        place = analysis.study.geometry.index_to_lps @ [0, 0, z, 1]
        places[frame.sop_instance_uid, frame.frame_number] = place[:3]
    expected_rows = analysis.study.geometry.direction_matrix
    assert len(data.PerFrameFunctionalGroupsSequence) == 9
    for groups in data.PerFrameFunctionalGroupsSequence:
        (image,) = groups.DerivationImageSequence[0].SourceImageSequence
        place = places[image.ReferencedSOPInstanceUID, image.get("ReferencedFrameNumber")]
        apart = np.array(groups.PlanePositionSequence[0].ImagePositionPatient) - place
        assert abs(apart @ expected_rows[:, 2]) < 1e-3
    named = {
        (series.SeriesInstanceUID, item.ReferencedSOPInstanceUID)
        for series in data.ReferencedSeriesSequence
        for item in series.ReferencedInstanceSequence
    }
    assert named == {(frame.series_uid, frame.sop_instance_uid) for frame in source.frames[3]}
    assert {item.ReferencedSOPInstanceUID for item in data.SourceImageSequence} == {uid for _, uid in named}


def test_segments_carry_the_codes_and_names_of_the_terminology(files):
    data = highdicom.seg.segread(files.paths[0])
    assert data.SegmentationType == "BINARY"
    for number, label in enumerate(LABELS, start=1):
        term, described = structure_terms()[label], data.get_segment_description(number)
        assert described.segment_label == term.name
        for code, expected in (
            (described.segmented_property_type, term.kind),
            (described.segmented_property_category, term.category),
        ):
            assert (code.scheme_designator, code.value, code.meaning) == (expected.scheme, expected.value, expected.meaning)


def test_segments_say_which_model_and_software_drew_them(analysis, files):
    described = highdicom.seg.segread(files.paths[0]).get_segment_description(1)
    (algorithm,) = described.algorithm_identification
    assert described.algorithm_type.value == "AUTOMATIC"
    assert algorithm.AlgorithmName == analysis.model.name
    assert algorithm.AlgorithmVersion.startswith("1.2.0 (CardiacMTL ")
    assert analysis.model.sha256 in algorithm.AlgorithmParameters
    assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"


def test_writing_the_same_again_gives_the_same_objects_but_for_the_times(analysis, files, tmp_path):
    write_dicom(analysis, tmp_path / "again")
    assert uids(tmp_path / "again") == uids(files.folder)
    for name in NAMES:
        first, second = (pydicom.dcmread(folder / name) for folder in (files.folder, tmp_path / "again"))
        for data in (first, second):
            for keyword in ("ContentDate", "ContentTime", "InstanceCreationDate", "InstanceCreationTime"):
                delattr(data, keyword)
            del data.ContributingEquipmentSequence[0].ContributionDateTime
        assert first == second


def test_a_corrected_mask_is_a_new_object_of_the_same_structures_and_says_so(analysis, files, tmp_path):
    mask = analysis.masks[Phase.ED].copy()
    mask[2, 12, 20] = Label.MYOCARDIUM
    flags = (QualityFlag("corrected_ed", "the mask of ED was corrected by hand", "Compare."),)
    corrected = replace(analysis, masks={**analysis.masks, Phase.ED: mask}, flags=flags)
    write_dicom(corrected, tmp_path / "out")
    new, old = uids(tmp_path / "out"), uids(files.folder)
    assert new[0] != old[0]
    assert new[1] == old[1]
    assert new[2] != old[2]
    before, after = (highdicom.seg.segread(folder / NAMES[0]) for folder in (files.folder, tmp_path / "out"))
    assert [after.get_segment_description(n).tracking_uid for n in (1, 2, 3)] == [
        before.get_segment_description(n).tracking_uid for n in (1, 2, 3)
    ]
    assert after.get_segment_description(1).algorithm_type.value == "SEMIAUTOMATIC"
    es = highdicom.seg.segread(tmp_path / "out" / NAMES[1])
    assert es.get_segment_description(1).algorithm_type.value == "AUTOMATIC"


def test_other_weights_give_other_uids(analysis, files, tmp_path):
    write_dicom(replace(analysis, model=replace(analysis.model, sha256="f" * 64)), tmp_path / "weights")
    assert not set(uids(tmp_path / "weights")) & set(uids(files.folder))


def test_an_empty_structure_has_no_segment_and_the_others_keep_their_codes(analysis, tmp_path):
    mask = analysis.masks[Phase.ES].copy()
    mask[mask == Label.RV] = Label.BACKGROUND
    files = write_dicom(replace(analysis, masks={**analysis.masks, Phase.ES: mask}), tmp_path / "out")
    assert files.notes == ("RV cavity has no segment at ES: its mask is empty",)
    data = highdicom.seg.segread(tmp_path / "out" / FILES[Phase.ES])
    assert [data.get_segment_description(n).segment_label for n in data.segment_numbers] == ["LV myocardium", "LV cavity"]
    report = pydicom.dcmread(tmp_path / "out" / NAMES[2])
    groups = report.ContentSequence[-1].ContentSequence
    referenced = {
        group.ContentSequence[0].TextValue: item.ReferencedSOPSequence[0].ReferencedSegmentNumber
        for group in groups
        for item in group.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == "121191"
    }
    assert referenced == {
        "ED RV cavity": 1, "ED LV myocardium": 2, "ED LV cavity": 3, "ES LV myocardium": 1, "ES LV cavity": 2
    }  # fmt: skip


def test_a_phase_without_any_structure_has_no_segmentation(analysis, tmp_path):
    empty = np.zeros_like(analysis.masks[Phase.ES])
    files = write_dicom(replace(analysis, masks={**analysis.masks, Phase.ES: empty}), tmp_path / "out")
    assert files.names == (NAMES[0], NAMES[2])
    assert files.notes == ("segmentation_es.dcm is left out: ES has an empty mask",)


def test_a_single_phase_gives_a_single_segmentation(analysis, tmp_path):
    alone = replace(analysis, masks={Phase.ED: analysis.masks[Phase.ED]}, frames={Phase.ED: 0})
    files = write_dicom(alone, tmp_path / "out")
    assert files.names == (NAMES[0], NAMES[2])
    assert files.notes == ("segmentation_es.dcm is left out: ES was not segmented",)


def test_older_results_go_and_foreign_files_stay(analysis, tmp_path):
    out = tmp_path / "out"
    write_dicom(analysis, out)
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    write_dicom(replace(analysis, masks={Phase.ED: analysis.masks[Phase.ED]}), out)
    assert sorted(path.name for path in out.iterdir()) == ["measurements_sr.dcm", "notes.txt", "segmentation_ed.dcm"]
