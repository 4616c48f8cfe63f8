"""What a path can be, ED and ES files, and input that cannot be used."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.reading import read_phases, read_study
from CardiacMTLLib.volume import Patient

VOXELS = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def stack(path: Path, voxels: np.ndarray = VOXELS, origin: float = 0.0, spacing: float = 1.4) -> Path:
    image = sitk.GetImageFromArray(voxels, isVector=False)
    image.SetSpacing((spacing, 1.4, 8.0, 0.04)[: voxels.ndim])
    image.SetOrigin((origin, 0.0, 0.0, 0.0)[: voxels.ndim])
    sitk.WriteImage(image, str(path))
    return path


def test_two_phase_files_become_frames_zero_and_one(tmp_path: Path) -> None:
    ed, es = stack(tmp_path / "ed.nii.gz"), stack(tmp_path / "es.nrrd", (VOXELS + 7).astype(np.float32))
    study = read_phases(ed, es, patient=Patient(height_cm=180.0))
    assert (study.frames == np.stack([VOXELS, VOXELS + 7])).all()
    assert (study.ed_frame, study.es_frame) == (0, 1)
    assert study.patient == Patient(height_cm=180.0)


OTHER_GRIDS = {
    "more slices": {"voxels": np.zeros((5, 5, 6), np.int16)},
    "another place": {"origin": 3.0},
    "another spacing": {"spacing": 1.5},
}


@pytest.mark.parametrize("other", OTHER_GRIDS.values(), ids=OTHER_GRIDS.keys())
def test_phases_on_different_grids_are_refused_in_one_line_that_shows_both(other: dict[str, object], tmp_path: Path) -> None:
    ed, es = stack(tmp_path / "ed.nrrd"), stack(tmp_path / "es.nrrd", **other)
    with pytest.raises(InputError, match="ED and ES lie on different grids") as caught:
        read_phases(ed, es)
    message = str(caught.value)
    assert "\n" not in message
    assert "6 x 5 x 4 voxels of 1.4 x 1.4 x 8 mm" in message
    assert all(str(path) in message for path in (ed, es))


def test_a_cine_given_as_a_phase_is_refused(tmp_path: Path) -> None:
    ed, cine = stack(tmp_path / "ed.nrrd"), stack(tmp_path / "cine.nrrd", np.stack([VOXELS] * 3))
    with pytest.raises(InputError, match="has 3 frames; expected the single frame of one phase"):
        read_phases(ed, cine)


def test_one_frame_is_a_study_of_one_frame(tmp_path: Path) -> None:
    study = read_study(stack(tmp_path / "one.nii.gz"), ed_frame=0)
    assert study.frames.shape == (1, 4, 5, 6)
    assert (study.ed_frame, study.es_frame) == (0, None)


@pytest.mark.parametrize("frames", [{"ed_frame": 3}, {"es_frame": -1}])
def test_a_given_frame_outside_the_cine_is_refused(frames: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has 3; correct the frame number"):
        read_study(stack(tmp_path / "cine.nrrd", np.stack([VOXELS] * 3)), **frames)


def test_one_frame_given_for_both_phases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="both frame 2"):
        read_study(stack(tmp_path / "cine.nrrd", np.stack([VOXELS] * 3)), ed_frame=1, es_frame=1)


@pytest.mark.parametrize("name", ["missing.nii.gz", "missing_folder"])
def test_a_missing_path_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"{name} does not exist"):
        read_study(tmp_path / name)
    with pytest.raises(InputError, match=f"{name} does not exist"):
        read_phases(tmp_path / name, tmp_path / name)


@pytest.mark.parametrize("name", ["scan.dcm", "picture.png", "notes.txt", "nii"])
def test_a_file_of_another_kind_is_refused_with_the_kinds_that_are_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(InputError, match=r"expected DICOM, or a name ending in \.nii, \.nii\.gz, \.nrrd"):
        read_study(tmp_path / name)


def test_a_folder_of_no_known_kind_is_refused_with_those_that_are_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("something else")
    with pytest.raises(InputError, match=r"without DICOM files; expected an ACDC patient folder, a DICOM folder or an image"):
        read_study(tmp_path)


def test_a_folder_named_like_an_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.nii.gz").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        read_study(tmp_path / "study.nii.gz")
    with pytest.raises(InputError, match="not an image file"):
        read_phases(tmp_path / "study.nii.gz", tmp_path / "study.nii.gz")


@pytest.mark.parametrize("name", ["Łukasz Ångström 心臓/ciné ❤ (1).nii.gz", "a b/c d.seq.nrrd", "ünï/x.mha", "UPPER.NII.GZ"])
def test_any_letters_and_spaces_in_a_path_are_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    plain = "plain.nii.gz" if name.lower().endswith(".gz") else f"plain{path.suffix}"
    stack(tmp_path / plain).rename(path)
    assert (read_study(path).frames[0] == VOXELS).all()


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_reading_leaves_the_file_and_its_folder_alone(suffix: str, tmp_path: Path) -> None:
    path = stack(tmp_path / f"image{suffix}")
    before = path.read_bytes()
    read_study(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
