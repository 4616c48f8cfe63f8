"""Compressed DICOM: with the extra, without it, and damaged."""

from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from CardiacMTLLib.errors import InputError, MissingPackageError
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.reading.dicom import pixels as pixels_module
from Testing.dicom_compression import compressed
from Testing.dicom_fixtures import phantom, write_classic

TRUTH = phantom().study


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless], ids=lambda syntax: syntax.name)
def test_compressed_images_are_read_with_the_extra(syntax: str, tmp_path: Path) -> None:
    pytest.importorskip("gdcm", reason='needs the extra "dicom"')
    write_classic(tmp_path)
    for path in tmp_path.iterdir():
        compressed(path, syntax)
    assert (read_study(tmp_path).frames == TRUTH.frames).all()


def jpeg_claimed(folder: Path, syntax: str) -> Path:
    """Images whose file meta information says that they are compressed."""
    write_classic(folder)
    for path in folder.iterdir():
        whole = path.read_bytes()
        old = ExplicitVRLittleEndian.encode() + b"\x00"
        new = syntax.encode() + b"\x00" * (len(syntax) % 2)
        at = whole.index(old)
        length = (int.from_bytes(whole[140:144], "little") + len(new) - len(old)).to_bytes(4, "little")
        tail = whole[at + len(old) :]
        path.write_bytes(whole[:140] + length + whole[144 : at - 2] + len(new).to_bytes(2, "little") + new + tail)
    return folder


def test_without_the_extra_compressed_images_are_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = pixels_module.get_decoder(JPEGLosslessSV1)
    monkeypatch.setattr(type(decoder), "is_available", property(lambda self: False))
    with pytest.raises(MissingPackageError) as caught:
        read_study(jpeg_claimed(tmp_path, JPEGLosslessSV1))
    message = str(caught.value)
    assert message.startswith(str(tmp_path))
    assert "python-gdcm" in message
    assert 'install "cardiacmtl[dicom]"' in message
    assert "\n" not in message


def test_a_transfer_syntax_that_nothing_decodes_is_refused_by_name(tmp_path: Path) -> None:
    mpeg = "1.2.840.10008.1.2.4.100"
    with pytest.raises(InputError, match="MPEG2"):
        read_study(jpeg_claimed(tmp_path, mpeg))


def test_damaged_compressed_pixels_count_as_missing_frames(tmp_path: Path) -> None:
    write_classic(tmp_path)
    paths = sorted(tmp_path.iterdir())
    for path in paths:
        compressed(path, RLELossless)
    whole = paths[5].read_bytes()
    paths[5].write_bytes(whole[: len(whole) // 2])
    study = read_study(tmp_path)
    assert any("has 7 of 8 frames; the nearest in time stand in" in warning for warning in study.warnings)
    for path in paths:
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"no image could be decoded|truncated or damaged"):
        read_study(tmp_path)
