"""The real ACDC patients; skipped where CARDIACMTL_DATA is not there."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.labels import Phase
from CardiacMTLLib.reading import read_acdc_case, read_study
from CardiacMTLLib.reading.itk import open_header, quiet_itk
from CardiacMTLLib.report.segmentation_file import write_mask


@pytest.mark.robustness(1)
def test_every_patient_is_read_without_a_word_and_with_simpleitks_spacing(
    data_root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folders = sorted((data_root / "acdc").glob("patient*"))
    assert len(folders) == 99
    for folder in folders:
        case = read_acdc_case(folder)
        assert case.masks is not None
        assert set(case.masks) == set(Phase)
        assert case.group is not None
        assert len(case.study.warnings) == 1
        assert all(mask.shape == case.study.frames.shape[1:] for mask in case.masks.values())
        frame = next(path for path in folder.glob("*_frame??.nii.gz"))
        assert case.study.stored.geometry.spacing_xyz_mm == open_header(frame, "NiftiImageIO").GetSpacing()
    assert capfd.readouterr() == ("", "")


def test_patient_090_has_its_phases_in_frames_4_and_11(data_root: Path) -> None:
    folder = data_root / "acdc" / "patient090"
    cine = read_study(folder, whole_cycle=True)
    phases = read_study(folder)
    assert (cine.ed_frame, cine.es_frame, len(cine.frames)) == (3, 10, 12)
    assert cine.frames[3].shape == phases.frames[0].shape
    case = read_acdc_case(folder)
    assert case.masks is not None
    cavity_ml = {phase: (mask == 3).sum() * case.study.geometry.voxel_volume_ml for phase, mask in case.masks.items()}
    assert cavity_ml[Phase.ED] > cavity_ml[Phase.ES]


def test_a_mask_written_for_a_patient_lies_on_the_patients_image(data_root: Path, tmp_path: Path) -> None:
    folder = data_root / "acdc" / "patient001"
    case = read_acdc_case(folder)
    assert case.masks is not None
    write_mask(case.masks[Phase.ES], case.study, tmp_path / "mask.nii.gz")
    with quiet_itk():
        written = sitk.ReadImage(str(tmp_path / "mask.nii.gz"))
        truth = sitk.ReadImage(str(folder / "patient001_frame12_gt.nii.gz"))
    assert (sitk.GetArrayFromImage(written) == sitk.GetArrayFromImage(truth)).all()
    assert (written.GetSpacing(), written.GetOrigin()) == (truth.GetSpacing(), truth.GetOrigin())
    np.testing.assert_array_equal(written.GetDirection(), truth.GetDirection())
