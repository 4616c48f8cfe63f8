import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.errors import OutputError
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.report.segmentation_file import write_mask
from CardiacMTLLib.volume import CineStudy

CINE = np.random.default_rng(2).integers(0, 4, (3, 4, 5, 6)).astype(np.int16)


def rotation(seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]


def study_file(path: Path, direction: np.ndarray, voxels: np.ndarray = CINE) -> Path:
    matrix = np.eye(voxels.ndim)
    matrix[:3, :3] = direction
    image = sitk.GetImageFromArray(voxels, isVector=False)
    image.SetSpacing((1.234567, 1.4, 8.8, 0.037)[: voxels.ndim])
    image.SetOrigin((-123.456, 78.9, 12.3, 0.25)[: voxels.ndim])
    image.SetDirection(matrix.ravel())
    sitk.WriteImage(image, str(path))
    return path


def geometry_of(path: Path) -> tuple[tuple[float, ...], ...]:
    image = sitk.ReadImage(str(path))
    return image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()


def labels(study: CineStudy) -> np.ndarray:
    return study.frames.astype(np.uint8)


@pytest.mark.robustness(6)
@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("hand", [1, -1])
def test_a_mask_of_a_nifti_cine_has_the_very_geometry_of_its_file(seed: int, hand: int, tmp_path: Path) -> None:
    path = study_file(tmp_path / "cine.nii.gz", rotation(seed) * [1, 1, hand])
    study = read_study(path)
    write_mask(labels(study), study, tmp_path / "mask.nii.gz")
    assert geometry_of(tmp_path / "mask.nii.gz") == geometry_of(path)
    assert (sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "mask.nii.gz"))) == CINE).all()


@pytest.mark.robustness(6)
@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_a_mask_of_another_format_has_its_files_geometry_in_single_precision(suffix: str, tmp_path: Path) -> None:
    path = study_file(tmp_path / f"cine{suffix}", rotation(1) * [1, 1, -1])
    study = read_study(path)
    write_mask(labels(study), study, tmp_path / "mask.nii.gz")
    for written, stored in zip(geometry_of(tmp_path / "mask.nii.gz"), geometry_of(path), strict=True):
        np.testing.assert_allclose(written, stored, rtol=1e-7, atol=1e-7)


def test_a_mask_of_one_frame_has_the_spatial_geometry_of_the_cine(tmp_path: Path) -> None:
    path = study_file(tmp_path / "cine.nii.gz", rotation(3))
    study = read_study(path)
    write_mask(labels(study)[1], study, tmp_path / "mask.nii.gz")
    size, spacing, origin, direction = geometry_of(path)
    spatial = tuple(np.reshape(direction, (4, 4))[:3, :3].ravel().tolist())
    assert geometry_of(tmp_path / "mask.nii.gz") == (size[:3], spacing[:3], origin[:3], spatial)
    assert (sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "mask.nii.gz"))) == CINE[1]).all()


def test_readers_that_know_only_the_sform_or_only_the_qform_see_the_true_spacing(tmp_path: Path) -> None:
    study = read_study(study_file(tmp_path / "cine.nii.gz", rotation(4)))
    write_mask(labels(study), study, tmp_path / "mask.nii")
    raw = (tmp_path / "mask.nii").read_bytes()
    sform = np.frombuffer(raw, "=f4", 12, 280).reshape(3, 4)
    np.testing.assert_allclose(np.linalg.norm(sform[:, :3], axis=0), study.stored.geometry.spacing_xyz_mm, rtol=1e-6)
    assert np.frombuffer(raw, "=i2", 2, 252).tolist() == [1, 1]


def test_a_mask_is_written_as_bytes_and_always_alike(tmp_path: Path) -> None:
    study = read_study(study_file(tmp_path / "cine.nii.gz", rotation(4)))
    for name in ("one.nii.gz", "two.nii.gz"):
        write_mask(labels(study), study, tmp_path / name)
    assert sitk.ReadImage(str(tmp_path / "one.nii.gz")).GetPixelID() == sitk.sitkUInt8
    content = (tmp_path / "one.nii.gz").read_bytes()
    assert content == (tmp_path / "two.nii.gz").read_bytes()
    assert content[4:8] == bytes(4), "the time of writing"


@pytest.mark.parametrize("name", ["mask.nii", "mask.nii.gz", "Ångström ❤/心 臓.nii.gz"])
def test_a_written_mask_takes_the_place_of_an_older_one_and_leaves_nothing_else(name: str, tmp_path: Path) -> None:
    study = read_study(study_file(tmp_path / "cine.nii.gz", rotation(4)))
    folder = (tmp_path / "out" / name).parent
    folder.mkdir(parents=True)
    (tmp_path / "out" / name).write_bytes(b"older")
    write_mask(labels(study), study, tmp_path / "out" / name)
    assert (read_study(tmp_path / "out" / name, slice_spacing_mm=8.8).frames == study.frames).all()
    assert [path.name for path in folder.iterdir()] == [Path(name).name]


@pytest.mark.parametrize("name", ["missing/mask.nii.gz", "mask.nrrd", "file/mask.nii.gz", "folder.nii.gz"])
def test_a_mask_that_cannot_be_written_gives_one_line_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    study = read_study(study_file(tmp_path / "cine.nii.gz", rotation(4)))
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder.nii.gz").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match="expected") as caught:
        write_mask(labels(study), study, tmp_path / name)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("shape", [(5, 6), (2, 4, 5, 6), (4, 6, 5), (3, 4, 5, 6, 1)])
def test_a_mask_of_another_shape_is_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    study = read_study(study_file(tmp_path / "cine.nii.gz", np.eye(3)))
    with pytest.raises(OutputError, match=r"expected \(4, 5, 6\), or 3 of these"):
        write_mask(np.zeros(shape, np.uint8), study, tmp_path / "mask.nii.gz")


FULL_DISK = """
import resource, sys
from pathlib import Path
from CardiacMTLLib.errors import OutputError
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.report.segmentation_file import write_mask
study = read_study(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    write_mask(study.frames.astype("uint8"), study, Path(sys.argv[2]))
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize("room", [100, 600])
def test_a_full_disk_keeps_the_older_file_and_says_so(room: int, tmp_path: Path) -> None:
    pytest.importorskip("resource")
    path = study_file(tmp_path / "cine.nii.gz", np.eye(3))
    (tmp_path / "mask.nii.gz").write_bytes(b"older")
    command = [sys.executable, "-c", FULL_DISK, str(path), str(tmp_path / "mask.nii.gz"), str(room)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)})
    assert "could not be written" in done.stdout
    assert (tmp_path / "mask.nii.gz").read_bytes() == b"older"
    assert {file.name for file in tmp_path.iterdir()} == {"cine.nii.gz", "mask.nii.gz"}
