"""Inputs that are faulty or foreign, as a user meets them: `cardiacmtl run` ends in one line, or says what it made of them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from CardiacMTLLib.cli import main
from CardiacMTLLib.errors import GeometryError
from CardiacMTLLib.inference.scope import EVIDENCE, Scope
from CardiacMTLLib.reading import read_study, size_limit
from CardiacMTLLib.volume import Patient
from Testing.dicom_fixtures import (
    Change,
    enhanced,
    localisers,
    long_axis,
    orientation,
    phantom,
    set_pixels,
    uid,
    write,
    write_classic,
    write_enhanced,
)
from Testing.unit.hearts import ED_HEART, ES_HEART
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames

TRUTH = np.stack([ED_HEART.mask(ORACLE_GRID), ES_HEART.mask(ORACLE_GRID)])
FRAMES = painted_frames(TRUTH, ORACLE_GRID.spacing_xyz_mm)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit status, the lines on standard error, the record, and whether anything was written."""

    status: int
    lines: tuple[str, ...]
    record: dict[str, Any] | None
    wrote: bool

    @property
    def codes(self) -> list[str]:
        return [flag["code"] for flag in self.record["quality"]["flags"]]

    def value(self, name: str) -> float | None:
        return self.record["measurements"][name]["value"]

    def reason(self, name: str) -> str:
        return self.record["measurements"][name]["reason"]


DRAWING = tuple(f"CardiacMTLLib.report.{name}" for name in ("sheet_drawing", "bullseye_drawing", "curve_drawing"))
"""Modules that hold on to what they draw with, where other tests imported them before."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """`cardiacmtl run` with a network that reads the answer off painted images, and without what needs Slicer or draws."""
    model = oracle_model()
    monkeypatch.setattr("CardiacMTLLib.network.weights.load_model", lambda name=None: model)
    for package in ("slicer", "matplotlib", "jinja2", "PIL", *DRAWING):
        monkeypatch.setitem(sys.modules, package, None)

    def outcome(path: Path, *options: str) -> Outcome:
        out = tmp_path / "results"
        status = main(["run", str(path), "--out", str(out), "--device", "cpu", *options])
        record = json.loads((out / "result.json").read_text(encoding="utf-8")) if status == 0 else None
        return Outcome(status, tuple(capsys.readouterr().err.strip().splitlines()), record, out.exists())

    return outcome


def nifti(folder: Path, frames: np.ndarray = FRAMES, name: str = "cine.nii.gz", spacing=ORACLE_GRID.spacing_xyz_mm) -> Path:
    """A 4D file of `frames` (t, z, y, x)."""
    image = sitk.JoinSeries([sitk.GetImageFromArray(frame) for frame in frames])
    image.SetSpacing((*spacing, 0.04))
    sitk.WriteImage(image, str(folder / name))
    return folder / name


def refused(outcome: Outcome, *words: str) -> bool:
    """Whether a run ended as bad input does: status 2, one line with all `words`, nothing written."""
    (line,) = outcome.lines
    assert all(word in line for word in ("cardiacmtl: error: ", *words)), line
    return outcome.status == 2 and not outcome.wrote


def out_of_scope(outcome: Outcome, word: str) -> bool:
    """Whether a run was done, but neither measures nor diagnoses, with the reason."""
    measured = outcome.record["measurements"]
    return (
        outcome.status == 0
        and outcome.codes == ["out_of_scope"]
        and all(entry["value"] is None for entry in measured.values())
        and all("out of scope" in entry["reason"] for name, entry in measured.items() if name != "body_surface_area_m2")
        and outcome.record["diagnosis"]["probabilities"] is None
        and word in outcome.record["diagnosis"]["reason"]
    )


def changed(**elements: object) -> Change:
    """Sets elements of each header; None takes one away."""

    def change(data: Dataset, t: int, z: int) -> Dataset:
        for keyword, value in elements.items():
            if value is None:
                data.pop(keyword, None)
            else:
                setattr(data, keyword, value)
        return data

    return change


@pytest.mark.robustness(8)
def test_a_default_slice_spacing_is_refused_and_the_option_that_it_names_helps(run, tmp_path: Path) -> None:
    path = nifti(tmp_path, spacing=(4.0, 4.0, 1.0))
    assert refused(run(path), "--slice-spacing-mm")
    assert run(path, "--slice-spacing-mm", "12").value("lv_edv_ml") == pytest.approx(run(nifti(tmp_path)).value("lv_edv_ml"))


@pytest.mark.robustness(8)
@pytest.mark.parametrize("axis", [1, 2])
def test_pixels_without_a_size_are_refused_and_never_taken_for_a_millimetre(run, axis: int, tmp_path: Path) -> None:
    path = nifti(tmp_path, name="cine.nii")
    header = bytearray(path.read_bytes())
    header[76 + 4 * axis : 80 + 4 * axis] = bytes(4)
    path.write_bytes(header)
    assert refused(run(path, "--slice-spacing-mm", "12"), "voxel spacing of 0 along its", "export it again")


@pytest.mark.robustness(8)
def test_frames_of_a_multi_frame_file_that_share_one_position_are_refused(run, tmp_path: Path) -> None:
    def flat(data: Dataset) -> None:
        first = data.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient
        for groups in data.PerFrameFunctionalGroupsSequence:
            groups.PlanePositionSequence[0].ImagePositionPatient = first

    assert refused(run(write_enhanced(tmp_path / "file", flat)), "5 slices have the same position", "their distance is 0")


@pytest.mark.robustness(9)
def test_images_of_one_position_whose_trigger_times_repeat_are_slices_without_positions(tmp_path: Path) -> None:
    folder = write_classic(tmp_path, "Canon", change=changed(ImagePositionPatient=[0, 0, 0]))
    with pytest.raises(GeometryError, match="5 slices have the same position"):
        read_study(folder)


@pytest.mark.robustness(9)
def test_a_slice_that_is_there_twice_is_used_once_with_a_warning(tmp_path: Path) -> None:
    write_classic(tmp_path / "a")

    def again(data: Dataset, t: int, z: int) -> Dataset | None:
        data.SOPInstanceUID = uid("again", t, z)
        return data if z == 2 else None

    write_classic(tmp_path / "b", change=again)
    study = read_study(tmp_path)
    assert (study.frames == phantom().study.frames).all()
    assert study.warnings == ("8 images were left out: another image has the same position and trigger time.",)


@pytest.mark.robustness(9)
def test_a_missing_slice_is_refused_with_the_distances_and_what_was_left_out_before(run, tmp_path: Path) -> None:
    def without_spacing(data: Dataset, t: int, z: int) -> Dataset:
        if z == 1:
            data.PixelSpacing = [0, 0]
        return data

    outcome = run(write_classic(tmp_path / "study", change=without_spacing))
    assert refused(outcome, "distances 36.0, 18.0, 18.0 mm", "left out as without a pixel spacing above zero: 8.")


@pytest.mark.robustness(10)
def test_images_turned_within_their_series_leave_the_largest_stack_and_a_warning(tmp_path: Path) -> None:
    row, column = np.split(np.array(orientation(phantom().study)), 2)

    def turned(data: Dataset, t: int, z: int) -> Dataset:
        if t in (3, 6):
            data.ImageOrientationPatient = [round(float(value), 6) for value in (*-row, *column)]
        return data

    study = read_study(write_classic(tmp_path, change=turned))
    assert study.frames.shape[:2] == (6, 5)
    assert "series 7 (10 images) with 5 slices of 2 phases was left out (its orientation is another)." in study.warnings[0]


@pytest.mark.robustness(11)
def test_a_frame_lost_from_a_slice_without_times_is_refused_by_name_and_by_cause(run, tmp_path: Path) -> None:
    def change(data: Dataset, t: int, z: int) -> Dataset | None:
        del data.TriggerTime
        return None if (t, z) == (3, 2) else data

    words = "Slice 3 of 5 (counted from the apex) has 7 of 8 frames", "without trigger times nothing tells which"
    assert refused(run(write_classic(tmp_path / "study", change=change)), *words)


@pytest.mark.robustness(12)
@pytest.mark.parametrize("time_ms", [None, 0], ids=["missing", "zero"])
def test_without_trigger_times_the_numbers_order_the_phases_with_a_warning(time_ms: int | None, tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path, change=changed(TriggerTime=time_ms)))
    assert (study.frames == phantom().study.frames).all()
    (warning,) = study.warnings
    assert warning == "Trigger times are missing or equal in all slices; their phases are in the order of the images' numbers."


@pytest.mark.robustness(13)
def test_one_frame_has_volumes_and_neither_ejection_fraction_nor_diagnosis(run, tmp_path: Path) -> None:
    outcome = run(nifti(tmp_path, FRAMES[:1]))
    assert outcome.value("lv_edv_ml") > 50
    assert outcome.value("lv_ef_percent") is None
    assert "the ES frame is not known" in outcome.reason("lv_ef_percent")
    assert "the ES frame is not known" in outcome.record["diagnosis"]["reason"]


@pytest.mark.robustness(14)
def test_one_slice_has_masks_and_no_volumes(run, tmp_path: Path) -> None:
    outcome = run(nifti(tmp_path, FRAMES[:, 4:5]), "--ed-frame", "1", "--es-frame", "2")
    assert outcome.status == 0
    assert "one slice" in outcome.reason("lv_edv_ml")
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "results" / "segmentation_ed.nii.gz"))).any()


@pytest.mark.robustness(15)
def test_a_constant_image_is_refused_as_without_signal(run, tmp_path: Path) -> None:
    assert refused(run(nifti(tmp_path, np.full_like(FRAMES, 7))), "no signal")


@pytest.mark.robustness(16)
def test_undefined_voxels_are_refused_with_their_count(run, tmp_path: Path) -> None:
    frames = FRAMES.astype(np.float32)
    frames[0, 0, 0, :3], frames[1, 2, 3, 4] = np.nan, np.inf
    assert refused(run(nifti(tmp_path, frames)), "4 voxels are NaN or infinite")


@pytest.mark.robustness(17)
def test_values_of_any_type_and_scale_give_the_same_result(run, tmp_path: Path) -> None:
    expected = run(nifti(tmp_path), "--json").value("lv_edv_ml")
    for frames in (((FRAMES + 600) // 5).astype(np.uint8), FRAMES.astype(np.float64) / 3):
        assert run(nifti(tmp_path, frames), "--json").value("lv_edv_ml") == expected


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


def one_image(folder: Path, **elements: object) -> Path:
    """A folder with one DICOM image."""
    change = changed(**elements)
    return write_classic(folder / "study", change=lambda data, t, z: change(data, t, z) if (t, z) == (0, 0) else None)


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


@pytest.mark.robustness(19)
@pytest.mark.parametrize("size", [16, 17])
def test_a_tiny_or_odd_matrix_keeps_its_shape(run, size: int, tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 300, (2, 4, size, size), dtype=np.int16)
    outcome = run(nifti(tmp_path, frames, spacing=(12.0, 12.0, 25.0)), "--ed-frame", "1", "--es-frame", "2")
    assert outcome.status == 0
    assert sitk.ReadImage(str(tmp_path / "results" / "segmentation_ed.nii.gz")).GetSize() == (size, size, 4)


@pytest.mark.robustness(20)
@pytest.mark.parametrize("name", ["cine.nii.gz", "cine.nrrd", "cine.mha"])
def test_a_huge_cine_is_refused_by_its_header_with_its_size(run, name: str, monkeypatch, tmp_path: Path) -> None:
    path = nifti(tmp_path, name=name)
    monkeypatch.setattr(size_limit, "MAX_BYTES", FRAMES.nbytes)
    assert read_study(path).frames.nbytes == FRAMES.nbytes
    monkeypatch.setattr(size_limit, "MAX_BYTES", FRAMES.nbytes - 1)
    assert refused(run(path), "the cine (", "2 x 8 x 50 x 56", "GiB of grey values; expected at most", "export fewer phases")


@pytest.mark.robustness(20)
def test_a_cine_is_refused_before_it_is_read_where_the_machine_has_too_little_memory(run, monkeypatch, tmp_path: Path) -> None:
    needed = FRAMES.size * (FRAMES.itemsize + size_limit.BYTES_BESIDE)
    path = nifti(tmp_path)
    monkeypatch.setattr(size_limit, "free_bytes", lambda: needed)
    assert read_study(path).frames.nbytes == FRAMES.nbytes
    monkeypatch.setattr(size_limit, "free_bytes", lambda: needed - 1)
    assert refused(run(path), "takes about", "GiB are free", "export fewer phases or a smaller matrix")


@pytest.mark.robustness(20)
def test_the_memory_that_is_free_is_known_or_else_no_obstacle(monkeypatch, tmp_path: Path) -> None:
    assert 0 < size_limit.free_bytes() < 2**50
    monkeypatch.setattr(size_limit, "_MEMORY_FILE", tmp_path / "missing")
    assert 0 < size_limit.free_bytes() < 2**50
    monkeypatch.delattr(size_limit.os, "sysconf")
    assert size_limit.free_bytes() is None
    size_limit.check_size((1, 1, 1, 1), 2)


@pytest.mark.robustness(20)
def test_a_run_that_is_denied_memory_ends_in_one_line(run, monkeypatch, tmp_path: Path) -> None:
    def denied(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr("CardiacMTLLib.pipeline.find_heart", denied)
    assert refused(run(nifti(tmp_path)), "the memory is not enough")


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


@pytest.mark.robustness(35)
def test_a_study_without_names_numbers_and_identities_is_read(tmp_path: Path) -> None:
    kept = {"SOPClassUID", "Modality", "PhotometricInterpretation"}

    def bare(data: Dataset, t: int, z: int) -> Dataset:
        for element in list(data):
            if element.VR in {"UI", "PN", "DA", "TM", "LO", "SH", "CS"} and element.keyword not in kept:
                del data[element.tag]
        return data

    study = read_study(write_classic(tmp_path, change=bare))
    assert (study.frames == phantom().study.frames).all()
    assert (study.warnings, study.patient) == ((), Patient(heart_rate_bpm=72.0))


@pytest.mark.robustness(10)
def test_one_enhanced_file_a_slice_is_one_stack(tmp_path: Path) -> None:
    """As newer Siemens software writes a cine: a series and an enhanced object for each slice."""
    whole = enhanced()
    pixels = whole.pixel_array if hasattr(whole, "file_meta") else _pixels(whole)
    for z in range(5):
        wanted = [
            index
            for index, groups in enumerate(whole.PerFrameFunctionalGroupsSequence)
            if groups.FrameContentSequence[0].InStackPositionNumber == z + 1
        ]
        data = enhanced()
        data.Manufacturer = "SIEMENS"
        data.SeriesNumber, data.SeriesInstanceUID, data.SOPInstanceUID = 20 + z, uid("slice", z), uid("object", z)
        data.NumberOfFrames = len(wanted)
        groups = [data.PerFrameFunctionalGroupsSequence[index] for index in wanted]
        for own in groups:
            own.FrameContentSequence[0].InStackPositionNumber = 1
            own.pop((0x2005, 0x140F), None)
        data.PerFrameFunctionalGroupsSequence = Sequence(groups)
        set_pixels(data, pixels[wanted])
        write(data, tmp_path / f"slice{z}")
    study = read_study(tmp_path)
    np.testing.assert_allclose(study.frames, phantom().study.frames // 2 * 2)
    assert study.warnings == ()


def _pixels(data: Dataset) -> np.ndarray:
    shape = int(data.NumberOfFrames), data.Rows, data.Columns
    return np.frombuffer(data.PixelData, dtype="<u2").reshape(shape)
