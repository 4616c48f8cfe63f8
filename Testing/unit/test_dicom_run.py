"""`cardiacmtl run` on DICOM, from files to masks."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.cli import main
from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom import PhantomGrid, anatomy_of, make_phantom
from Testing.dicom_fixtures import uid, write_classic


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    grid = PhantomGrid(size_xyz=(108, 108, 7), spacing_xyz_mm=(2.5, 2.5, 16.0))
    study = make_phantom(anatomy_of(Group.NOR), grid, n_frames=3).study
    return write_classic(tmp_path_factory.mktemp("dicom") / "Doe^Jane", "Siemens", study=study)


@pytest.mark.robustness(6)
def test_a_dicom_folder_becomes_masks_where_the_images_lie_and_a_record_without_names(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("CardiacMTLLib.cli.save_scene", lambda analysis, path: path.write_bytes(b""))
    monkeypatch.setattr("CardiacMTLLib.cli.render_view", lambda analysis, path: path.write_bytes(b""))
    out = tmp_path / "out"
    assert main(["run", str(folder), "--out", str(out), "--device", "cpu", "--ed-frame", "1", "--es-frame", "2"]) == 0
    capsys.readouterr()
    ed = sitk.ReadImage(str(out / "segmentation_ed.nii.gz"))
    cine = sitk.ReadImage(str(out / "segmentation_cine.nii.gz"))
    grid = PhantomGrid(size_xyz=(108, 108, 7), spacing_xyz_mm=(2.5, 2.5, 16.0))
    assert ed.GetSize() == grid.size_xyz
    assert cine.GetSize() == (*grid.size_xyz, 3)
    assert ed.GetOrigin() == pytest.approx(grid.origin_xyz_mm, abs=1e-3)
    assert ed.GetDirection() == pytest.approx(grid.direction, abs=1e-5)
    assert ed.GetSpacing() == pytest.approx(grid.spacing_xyz_mm, abs=1e-4)
    assert np.count_nonzero(sitk.GetArrayViewFromImage(ed) == 3) > 500
    text = (out / "result.json").read_text(encoding="utf-8")
    assert json.loads(text)["measurements"]["lv_edv_ml"]["value"] == pytest.approx(130, rel=0.25)
    assert "Jane" not in text
    assert uid("study")[:30] not in text


def test_a_series_beside_two_phase_files_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["run", "--ed", "a.nrrd", "--es", "b.nrrd", "--series", "3", "--out", str(tmp_path / "out")])
    assert status == 2
    assert "got --series together with --ed and --es" in capsys.readouterr().err


def test_an_unknown_series_ends_in_one_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(folder), "--series", "999", "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "series 999 is not among the images" in line
    assert not (tmp_path / "out").exists()
