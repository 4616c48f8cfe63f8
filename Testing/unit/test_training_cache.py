"""The cache: what is kept of a patient, how it leads back to the source, and what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import STRUCTURES, Phase
from CardiacMTLLib.preprocess.resample import Window, centre_of
from CardiacMTLLib.preprocess.windows import normalised_windows
from CardiacMTLLib.reading.acdc import read_acdc_case
from CardiacMTLTraining.cache import INDEX_NAME, VERSION, NativeGrid, load_case, load_cases, save_case
from CardiacMTLTraining.cache_grid import cached_case, heart_centre, restored_masks
from CardiacMTLTraining.prepare import prepare
from CardiacMTLTraining.sources.acdc import read_case
from Testing.acdc_folder import GRID, GROUPS, masks_of, phantom_of, spacing_of, write_acdc_folder, write_patient

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of two patients."""
    root = tmp_path_factory.mktemp("prepared")
    prepare(write_acdc_folder(root / "data", "patient001", "patient008"), root / "cache")
    return root / "cache"


def test_a_case_comes_back_as_it_was_made(cache: Path, tmp_path: Path) -> None:
    made = cached_case(read_case(write_patient(tmp_path, "patient008")))
    loaded = load_case(cache / "patient008.npz")
    assert (loaded.name, loaded.group, loaded.scale) == ("patient008", GROUPS["patient008"], made.scale)
    assert loaded.native == made.native
    assert loaded.sha256() == made.sha256()
    assert (loaded.low, loaded.high, loaded.heart_xy, loaded.source_sha256) == (
        made.low,
        made.high,
        made.heart_xy,
        made.source_sha256,
    )
    np.testing.assert_array_equal(loaded.images, made.images)
    np.testing.assert_array_equal(loaded.masks, made.masks)


@pytest.mark.parametrize("name", ["patient001", "patient008"])
def test_volumes_of_the_cached_masks_are_those_of_the_files(cache: Path, name: str) -> None:
    case = load_case(cache / f"{name}.npz")
    truth = masks_of(GROUPS[name])
    dx, dy, dz = spacing_of(name)
    assert case.scale.slice_distance_mm == pytest.approx(dz)
    for index, phase in enumerate(Phase):
        for structure in STRUCTURES:
            expected_ml = (truth[phase] == structure).sum() * dx * dy * dz / 1000
            cached_ml = (case.masks[index] == structure).sum() * case.scale.spacing_mm**2 * dz / 1000
            assert cached_ml == pytest.approx(expected_ml, rel=0.03)


def test_the_heart_lies_where_the_case_says(cache: Path) -> None:
    case = load_case(cache / "patient001.npz")
    _, _, y, x = np.nonzero(case.masks)
    assert case.heart_xy == pytest.approx((x.mean(), y.mean()), abs=0.3)
    middle = (case.images.shape[3] - 1) / 2
    assert case.heart_xy[0] < middle - 8
    assert case.heart_xy[1] > middle


def test_the_heart_centre_is_in_millimetres_along_x_and_y() -> None:
    mask = np.zeros((2, 3, 8, 10), dtype=np.uint8)
    mask[:, 1, 2, 7] = 3
    assert heart_centre(mask, (1.5, 2.0, 8.0)) == pytest.approx((10.5, 4.0))
    with pytest.raises(InputError, match="masks are empty"):
        heart_centre(np.zeros_like(mask), (1.5, 2.0, 8.0))


def test_normalised_intensities_are_those_that_inference_sees(cache: Path, tmp_path: Path) -> None:
    case = load_case(cache / "patient001.npz")
    study = read_acdc_case(write_patient(tmp_path, "patient001")).study
    centre = centre_of(study.geometry)
    corner = [centre[axis] - (case.images.shape[3] - 1) / 2 * case.scale.spacing_mm for axis in (0, 1)]
    heart = (corner[0] + case.heart_xy[0] * case.scale.spacing_mm, corner[1] + case.heart_xy[1] * case.scale.spacing_mm)
    seen = normalised_windows(study, (0,), Window(heart, 128, 1.5))[0]
    column, row = (round(place) for place in case.heart_xy)
    around = (slice(None), slice(row - 20, row + 20), slice(column - 20, column + 20))
    ours = case.normalised()[0][around]
    theirs = seen[:, 44:84, 44:84]
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.98
    assert abs(ours.mean() - theirs.mean()) < 0.05
    assert case.normalised().dtype == np.float32


def test_the_file_says_which_source_it_was_made_from(tmp_path: Path) -> None:
    folder = write_patient(tmp_path, "patient001")
    before = read_case(folder).source_sha256()
    (folder / "Info.cfg").write_text((folder / "Info.cfg").read_text().replace("NOR", "DCM"), encoding="utf-8")
    assert read_case(folder).source_sha256() != before


@pytest.mark.parametrize("name", ["patient001", "patient008"])
def test_cached_masks_are_put_back_on_the_grid_they_came_from(cache: Path, name: str) -> None:
    case = load_case(cache / f"{name}.npz")
    truth = np.stack([masks_of(GROUPS[name])[phase] for phase in Phase])
    restored = restored_masks(case.masks, case.native)
    assert restored.shape == truth.shape
    assert case.native.geometry.spacing_xyz_mm == pytest.approx(spacing_of(name))
    for structure in STRUCTURES:
        found, true = restored == structure, truth == structure
        assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.97


def test_restored_masks_lead_on_to_the_axes_of_the_file(tmp_path: Path) -> None:
    folder = write_patient(tmp_path, "patient001")
    for path in folder.glob("*.nii.gz"):
        turned = sitk.PermuteAxes(sitk.ReadImage(str(path)), (2, 0, 1))
        turned.SetDirection((1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
        sitk.WriteImage(turned, str(path))
    case = cached_case(read_case(folder))
    stored = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "patient001_frame01_gt.nii.gz")))
    restored = case.native.file_order.undo(restored_masks(case.masks, case.native))[0]
    assert restored.shape == stored.shape
    assert (restored == stored).mean() > 0.99


def test_what_lies_outside_the_cached_square_is_restored_as_background() -> None:
    geometry = Geometry((100, 80, 2), (2.0, 2.5, 8.0))
    native = NativeGrid(geometry, Window((60.0, 60.0), 20, 2.0), AxisOrder())
    restored = restored_masks(np.full((1, 2, 20, 20), 3, dtype=np.uint8), native)
    assert restored.shape == (1, 2, 80, 100)
    rows, columns = native.window.inside(geometry)
    assert (restored[..., rows, columns] == 3).all()
    assert (restored == 3).sum() < 2 * 20 * 22


def test_a_heart_that_leaves_the_cached_square_is_refused(tmp_path: Path) -> None:
    source = read_case(write_patient(tmp_path, "patient001"))
    wide = replace(source.study.geometry, spacing_xyz_mm=(9.0, 9.0, 17.0))
    far = replace(source, study=replace(source.study, geometry=wide))
    with pytest.raises(InputError, match="lie outside the cached square of 336 mm"):
        cached_case(far)


def test_a_case_that_is_not_the_one_indexed_is_noticed(cache: Path, tmp_path: Path) -> None:
    shutil.copytree(cache, tmp_path / "cache")
    case = load_case(cache / "patient008.npz")
    save_case(replace(case, group=None), tmp_path / "cache")
    with pytest.raises(InputError, match=r"SHA-256 \w{12}; expected \w{12}; make the cache again"):
        load_cases(tmp_path / "cache")


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "cardiacmtl-cache", "version": 2}'])
def test_an_index_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / INDEX_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"expected (the index of a cache|cardiacmtl-cache 2)"):
        load_cases(tmp_path)


def test_an_unfinished_cache_is_refused(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "patient001.npz").write_bytes((cache / "patient001.npz").read_bytes())
    with pytest.raises(InputError, match="no finished cache"):
        load_cases(tmp_path)
    (tmp_path / INDEX_NAME).write_text('{"format": "card', encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        load_cases(tmp_path)


def test_an_unknown_version_is_refused(cache: Path, tmp_path: Path) -> None:
    with np.load(cache / "patient001.npz") as arrays:
        contents = dict(arrays)
    header = json.loads(str(contents["header"])) | {"version": 99}
    np.savez_compressed(tmp_path / "patient001.npz", **(contents | {"header": np.array(json.dumps(header))}))
    with pytest.raises(InputError, match=r"patient001\.npz is cardiacmtl-cache 99; expected cardiacmtl-cache 2"):
        load_case(tmp_path / "patient001.npz")


@pytest.mark.parametrize("contents", [b"", b"no archive", b"PK\x03\x04 cut short", b"\x93NUMPY"])
def test_a_damaged_case_is_refused(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "patient001.npz"
    path.write_bytes(contents)
    with pytest.raises(InputError, match=r"patient001\.npz cannot be read"):
        load_case(path)


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "patient001.npz", weights=np.zeros(3))
    with pytest.raises(InputError, match=r"patient001\.npz cannot be read"):
        load_case(tmp_path / "patient001.npz")


def test_a_header_that_lacks_what_undoes_the_resampling_is_refused(cache: Path, tmp_path: Path) -> None:
    with np.load(cache / "patient001.npz") as arrays:
        contents = dict(arrays)
    header = {key: value for key, value in json.loads(str(contents["header"])).items() if key != "native"}
    assert header["version"] == VERSION
    np.savez_compressed(tmp_path / "patient001.npz", **(contents | {"header": np.array(json.dumps(header))}))
    with pytest.raises(InputError, match=r"patient001\.npz cannot be read \('native'\)"):
        load_case(tmp_path / "patient001.npz")


WITHOUT_ITK = (
    *("cache", "cache_grid", "slices", "augment", "losses", "folds", "configuration", "averaging", "checkpoint"),
    *("segmentation_stage", "joint_stage", "embedding_stage"),
)


def test_networks_train_from_the_cache_where_simpleitk_is_missing(cache: Path) -> None:
    code = f"""
import sys
sys.path[:0] = [{str(ROOT / "CardiacMTL")!r}, {str(ROOT)!r}]
sys.modules["SimpleITK"] = None
from pathlib import Path
import importlib
for name in {WITHOUT_ITK!r}:
    importlib.import_module("CardiacMTLTraining." + name)
from CardiacMTLTraining.cache import load_cases
from CardiacMTLTraining.cache_grid import restored_masks
cases = load_cases(Path({str(cache)!r}))
assert restored_masks(cases[0].masks, cases[0].native).any()
print([case.name for case in cases])
"""
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout == "['patient001', 'patient008']\n", result.stderr


def test_the_phantom_of_these_tests_is_oblong() -> None:
    study = phantom_of(GROUPS["patient001"]).study
    assert study.frames.shape == (2, 6, 84, 96)
    assert study.geometry.spacing_xyz_mm == GRID.spacing_xyz_mm
