"""NIfTI headers as they occur, written byte by byte."""

import gzip
import math
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.errors import CardiacMTLError, GeometryError, InputError
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.reading.itk import quiet_itk

VOXELS = np.random.default_rng(3).integers(0, 200, (4, 5, 6)).astype(np.int16)
CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "i8": 1024, "u8": 1280}
ACDC_SFORM = ((-1.0, 0.0, 0.0, 0.0), (0.0, -1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))


@dataclass(frozen=True)
class Nifti:
    """A NIfTI-1 file with the header that a test asks for; by default that of an ACDC image."""

    voxels: np.ndarray = field(default_factory=lambda: VOXELS)
    pixdim: tuple[float, ...] = (1.0, 1.5625, 1.5625, 10.0, 1.0, 1.0, 1.0, 1.0)
    qform_code: int = 0
    sform_code: int = 2
    sform: tuple[tuple[float, ...], ...] = ACDC_SFORM
    quaternion: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    units: int = 0
    slope: float = 1.0
    intercept: float = 0.0
    order: str = "<"
    datatype: int | None = None
    sizes: tuple[int, ...] | None = None

    def content(self) -> bytes:
        sizes = self.sizes or (self.voxels.ndim, *self.voxels.shape[::-1])
        kind = self.voxels.dtype.str[1:]
        raw = bytearray(352)
        struct.pack_into(f"{self.order}i", raw, 0, 348)
        struct.pack_into(f"{self.order}8h", raw, 40, *sizes, *[1] * (8 - len(sizes)))
        struct.pack_into(f"{self.order}2h", raw, 70, self.datatype or CODES[kind], 8 * self.voxels.itemsize)
        struct.pack_into(f"{self.order}8f", raw, 76, *self.pixdim)
        struct.pack_into(f"{self.order}3f", raw, 108, 352.0, self.slope, self.intercept)
        raw[123] = self.units
        struct.pack_into(f"{self.order}2h", raw, 252, self.qform_code, self.sform_code)
        struct.pack_into(f"{self.order}6f", raw, 256, *self.quaternion)
        struct.pack_into(f"{self.order}12f", raw, 280, *[value for row in self.sform for value in row])
        raw[344:348] = b"n+1\0"
        return bytes(raw) + self.voxels.astype(self.order + kind).tobytes()

    def write(self, path: Path) -> Path:
        path.write_bytes(gzip.compress(self.content(), 1) if path.name.endswith(".gz") else self.content())
        return path


def scaled_sform(direction: np.ndarray, spacing: tuple[float, ...]) -> tuple[tuple[float, ...], ...]:
    return tuple((*row, 5.0) for row in (direction * spacing).tolist())


@pytest.mark.robustness(1)
def test_acdc_headers_keep_the_spacing_of_pixdim_with_one_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = Nifti().write(tmp_path / "acdc.nii.gz")
    study = read_study(path)
    assert capfd.readouterr() == ("", "")
    with quiet_itk():
        assert study.stored.geometry.spacing_xyz_mm == sitk.ReadImage(str(path)).GetSpacing() == (1.5625, 1.5625, 10.0)
    assert (study.frames[0] == VOXELS).all()
    assert study.frames.dtype == np.int16
    assert [warning for warning in study.warnings if "spacing (1.562 x 1.562 x 10 mm) was used" in warning]
    assert len(study.warnings) == 1


@pytest.mark.parametrize("shown", [True, False])
def test_itk_warns_after_a_read_as_it_did_before(shown: bool, tmp_path: Path) -> None:
    usual = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(shown)
    try:
        read_study(Nifti().write(tmp_path / "acdc.nii"))
        read_study(rounded_nifti(0.05).write(tmp_path / "refused_by_itk.nii"))
        assert sitk.ProcessObject.GetGlobalWarningDisplay() == shown
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(usual)


@pytest.mark.robustness(2)
def test_a_file_without_orientation_is_read_by_pixdim_with_a_warning(tmp_path: Path) -> None:
    study = read_study(Nifti(sform_code=0).write(tmp_path / "plain.nii.gz"))
    assert study.geometry.spacing_xyz_mm == (1.5625, 1.5625, 10.0)
    assert "neither qform nor sform" in study.warnings[0]
    assert (study.frames[0] == VOXELS).all()


HALF = math.sqrt(0.5)
SFORM_AXIAL = scaled_sform(np.diag([-1.0, -1.0, 1.0]), (1.5625, 1.5625, 10.0))
HEADERS = {
    "ACDC": Nifti(),
    "no orientation": Nifti(sform_code=0),
    "sform only": Nifti(sform=SFORM_AXIAL),
    "qform only": Nifti(sform_code=0, qform_code=1, quaternion=(HALF, 0.0, 0.0, 4.0, 5.0, 6.0)),
    "left-handed qform": Nifti(
        sform_code=0, qform_code=1, quaternion=(0.0, HALF, 0.5, 4.0, 5.0, 6.0), pixdim=(-1.0, 1.5, 1.4, 8.0, *[0.0] * 4)
    ),
    "left-handed sform and qform that agree": Nifti(
        sform=((1.5, 0.0, 0.0, 4.0), (0.0, 1.4, 0.0, 5.0), (0.0, 0.0, -8.0, 6.0)),
        qform_code=1,
        quaternion=(0.0, 0.0, 0.0, 4.0, 5.0, 6.0),
        pixdim=(-1.0, 1.5, 1.4, 8.0, *[0.0] * 4),
    ),
    "scanner sform against qform": Nifti(sform=SFORM_AXIAL, sform_code=1, qform_code=1, quaternion=(HALF, *[0.0] * 5)),
    "aligned sform against qform": Nifti(sform=SFORM_AXIAL, sform_code=2, qform_code=1, quaternion=(HALF, *[0.0] * 5)),
    "sheared sform beside a qform": Nifti(
        sform=scaled_sform(np.array([[1, 0.3, 0], [0, 0.954, 0], [0, 0, 1]]), (1.5, 1.5, 8)), qform_code=1
    ),
    "metres": Nifti(pixdim=(1.0, 0.0015, 0.0015, 0.008, *[0.0] * 4), units=1, sform_code=0, qform_code=1),
    "micrometres": Nifti(pixdim=(1.0, 1500.0, 1500.0, 8000.0, *[0.0] * 4), units=3, sform_code=0, qform_code=1),
    "big-endian": Nifti(order=">", sform=SFORM_AXIAL),
    "unsigned": Nifti(voxels=VOXELS.astype(np.uint16)),
    "signed bytes": Nifti(voxels=(VOXELS - 100).astype(np.int8)),
    "64-bit integers": Nifti(voxels=VOXELS.astype(np.int64)),
    "rescaled": Nifti(slope=2.5, intercept=-7.0),
    "rescaled float": Nifti(voxels=VOXELS.astype(np.float32), slope=0.5, intercept=3.0),
    "one slice": Nifti(voxels=VOXELS[:1]),
    "trailing single axes": Nifti(sizes=(5, 6, 5, 4, 1, 1)),
    "cine": Nifti(voxels=np.stack([VOXELS, VOXELS + 1]), units=2 + 16, pixdim=(1.0, 1.5, 1.5, 8.0, 700.0, *[0.0] * 3)),
}


@pytest.mark.robustness(1)
@pytest.mark.parametrize("nifti", HEADERS.values(), ids=HEADERS.keys())
def test_geometry_and_voxels_equal_those_of_simpleitk(nifti: Nifti, tmp_path: Path) -> None:
    path = nifti.write(tmp_path / "image.nii.gz")
    study = read_study(path)
    with quiet_itk():
        image = sitk.ReadImage(str(path))
    array = sitk.GetArrayFromImage(image)
    frames = study.in_file_axes(study.frames)
    assert frames.dtype == array.dtype
    np.testing.assert_allclose(frames, array[None] if array.ndim == 3 else array, rtol=1e-6)
    assert study.stored.geometry.spacing_xyz_mm == image.GetSpacing()[:3]
    assert study.stored.geometry.origin_xyz_mm == image.GetOrigin()[:3]
    directions = np.reshape(image.GetDirection(), (image.GetDimension(),) * 2)[:3, :3]
    assert (study.stored.geometry.direction_matrix == directions).all()


@pytest.mark.robustness(1)
@pytest.mark.parametrize("name", ["scanner sform against qform", "aligned sform against qform", "sheared sform beside a qform"])
def test_an_sform_and_a_qform_that_disagree_give_a_warning(name: str, tmp_path: Path) -> None:
    used = "sform" if name.startswith("scanner") else "qform"
    warnings = read_study(HEADERS[name].write(tmp_path / "image.nii")).warnings
    assert any(f"differently; the {used} was used" in warning for warning in warnings)


@pytest.mark.parametrize("name", ["sform only", "qform only", "left-handed sform and qform that agree", "metres", "big-endian"])
def test_a_consistent_header_gives_no_warning(name: str, tmp_path: Path) -> None:
    assert read_study(HEADERS[name].write(tmp_path / "image.nii")).warnings == ()


def rounded_nifti(degrees: float) -> Nifti:
    angle = math.radians(degrees)
    sheared = np.array([[-1.0, math.sin(angle), 0.0], [0.0, -math.cos(angle), 0.0], [0.0, 0.0, 1.0]])
    return Nifti(sform=scaled_sform(sheared, (1.5625, 1.5625, 10.0)))


@pytest.mark.robustness("3b")
def test_directions_that_itk_refuses_for_rounding_are_read_with_a_warning(tmp_path: Path) -> None:
    path = rounded_nifti(0.05).write(tmp_path / "rounded.nii.gz")
    with quiet_itk(), pytest.raises(RuntimeError, match="orthonormal"):
        sitk.ReadImage(str(path))
    study = read_study(path)
    assert (study.frames[0] == VOXELS).all()
    assert study.geometry.spacing_xyz_mm == (1.5625, 1.5625, 10.0)
    np.testing.assert_allclose(study.geometry.direction_matrix, np.eye(3), atol=1e-3)
    np.testing.assert_allclose(study.geometry.origin_xyz_mm, (-5.0, -5.0, 5.0), atol=1e-6)
    assert "0.0500 degrees off right angles" in study.warnings[0]


@pytest.mark.robustness(3)
def test_a_sheared_nifti_is_refused_naming_the_angle(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"80\.0 degrees apart"):
        read_study(rounded_nifti(10.0).write(tmp_path / "sheared.nii.gz"))


@pytest.mark.robustness(17)
@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f4", "f8"])
def test_every_type_of_voxel_gives_the_same_values(kind: str, tmp_path: Path) -> None:
    study = read_study(Nifti(voxels=VOXELS.astype(kind)).write(tmp_path / "image.nii.gz"))
    assert (study.frames[0] == VOXELS).all()
    assert study.frames.dtype == (np.float32 if kind.startswith("f") else np.dtype(kind))


@pytest.mark.robustness(17)
@pytest.mark.parametrize(("slope", "intercept"), [(0.0, 0.0), (math.nan, math.nan), (1.0, 0.0), (2.0, 10.0)])
def test_rescaling_is_applied_where_it_is_stated(slope: float, intercept: float, tmp_path: Path) -> None:
    stored = VOXELS if slope != 2.0 else ((VOXELS - 10) // 2).astype(np.int16)
    study = read_study(Nifti(voxels=stored, slope=slope, intercept=intercept).write(tmp_path / "image.nii"))
    assert (study.frames[0] == (stored * 2 + 10 if slope == 2.0 else stored)).all()


@pytest.mark.parametrize(
    ("units", "step", "expected"),
    [
        (2 + 8, 0.04, 40.0),
        (2 + 16, 40.0, 40.0),
        (2 + 24, 40_000.0, 40.0),
        (0, 40.0, None),
        (2 + 8, 1.0, None),
        (2 + 8, 40.0, None),
        (2 + 16, 0.0, None),
    ],
)
def test_frame_times_are_taken_where_unit_and_heart_rate_are_believable(
    units: int, step: float, expected: float | None, tmp_path: Path
) -> None:
    cine = Nifti(voxels=np.stack([VOXELS] * 20), units=units, pixdim=(1.0, 1.5, 1.5, 8.0, step, 0.0, 0.0, 0.0))
    times = read_study(cine.write(tmp_path / "cine.nii.gz")).frame_times_ms
    if expected is None:
        assert times is None
    else:
        np.testing.assert_allclose(times, [expected * t for t in range(20)], rtol=1e-6)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_file_that_ends_early_is_refused_where_itk_would_return_garbage(suffix: str, tmp_path: Path) -> None:
    path = Nifti().write(tmp_path / f"image{suffix}")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="is damaged"):
        read_study(path)


def test_a_flipped_byte_in_a_compressed_stream_is_refused(tmp_path: Path) -> None:
    path = Nifti(voxels=np.random.default_rng(0).integers(0, 4000, (8, 40, 40)).astype(np.int16)).write(
        tmp_path / "image.nii.gz"
    )
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_study(path)


@pytest.mark.robustness(20)
def test_a_header_that_claims_more_than_the_file_can_hold_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be in a file of"):
        read_study(Nifti(sizes=(4, 30_000, 30_000, 30_000, 30_000)).write(tmp_path / "huge.nii.gz"))


REFUSED = {
    "a 2-D array": (Nifti(sizes=(2, 6, 20)), "has 2 dimensions"),
    "five dimensions": (Nifti(sizes=(5, 6, 5, 2, 1, 2)), "has 5 dimensions"),
    "no voxels": (Nifti(sizes=(3, 6, 0, 4)), "impossible dimensions"),
    "no dimensions": (Nifti(sizes=(0, 6, 5, 4)), "impossible dimensions"),
    "RGB": (Nifti(datatype=128), "RGB colours"),
    "RGBA": (Nifti(datatype=2304), "RGBA colours"),
    "complex": (Nifti(datatype=32), "NIfTI type 32"),
    "NaN": (Nifti(voxels=np.full((4, 5, 6), np.nan, np.float32)), "120 voxels are NaN"),
    "Inf": (Nifti(voxels=np.full((4, 5, 6), np.inf)), "120 voxels are NaN or infinite"),
    "an sform without volume": (Nifti(sform=((0.0,) * 4,) * 3), "sform without volume"),
    "an sform of NaN": (Nifti(sform=((math.nan,) * 4, *ACDC_SFORM[1:])), "orientation that is not finite"),
    "a negative spacing": (Nifti(pixdim=(1.0, 1.5, -1.5, 8.0, *[0.0] * 4)), "spacing"),
}


@pytest.mark.robustness(18)
@pytest.mark.parametrize(("nifti", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_cine_image_is_refused_in_one_line(
    nifti: Nifti, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = nifti.write(tmp_path / "image.nii.gz")
    with pytest.raises(CardiacMTLError, match=words) as caught:
        read_study(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>" * 100, b"\x1f\x8b\x08garbage" * 50, bytes(400)])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_file_that_is_no_nifti_is_refused(
    content: bytes, suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / f"page{suffix}").write_bytes(content)
    with pytest.raises(InputError, match="expected a"):
        read_study(tmp_path / f"page{suffix}")
    assert capfd.readouterr() == ("", "")
