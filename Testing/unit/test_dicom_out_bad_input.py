"""What cannot become DICOM is refused in one line, and nothing is left behind."""

import shutil
import sys
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from CardiacMTLLib.errors import InputError, MissingPackageError, OutputError, UsageError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.report.dicom.sources import read_sources
from CardiacMTLLib.report.dicom.write import check_dicom_out, write_dicom
from CardiacMTLLib.volume import CineStudy
from Testing.unit.analyses import analysis_of
from Testing.unit.dicom_out import analysis_from, source_of

FRAMES = {Phase.ED: 0, Phase.ES: 3}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """An analysis whose source no test changes."""
    return analysis_from(source_of(tmp_path_factory.mktemp("kept") / "source", "GE"))


@pytest.fixture
def analysis(kept, tmp_path):
    """The same with a source of its own."""
    shutil.copytree(kept.study.source.folder, tmp_path / "source")
    return with_source(kept, folder=tmp_path / "source")


def refused(analysis, out, match):
    with pytest.raises(InputError, match=match) as caught:
        write_dicom(analysis, out)
    assert len(str(caught.value).splitlines()) == 1
    assert not out.exists()


def with_source(analysis, **changes):
    return replace(analysis, study=replace(analysis.study, source=replace(analysis.study.source, **changes)))


def first_file(analysis):
    source = analysis.study.source
    return source.folder / source.frames[0][2].file


def change(path, **values):
    data = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(data, keyword, value)
    data.save_as(path)


def test_a_study_that_is_not_dicom_is_refused_with_what_to_do(tmp_path):
    refused(analysis_of(), tmp_path / "out", "not read from DICOM.* --dicom-template")


def test_a_dicom_study_with_a_template_is_refused(kept, tmp_path):
    for refuse in (lambda: check_dicom_out(kept.study, tmp_path), lambda: write_dicom(kept, tmp_path / "o", template=tmp_path)):
        with pytest.raises(UsageError, match="a study that is DICOM itself"):
            refuse()
    assert not (tmp_path / "o").exists()


def test_source_images_that_moved_are_refused(analysis, tmp_path):
    shutil.move(tmp_path / "source", tmp_path / "elsewhere")
    refused(analysis, tmp_path / "out", "can no longer be read where the study was read from.*run the study again")


def test_a_source_folder_that_is_named_anew_is_followed(analysis, tmp_path):
    shutil.move(tmp_path / "source", tmp_path / "elsewhere")
    assert write_dicom(with_source(analysis, folder=tmp_path / "elsewhere"), tmp_path / "out").names


@pytest.mark.parametrize(
    "values",
    [
        {"SOPInstanceUID": "2.25.1"},
        {"StudyInstanceUID": "2.25.1"},
        {"ImagePositionPatient": [0, 0, 0]},
        {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
        {"PixelSpacing": [1, 1]},
        {"PixelSpacing": None},
        {"Rows": 12},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_source_image_that_changed_is_refused(analysis, tmp_path, values):
    change(first_file(analysis), **values)
    refused(analysis, tmp_path / "out", "not the one that was analysed any more")


def test_a_source_file_that_is_no_dicom_any_more_is_refused(analysis, tmp_path):
    first_file(analysis).write_bytes(b"")
    refused(analysis, tmp_path / "out", "not the one that was analysed any more")


def test_a_stack_that_names_fewer_images_is_refused(kept, tmp_path):
    frames = tuple(phase[1:] for phase in kept.study.source.frames)
    refused(with_source(kept, frames=frames), tmp_path / "out", "not the one that was analysed any more")


def test_a_multi_frame_file_that_lost_its_frames_is_refused(tmp_path):
    analysis = analysis_from(source_of(tmp_path, "enhanced"))
    change(tmp_path / "enhanced.dcm", PerFrameFunctionalGroupsSequence=[])
    refused(analysis, tmp_path / "out", "not the one that was analysed any more")


@pytest.mark.parametrize("lacking", ["study_uid", "sop_instance_uid", "series_uid", "sop_class_uid"])
def test_images_without_uids_cannot_be_referred_to(kept, tmp_path, lacking):
    if lacking == "study_uid":
        changed = with_source(kept, study_uid="")
    else:
        frames = tuple(tuple(replace(frame, **{lacking: ""}) for frame in phase) for phase in kept.study.source.frames)
        changed = with_source(kept, frames=frames)
    refused(changed, tmp_path / "out", "lack UIDs")


def test_images_without_a_common_frame_of_reference_get_one_that_stays(kept):
    lost = with_source(kept, frame_of_reference_uid="").study
    first, second = (read_sources(lost, FRAMES) for _ in range(2))
    assert first.frame_of_reference_uid.startswith("2.25.")
    assert first.frame_of_reference_uid == second.frame_of_reference_uid
    assert "do not share a frame of reference" in first.notes[0]
    assert read_sources(kept.study, FRAMES).notes == ()


def test_slices_that_are_stored_the_other_way_round_are_found(kept):
    study: CineStudy = kept.study
    sources = read_sources(study, FRAMES)
    listed = [piece.frame for piece in sources.slices[Phase.ED]]
    expected = study.source.frames[0]
    assert listed == list(expected[::-1] if study.stored.order.flips[2] else expected)
    mask = np.arange(study.frames[0].size, dtype=np.uint8).reshape(study.geometry.shape_zyx)
    assert np.array_equal(sources.in_image_axes(mask), study.in_file_axes(mask))


def test_a_folder_that_cannot_be_written_is_refused(kept, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="is a file; expected an output folder"):
        write_dicom(kept, tmp_path / "file" / "out")


def test_a_write_that_fails_leaves_the_folder_as_it_was(kept, tmp_path, monkeypatch):
    out = tmp_path / "out"
    write_dicom(kept, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pydicom.Dataset, "save_as", full)
    with pytest.raises(OutputError, match="No space left"):
        write_dicom(kept, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_missing_package_is_named_before_and_at_the_writing(kept, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(MissingPackageError, match=r"needs the package highdicom.*install highdicom"):
        write_dicom(kept, tmp_path / "out")
    with pytest.raises(MissingPackageError, match="highdicom"):
        check_dicom_out(kept.study, None)
    assert not (tmp_path / "out").exists()
