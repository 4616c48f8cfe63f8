"""ACDC patient folders, made up in the shape of the data set."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.reading import is_acdc_folder, read_acdc_case, read_study
from CardiacMTLLib.volume import Patient, Sex

CINE = np.random.default_rng(5).integers(0, 300, (12, 4, 8, 9)).astype(np.int16)
MASKS = (CINE % 4).astype(np.uint8)
INFO = "ED: 4\nES: 11\nGroup: RV\nHeight: 150.0\nNbFrame: 12\nWeight: 66.0\n"


@dataclass(frozen=True)
class Folder:
    """A patient folder under construction."""

    path: Path

    def image(self, ending: str, voxels: np.ndarray, spacing: tuple[float, ...] = (1.5, 1.5, 10.0)) -> Path:
        image = sitk.GetImageFromArray(voxels, isVector=False)
        image.SetSpacing((*spacing, 1.0)[: voxels.ndim])
        target = self.path / f"{self.path.name}_{ending}.nii.gz"
        sitk.WriteImage(image, str(target))
        return target

    def info(self, text: str) -> None:
        (self.path / "Info.cfg").write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A whole patient: ED in frame 4, ES in frame 11, masks, and the cine."""
    patient = Folder(tmp_path / "patient090")
    patient.path.mkdir()
    patient.info(INFO)
    for number in (4, 11):
        patient.image(f"frame{number:02d}", CINE[number - 1])
        patient.image(f"frame{number:02d}_gt", MASKS[number - 1])
    patient.image("4d", CINE)
    return patient


def test_the_two_phases_are_read_by_the_frame_numbers_of_info_cfg(folder: Folder) -> None:
    study = read_study(folder.path)
    assert (study.frames == CINE[[3, 10]]).all()
    assert (study.ed_frame, study.es_frame) == (0, 1)
    assert study.frame_numbers == (4, 11)
    assert study.patient == Patient(height_cm=150.0, weight_kg=66.0)


def test_given_frames_that_have_files_keep_their_numbers(folder: Folder) -> None:
    study = read_study(folder.path, ed_frame=10, es_frame=3)
    assert (study.frames == CINE[[10, 3]]).all()
    assert study.frame_numbers == (11, 4)


def test_the_whole_cycle_is_read_when_asked_for(folder: Folder) -> None:
    study = read_study(folder.path, whole_cycle=True)
    assert (study.frames == CINE).all()
    assert study.frame_numbers is None
    assert (study.ed_frame, study.es_frame) == (3, 10)


def test_the_cine_is_read_where_a_phase_has_no_file(folder: Folder) -> None:
    (folder.path / "patient090_frame11.nii.gz").unlink()
    study = read_study(folder.path)
    assert study.frames.shape[0] == 12
    assert (study.ed_frame, study.es_frame) == (3, 10)


def test_a_cine_without_frame_numbers_is_read_with_the_phases_unknown(folder: Folder) -> None:
    folder.info("Group: RV\n")
    study = read_study(folder.path)
    assert study.frames.shape[0] == 12
    assert (study.ed_frame, study.es_frame) == (None, None)


def test_given_frames_take_the_place_of_those_of_info_cfg(folder: Folder) -> None:
    study = read_study(folder.path, ed_frame=0)
    assert study.frames.shape[0] == 12
    assert (study.ed_frame, study.es_frame) == (0, 10)


def test_info_cfg_beside_a_cine_gives_its_frames_and_the_body(folder: Folder) -> None:
    study = read_study(folder.path / "patient090_4d.nii.gz", es_frame=7)
    assert (study.ed_frame, study.es_frame) == (3, 7)
    assert study.patient.height_cm == 150.0


def test_a_single_phase_file_is_one_frame_whose_phase_is_not_known(folder: Folder) -> None:
    study = read_study(folder.path / "patient090_frame04.nii.gz")
    assert study.frames.shape[0] == 1
    assert (study.ed_frame, study.es_frame) == (None, None)
    assert study.patient.weight_kg == 66.0


def test_the_given_patient_takes_precedence_field_by_field(folder: Folder) -> None:
    study = read_study(folder.path, patient=Patient(height_cm=171.0, sex=Sex.FEMALE))
    assert study.patient == Patient(height_cm=171.0, weight_kg=66.0, sex=Sex.FEMALE)


@pytest.mark.parametrize("line", ["Height: 1.50", "Height: 0", "Height: tall", "Height: nan"])
def test_an_unbelievable_height_is_left_out_with_a_warning(folder: Folder, line: str) -> None:
    folder.info(INFO.replace("Height: 150.0", line))
    study = read_study(folder.path)
    assert study.patient == Patient(weight_kg=66.0)
    assert study.warnings == ("The height in Info.cfg is not believable and was left out.",)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ("ED: four", "ED in .* is 'four'; expected a frame number counted from 1"),
        ("ED: 0", "ED in .* is '0'"),
        ("ED: -4", "ED in .* is '-4'"),
        ("ED: 13", r"ED is frame 13 \(counted from 1\) but .* has 12"),
        ("ED: 11", "expected two frames"),
    ],
)
def test_a_frame_number_that_cannot_be_is_refused_as_the_user_counts(folder: Folder, changed: str, words: str) -> None:
    folder.info(INFO.replace("ED: 4", changed))
    for whole_cycle in (True, False):
        with pytest.raises(InputError, match=words):
            read_study(folder.path, whole_cycle=whole_cycle)


def test_a_folder_without_the_frames_it_names_is_refused(folder: Folder) -> None:
    (folder.path / "patient090_4d.nii.gz").unlink()
    with pytest.raises(InputError, match="no whole cycle"):
        read_study(folder.path, whole_cycle=True)
    (folder.path / "patient090_frame11.nii.gz").unlink()
    with pytest.raises(InputError, match=r"no ES image _frame11\.nii\.gz"):
        read_study(folder.path)
    folder.info("ED: 4\n")
    with pytest.raises(InputError, match=r"no ES image that Info\.cfg does not name"):
        read_study(folder.path)


def test_masks_and_group_come_with_the_study_on_its_axes(folder: Folder) -> None:
    case = read_acdc_case(folder.path)
    assert case.group is Group.RV
    assert case.masks is not None
    assert (case.masks[Phase.ED] == MASKS[3]).all()
    assert (case.masks[Phase.ES] == MASKS[10]).all()
    assert {mask.dtype.name for mask in case.masks.values()} == {"uint8"}


def test_masks_are_turned_with_images_stored_in_another_axis_order(folder: Folder) -> None:
    for number in (4, 11):
        folder.image(f"frame{number:02d}", CINE[number - 1].transpose(1, 2, 0), (10.0, 1.5, 1.5))
        folder.image(f"frame{number:02d}_gt", MASKS[number - 1].transpose(1, 2, 0), (10.0, 1.5, 1.5))
    case = read_acdc_case(folder.path)
    assert case.masks is not None
    assert case.masks[Phase.ED].shape == case.study.geometry.shape_zyx
    assert (case.masks[Phase.ED] == case.study.frames[0] % 4).all()


def test_a_patient_without_truth_has_none(folder: Folder) -> None:
    for path in folder.path.glob("*_gt.nii.gz"):
        path.unlink()
    folder.info(INFO.replace("Group: RV\n", ""))
    case = read_acdc_case(folder.path)
    assert (case.masks, case.group) == (None, None)


@pytest.mark.parametrize("value", [4, 255])
def test_a_mask_in_another_coding_is_refused(folder: Folder, value: int) -> None:
    mask = MASKS[3].copy()
    mask[0, 0, 0] = value
    folder.image("frame04_gt", mask)
    with pytest.raises(InputError, match=rf"holds the values \[{value}\]"):
        read_acdc_case(folder.path)


def test_a_mask_with_values_between_labels_is_refused(folder: Folder) -> None:
    folder.image("frame04_gt", MASKS[3].astype(np.float32) / 2)
    with pytest.raises(InputError, match=r"holds the values \[0\.5, 1\.5\]"):
        read_acdc_case(folder.path)


def test_a_mask_on_another_grid_is_refused(folder: Folder) -> None:
    folder.image("frame04_gt", MASKS[3], (1.5, 1.5, 9.0))
    with pytest.raises(InputError, match="grid of its image"):
        read_acdc_case(folder.path)


def test_an_unknown_group_is_refused(folder: Folder) -> None:
    folder.info(INFO.replace("Group: RV", "Group: ARVC"))
    with pytest.raises(InputError, match="'ARVC'; expected one of NOR, MINF, DCM, HCM, RV"):
        read_acdc_case(folder.path)


def test_hidden_files_of_other_systems_are_passed_over(folder: Folder) -> None:
    (folder.path / "._patient090_frame04.nii.gz").write_bytes(b"Mac OS X")
    assert (read_study(folder.path).frames == CINE[[3, 10]]).all()


def test_a_patient_folder_is_told_by_its_info_cfg(folder: Folder, tmp_path: Path) -> None:
    assert is_acdc_folder(folder.path)
    assert not is_acdc_folder(tmp_path)
    assert not is_acdc_folder(folder.path / "patient090_4d.nii.gz")
