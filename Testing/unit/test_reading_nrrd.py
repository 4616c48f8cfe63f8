"""NRRD files, among them the sequences that Slicer saves."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.errors import CardiacMTLError, GeometryError
from CardiacMTLLib.reading import read_study

CINE = np.arange(4 * 3 * 5 * 6, dtype=np.int16).reshape(4, 3, 5, 6)
LPS = ("space: left-posterior-superior", "space origin: (10,20,30)")
AXES = "(1.5,0,0) (0,1.4,0) (0,0,8)"
LIST_LAST = (*LPS, "sizes: 6 5 3 4", f"space directions: {AXES} none", "kinds: domain domain domain list")
LIST_FIRST = (*LPS, "sizes: 4 6 5 3", f"space directions: none {AXES}", "kinds: list domain domain domain")


def nrrd(path: Path, voxels: np.ndarray, *lines: str) -> Path:
    kind = {"u1": "uint8", "i2": "int16", "f4": "float"}[voxels.dtype.str[1:]]
    head = ["NRRD0005", "encoding: raw", "endian: little", f"type: {kind}", f"dimension: {voxels.ndim}", *lines]
    path.write_bytes("\n".join([*head, "", ""]).encode() + voxels.tobytes())
    return path


@pytest.mark.parametrize("frames", [1, 3, 4])
@pytest.mark.parametrize("list_first", [True, False])
def test_a_sequence_saved_by_slicer_is_a_cine(list_first: bool, frames: int, tmp_path: Path) -> None:
    cine = CINE[:frames]
    voxels = np.ascontiguousarray(np.moveaxis(cine, 0, -1)) if list_first else cine
    lines = [line.replace("sizes: 4", f"sizes: {frames}").replace("3 4", f"3 {frames}") for line in LIST_FIRST + LIST_LAST]
    lines = lines[: len(LIST_FIRST)] if list_first else lines[len(LIST_FIRST) :]
    study = read_study(nrrd(tmp_path / "cine.seq.nrrd", voxels, *lines))
    assert (study.in_file_axes(study.frames) == cine).all()
    assert study.stored.geometry.spacing_xyz_mm == (1.5, 1.4, 8.0)
    assert study.stored.geometry.origin_xyz_mm == (10.0, 20.0, 30.0)


@pytest.mark.parametrize(("unit", "scale"), [("ms", 1.0), ("s", 0.001)])
def test_times_of_a_sequence_come_from_its_index(unit: str, scale: float, tmp_path: Path) -> None:
    values = " ".join(str(t * scale) for t in (0.0, 210.0, 420.0, 640.0))
    index = (f'units: "" "" "" "{unit}"', "axis 3 index type:=numeric", f"axis 3 index values:={values}")
    study = read_study(nrrd(tmp_path / "cine.seq.nrrd", CINE, *LIST_LAST, *index))
    np.testing.assert_allclose(study.frame_times_ms, (0.0, 210.0, 420.0, 640.0))


@pytest.mark.parametrize("values", ["0 1 2 3", "a b c d", "0 210 420", "0 420 210 640", "0 200 201 401"])
def test_an_index_that_is_no_time_gives_no_times(values: str, tmp_path: Path) -> None:
    index = ('units: "" "" "" "ms"', f"axis 3 index values:={values}")
    assert read_study(nrrd(tmp_path / "cine.seq.nrrd", CINE, *LIST_LAST, *index)).frame_times_ms is None


def test_frames_that_are_counted_and_not_timed_have_no_times(tmp_path: Path) -> None:
    study = read_study(nrrd(tmp_path / "cine.seq.nrrd", CINE, *LIST_LAST, "axis 3 index values:=0 210 420 640"))
    assert study.frame_times_ms is None


def test_another_space_of_the_file_is_turned_into_lps(tmp_path: Path) -> None:
    lines = ("space: right-anterior-superior", "space origin: (10,20,30)", "sizes: 6 5 3", f"space directions: {AXES}")
    stored = read_study(nrrd(tmp_path / "ras.nrrd", CINE[0], *lines)).stored.geometry
    assert stored.direction == (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
    assert stored.origin_xyz_mm == (-10.0, -20.0, 30.0)


BYTES = np.arange(3 * 5 * 6 * 3).astype(np.uint8).reshape(3, 5, 6, 3)
COLOURS = {
    kind: (BYTES, (*LPS, "sizes: 3 6 5 3", f"space directions: none {AXES}", f"kinds: {kind} domain domain domain"))
    for kind in ("RGB-color", "vector", "3-color")
}
REFUSED = {
    **{kind: (voxels, lines, "3 values a voxel") for kind, (voxels, lines) in COLOURS.items()},
    "2-D": (CINE[0, 0], ("sizes: 6 5",), "has 2 dimensions"),
    "5-D": (CINE[None], ("sizes: 6 5 3 4 1", "spacings: 1.5 1.4 8 1 1"), "has 5 dimensions"),
    "time first": (CINE, ("sizes: 6 5 3 4", "spacings: 1 8 8 8", "kinds: time domain domain domain"), "time before a spatial"),
    "cut short": (CINE[0, :2], ("sizes: 6 5 3", *LPS, f"space directions: {AXES}"), "cannot be read"),
    "NaN": (np.full((3, 5, 6), np.nan, np.float32), ("sizes: 6 5 3", "spacings: 1.5 1.4 8"), "90 voxels are NaN"),
    "slices drift in time": (
        CINE,
        (
            "space: left-posterior-superior-time",
            "sizes: 6 5 3 4",
            "space directions: (1.5,0,0,0) (0,1.4,0,0) (0,0,8,0) (1,0,0,40)",
        ),
        "time axis has a direction in space",
    ),
}


@pytest.mark.robustness(18)
@pytest.mark.parametrize(("voxels", "lines", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_cine_image_is_refused_in_one_line(
    voxels: np.ndarray, lines: tuple[str, ...], words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = nrrd(tmp_path / "image.nrrd", voxels, *lines)
    with pytest.raises(CardiacMTLError, match=words) as caught:
        read_study(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.robustness("3b")
@pytest.mark.parametrize("slant", ["0.00001", "0.001", "0.004"])
def test_directions_off_by_rounding_are_mended_with_a_warning(slant: str, tmp_path: Path) -> None:
    axes = f"(1.5,0,0) ({slant},1.4,0) (0,0,8)"
    study = read_study(nrrd(tmp_path / "rounded.nrrd", CINE[0], *LPS, "sizes: 6 5 3", f"space directions: {axes}"))
    assert "off right angles" in study.warnings[0]
    np.testing.assert_allclose(study.geometry.direction_matrix, np.eye(3), atol=0.003)


@pytest.mark.robustness(3)
def test_sheared_axes_are_refused_naming_the_angle(tmp_path: Path) -> None:
    axes = "(1.5,0,0) (0.3,1.4,0) (0,0,8)"
    with pytest.raises(GeometryError, match=r"77\.9 degrees apart"):
        read_study(nrrd(tmp_path / "sheared.nrrd", CINE[0], *LPS, "sizes: 6 5 3", f"space directions: {axes}"))


@pytest.mark.parametrize("name", ["image.nrrd", "image.nhdr", "image.seq.nrrd", "image.mha", "image.mhd"])
@pytest.mark.parametrize(
    "content", [b"", b"<html>not found</html>" * 100, bytes(400), b"NRRD0005\n", b"NDims = 3\nDimSize = 4 4\n"]
)
def test_a_file_that_is_no_image_is_refused(
    name: str, content: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CardiacMTLError) as caught:
        read_study(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
def test_a_damaged_meta_image_is_refused(
    suffix: str, compressed: bool, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image = sitk.GetImageFromArray(np.random.default_rng(0).integers(0, 4000, (8, 40, 40)).astype(np.int16))
    image.SetSpacing((1.4, 1.4, 8.0))
    sitk.WriteImage(image, str(tmp_path / f"image{suffix}"), compressed)
    assert (read_study(tmp_path / f"image{suffix}").frames[0] == sitk.GetArrayFromImage(image)).all()
    voxels = next(path for path in tmp_path.iterdir() if path.suffix in (".mha", ".raw", ".zraw"))
    content = bytearray(voxels.read_bytes())
    if compressed:
        content[len(content) // 2] ^= 0x10
    voxels.write_bytes(content if compressed else content[:-100])
    with pytest.raises(CardiacMTLError, match="whole"):
        read_study(tmp_path / f"image{suffix}")
    assert capfd.readouterr() == ("", "")


def test_a_meta_image_without_its_voxel_file_is_refused(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(CINE[0]), str(tmp_path / "image.mhd"))
    (tmp_path / "image.raw").unlink()
    with pytest.raises(CardiacMTLError, match="cannot be read"):
        read_study(tmp_path / "image.mhd")


def test_a_meta_image_that_misstates_its_compressed_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.mha"
    image = sitk.GetImageFromArray(CINE[0])
    image.SetSpacing((1.4, 1.4, 8.0))
    sitk.WriteImage(image, str(path), True)
    assert (read_study(path).frames[0] == CINE[0]).all()
    path.write_bytes(path.read_bytes().replace(b"CompressedDataSize = 1", b"CompressedDataSize = 0"))
    with pytest.raises(CardiacMTLError, match="is damaged"):
        read_study(path)
