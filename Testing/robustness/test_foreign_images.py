"""What is no short-axis cine MR: refused by its kind, or out of scope without a number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from CardiacMTLLib.inference.scope import EVIDENCE, Scope
from Testing.dicom_fixtures import localisers, long_axis, uid, write, write_classic
from Testing.robustness.faulty_input import FRAMES, TRUTH, nifti, one_image, out_of_scope, refused
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames


def ct(folder: Path) -> Path:
    values = np.full_like(FRAMES, 40)
    values[..., :10] = -1000
    return nifti(folder, values)


def rgb(folder: Path) -> Path:
    frame = sitk.GetImageFromArray(FRAMES[0].clip(0, 255).astype(np.uint8))
    sitk.WriteImage(sitk.Compose([frame] * 3), str(folder / "colour.nrrd"))
    return folder / "colour.nrrd"


def flat(folder: Path) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(FRAMES[0, 4]), str(folder / "flat.nii.gz"))
    return folder / "flat.nii.gz"


NO_IMAGES = {
    "CT in a plain file": (ct, "values of CT"),
    "colours": (rgb, "expected grey values"),
    "a 2-D array": (flat, "2 dimensions"),
    "CT": (lambda folder: one_image(folder, Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2"), "1 not MR (modality CT)"),
    "DICOM in colour": (lambda folder: one_image(folder, PhotometricInterpretation="RGB", SamplesPerPixel=3), "1 in colour"),
}


@pytest.mark.robustness(18)
@pytest.mark.parametrize(("make", "word"), NO_IMAGES.values(), ids=NO_IMAGES.keys())
def test_what_is_no_magnitude_image_of_mr_is_refused(run, make, word: str, tmp_path: Path) -> None:
    assert refused(run(make(tmp_path)), word)


def transverse(data: Dataset, t: int, z: int) -> Dataset | None:
    """One phase of slices square to the body's long axis, as of a brain."""
    data.ImageOrientationPatient, data.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-100.0, -100.0, 10.0 * z]
    return data if t == 0 else None


OTHER_VIEWS = {
    "localiser": localisers,
    "long-axis view": long_axis,
    "transverse stack of one phase": lambda folder: write_classic(folder, change=transverse),
}


@pytest.mark.robustness(18)
@pytest.mark.parametrize("make", OTHER_VIEWS.values(), ids=OTHER_VIEWS.keys())
def test_images_that_their_headers_tell_to_be_another_view_are_out_of_scope(run, make, tmp_path: Path) -> None:
    outcome = run(make(tmp_path / "study"))
    assert out_of_scope(outcome, "no short-axis cine is among the images (long-axis views and other orientations: series")
    assert outcome.lines[0].startswith("warning: No short-axis cine was found")


@pytest.mark.robustness(18)
def test_a_body_without_a_closed_wall_is_out_of_scope_however_smooth_it_is(run, monkeypatch, tmp_path: Path) -> None:
    model = oracle_model()
    scope = Scope((0.0,) * len(EVIDENCE), (1.0,) * len(EVIDENCE), (0.0,) * len(EVIDENCE), 9.0, 0.5)
    manifest = model.manifest
    object.__setattr__(manifest.calibration, "scope", scope)
    monkeypatch.setattr("CardiacMTLLib.network.weights.load_model", lambda name=None: model)
    assert run(nifti(tmp_path)).codes != ["out_of_scope"]
    x = np.arange(TRUTH.shape[-1])
    half = np.where((TRUTH == 2) & (x < TRUTH.shape[-1] // 2), 0, TRUTH)
    assert out_of_scope(
        run(nifti(tmp_path, painted_frames(half, ORACLE_GRID.spacing_xyz_mm))), "do not look like a short-axis stack"
    )


def truncated(folder: Path) -> Path:
    (path,) = one_image(folder).iterdir()
    path.write_bytes(path.read_bytes()[:-500])
    return folder


def encrypted(folder: Path) -> Path:
    return one_image(folder, PixelData=None, EncryptedAttributesSequence=Sequence([Dataset()]))


def document(folder: Path) -> Path:
    """A report as an encapsulated PDF."""
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = "1.2.840.10008.5.1.4.1.1.104.1", uid("document"), "DOC"
    data.EncapsulatedDocument, data.MIMETypeOfEncapsulatedDocument = b"%PDF-1.4 ", "application/pdf"
    return write(data, folder / "study" / "report").parent


BAD_DICOM = {
    "truncated": (truncated, "1 truncated or damaged"),
    "encrypted": (encrypted, "1 encrypted"),
    "encapsulated document": (document, "1 without an image, such as reports"),
    "zero spacing": (lambda folder: one_image(folder, PixelSpacing=[0, 0]), "1 without a pixel spacing above zero"),
    "no position": (lambda folder: one_image(folder, ImagePositionPatient=None), "1 without position or orientation"),
    "no plane": (lambda folder: one_image(folder, ImageOrientationPatient=[0] * 6), "1 without position or orientation"),
}


@pytest.mark.robustness(43)
@pytest.mark.parametrize(("make", "found"), BAD_DICOM.values(), ids=BAD_DICOM.keys())
def test_dicom_without_a_usable_image_is_refused_by_kind(run, make, found: str, tmp_path: Path) -> None:
    words = f"no usable image among 1 DICOM files: {found}", "expected a short-axis cine MR", "export it"
    assert refused(run(make(tmp_path)), *words)
