"""A short form of fuzzing (docs/reliability/fuzz.json has the long one), and what it found, so that it does not come back."""

from __future__ import annotations

import json
import shutil
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless

from CardiacMTLLib.errors import GeometryError, InputError, ModelError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.network.weights import load_entry
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.reading.dicom import pixel_client
from Testing.dicom_compression import compressed
from Testing.dicom_fixtures import phantom, write_classic
from Testing.robustness.fuzzing.judge import GOOD
from Testing.robustness.fuzzing.subjects import subjects
from Testing.unit.tiny_model import change_manifest, write_tiny_model

REGRESSIONS = Path(__file__).with_name("regressions")
ENDS_ITS_PROCESS = REGRESSIONS / "jpeg-that-ends-gdcm.dcm"

needs_gdcm = pytest.mark.skipif(find_spec("gdcm") is None, reason='needs the extra "dicom"')


@pytest.mark.robustness(30, 32, 43)
@pytest.mark.skipif(sys.platform != "linux", reason="the limits of the child process are those of Linux")
@pytest.mark.parametrize(("file_format", "count"), [("nifti", 60), ("dicom", 24), ("weights", 16)])
def test_a_mutated_file_ends_in_an_error_of_ours_or_a_right_result(file_format: str, count: int, tmp_path: Path) -> None:
    pytest.importorskip("gdcm", reason='needs the extra "dicom"')
    from Testing.robustness.fuzz import fuzz  # noqa: PLC0415 - imports what only Linux has

    cases = list(fuzz([file_format], count, 11, tmp_path))
    assert len(cases) == count
    assert [case for case in cases if case.verdict.outcome not in GOOD] == []
    assert len({case.verdict.outcome for case in cases}) == 2


@needs_gdcm
@pytest.mark.robustness(43)
def test_an_image_that_ends_the_process_of_its_decoder_is_a_damaged_image(tmp_path: Path) -> None:
    shutil.copy(ENDS_ITS_PROCESS, tmp_path)
    with pytest.raises(InputError, match="no image could be decoded"):
        read_study(tmp_path)


@needs_gdcm
@pytest.mark.robustness(43)
def test_images_after_one_that_ends_the_decoder_are_decoded(tmp_path: Path) -> None:
    whole = compressed(next(write_classic(tmp_path).glob("*")), JPEG2000Lossless)
    with pixel_client.pixel_decoder() as decoder:
        for path, count in ((ENDS_ITS_PROCESS, 0), (whole, 1), (ENDS_ITS_PROCESS, 0)):
            assert len(decoder(path, [0], JPEG2000Lossless, True)) == count


@needs_gdcm
def test_a_decoder_that_never_comes_back_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sleeper = tmp_path / "server.py"
    sleeper.write_text("import time\ntime.sleep(600)", encoding="utf-8")
    monkeypatch.setattr(pixel_client, "SERVER", sleeper)
    monkeypatch.setattr(pixel_client, "FILE_S", 0.1)
    monkeypatch.setattr(pixel_client, "IMAGE_S", 0.0)
    with pixel_client.pixel_decoder() as decoder:
        assert decoder(ENDS_ITS_PROCESS, [0], JPEG2000Lossless, True) == []


@pytest.mark.parametrize("answer", [b'{"dtype": "<i2", "shape": [2, 2]}\nabc', b'{"dtype"', b""])
def test_an_answer_that_breaks_off_is_no_image(answer: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "server.py"
    broken.write_text(f"import sys\nsys.stdout.buffer.write({answer!r})", encoding="utf-8")
    monkeypatch.setattr(pixel_client, "SERVER", broken)
    with pixel_client.pixel_decoder() as decoder:
        assert decoder(ENDS_ITS_PROCESS, [0], JPEG2000Lossless, True) == []


@needs_gdcm
def test_within_an_application_images_are_decoded_without_a_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for path in write_classic(tmp_path).iterdir():
        compressed(path, JPEG2000Lossless)
    monkeypatch.setattr(sys, "executable", "/opt/Slicer/bin/SlicerApp-real")
    monkeypatch.setattr(pixel_client.subprocess, "Popen", None)
    assert (read_study(tmp_path).frames == phantom().study.frames).all()


@pytest.mark.robustness(32)
@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("network", {"channels": [10**400] * 4}),
        ("network", {"window_spacing_mm": 10**400}),
        ("network", {"embedding_size": 10**12}),
        ("calibration", {"temperature_indexed": 10**400}),
        ("calibration", {"temperature_indexed": float("nan")}),
        ("provenance", {"seed": 10**400}),
    ],
)
def test_numbers_of_a_manifest_that_no_computer_holds_are_refused(part: str, values: dict, tmp_path: Path) -> None:
    entry = write_tiny_model(tmp_path / "tiny")
    manifest = json.loads((entry.folder / "manifest.json").read_text(encoding="utf-8"))
    change_manifest(entry.folder, **{part: manifest[part] | values})
    with pytest.raises(ModelError, match=r"expected .*; install the model"):
        load_entry(entry)


@pytest.mark.robustness(43)
def test_a_file_that_is_nifti_but_for_the_last_byte_of_its_mark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a NIfTI-1 image"):
        read_study(nifti(tmp_path, 347, "B", 1))


def nifti(tmp_path: Path, offset: int, code: str, *values: float, subject: int = 0) -> Path:
    """A tiny NIfTI file with other numbers in its header."""
    made = subjects("nifti")[subject]
    content = bytearray(made.files[made.target])
    struct.pack_into(code, content, offset, *values)
    path = tmp_path / "image.nii"
    path.write_bytes(content)
    return path


@pytest.mark.robustness(43)
@pytest.mark.parametrize("offset", [-3e38, 1.0, 128.0, float("inf"), float("nan")])
def test_a_nifti_file_whose_voxels_begin_nowhere_is_refused(offset: float, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has its voxels begin at byte .*; expected 352 or more"):
        read_study(nifti(tmp_path, 108, "<f", offset))


def test_a_nifti_file_that_leaves_open_where_voxels_begin_has_them_at_the_usual_place(tmp_path: Path) -> None:
    usual = read_study(nifti(tmp_path, 108, "<f", 352.0)).frames
    assert (read_study(nifti(tmp_path, 108, "<f", 0.0)).frames == usual).all()


@pytest.mark.robustness(43)
def test_a_nifti_orientation_next_to_zero_is_refused_without_a_word_of_itk(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(GeometryError, match="has an orientation that is not finite"):
        read_study(nifti(tmp_path, 284, "<2f", 0.0, 1e-45))
    assert capfd.readouterr() == ("", "")


@pytest.mark.robustness(43)
@pytest.mark.parametrize("slope", [1e-38, -5e-20])
def test_a_nifti_slope_next_to_zero_counts_as_none(slope: float, tmp_path: Path) -> None:
    usual = read_study(nifti(tmp_path, 112, "<f", 0.0)).frames
    assert (read_study(nifti(tmp_path, 112, "<f", slope)).frames == usual).all()
    assert usual.max() > 1


@pytest.mark.robustness(43)
@pytest.mark.parametrize(
    ("spacing", "origin", "words"),
    [
        ((1e-7, 1.0, 8.0), (0.0, 0.0, 0.0), "expected 1e-06 to 1e\\+06"),
        ((1.0, 1.0, 1e300), (0.0, 0.0, 0.0), "expected 1e-06 to 1e\\+06"),
        ((1.0, 1.0, 8.0), (0.0, -1e10, 0.0), "expected finite numbers up to 1e\\+09"),
        ((1.0, 1.0, 8.0), (0.0, np.nan, 0.0), "expected finite numbers"),
    ],
)
def test_grids_that_no_image_has_are_refused(spacing: tuple, origin: tuple, words: str) -> None:
    with pytest.raises(GeometryError, match=words):
        Geometry((4, 4, 4), spacing, origin_xyz_mm=origin)
