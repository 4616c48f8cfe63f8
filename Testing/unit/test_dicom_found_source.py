"""The source of a study found again from files: each image at its slice and its time, or a reason why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.geometry import AxisOrder
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.report.dicom.found_source import source_of_files
from CardiacMTLLib.report.identity import read_identity
from CardiacMTLLib.source import DicomSource
from CardiacMTLLib.volume import CineStudy
from Testing.dicom_fixtures import write_classic, write_enhanced


@pytest.fixture(scope="module", params=["Siemens", "Philips", "enhanced"])
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CineStudy:
    folder = tmp_path_factory.mktemp("source")
    path = write_enhanced(folder / "enhanced.dcm") if request.param == "enhanced" else write_classic(folder, request.param)
    return read_study(path)


@pytest.fixture(scope="module")
def siemens(tmp_path_factory: pytest.TempPathFactory) -> CineStudy:
    return read_study(write_classic(tmp_path_factory.mktemp("source"), "Siemens"))


def known(study: CineStudy) -> DicomSource:
    assert study.source is not None
    return study.source


def paths(study: CineStudy, t: int) -> list[Path]:
    return [known(study).folder / frame.file for frame in known(study).frames[t]]


def named(source: DicomSource, t: int) -> list[tuple[str, str, str, int | None]]:
    return [(frame.sop_class_uid, frame.sop_instance_uid, frame.series_uid, frame.frame_number) for frame in source.frames[t]]


def test_frames_are_those_that_the_reader_found_however_the_files_are_listed(study: CineStudy) -> None:
    everything = [path for t in range(len(study.frames)) for path in paths(study, t)]
    for listed in ({0: paths(study, 0)[::-1], 3: paths(study, 3)}, {0: everything, 3: everything[::-1]}):
        found = source_of_files(study, listed)
        for t in (0, 3):
            assert named(found, t) == named(known(study), t)
        assert found.frames[1] == ()
        assert (found.study_uid, found.frame_of_reference_uid) == (
            known(study).study_uid,
            known(study).frame_of_reference_uid,
        )


def test_the_patient_is_read_from_the_first_frame_that_is_known(siemens: CineStudy) -> None:
    found = source_of_files(siemens, {3: paths(siemens, 3)})
    assert read_identity(found) == read_identity(siemens.source)
    assert read_identity(found).name == "Doe, Jane"


def test_a_missing_slice_and_two_at_one_place_are_refused(siemens: CineStudy) -> None:
    with pytest.raises(InputError, match="of the DICOM images 0 lie at slice"):
        source_of_files(siemens, {0: paths(siemens, 0)[1:]})
    with pytest.raises(InputError, match="of the DICOM images 2 lie at slice 1 of frame 1"):
        source_of_files(siemens, {0: [*paths(siemens, 0), *paths(siemens, 1)]})


def changed(path: Path, target: Path, **elements: object) -> Path:
    data = pydicom.dcmread(path)
    for keyword, value in elements.items():
        setattr(data, keyword, value)
    data.save_as(target)
    return target


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"ImagePositionPatient": None}, "of the DICOM images 0 lie"),
        ({"ImagePositionPatient": [500.0, 0.0, 0.0]}, "of the DICOM images 0 lie"),
        ({"StudyInstanceUID": "1.2.3"}, "belong to 2 DICOM studies"),
    ],
)
def test_an_image_elsewhere_or_of_another_study_is_refused(
    elements: dict[str, object], words: str, siemens: CineStudy, tmp_path: Path
) -> None:
    first, *others = paths(siemens, 0)
    with pytest.raises(InputError, match=words):
        source_of_files(siemens, {0: [changed(first, tmp_path / "changed.dcm", **elements), *others]})


def test_images_without_one_frame_of_reference_have_none(siemens: CineStudy, tmp_path: Path) -> None:
    first, *others = paths(siemens, 0)
    other = changed(first, tmp_path / "changed.dcm", FrameOfReferenceUID="1.2.3")
    assert source_of_files(siemens, {0: [other, *others]}).frame_of_reference_uid == ""


def test_a_file_that_is_gone_and_slices_along_another_axis_are_refused(siemens: CineStudy, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read any more"):
        source_of_files(siemens, {0: [tmp_path / "gone.dcm"]})
    turned = replace(siemens, stored=replace(siemens.stored, order=AxisOrder((2, 1, 0))))
    with pytest.raises(InputError, match="do not lie along the third axis"):
        source_of_files(turned, {0: paths(siemens, 0)})
