"""`prepare` and the cache: what is kept of a patient, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import STRUCTURES, Phase
from CardiacMTLLib.preprocess.resample import Window, centre_of
from CardiacMTLLib.preprocess.windows import normalised_windows
from CardiacMTLLib.reading.acdc import read_acdc_case
from CardiacMTLTraining.cache import INDEX_NAME, load_case, load_cases
from CardiacMTLTraining.prepare import cached_case, heart_centre, prepare
from Testing.acdc_folder import GRID, GROUPS, masks_of, phantom_of, spacing_of, write_acdc_folder, write_patient

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of two patients."""
    root = tmp_path_factory.mktemp("prepared")
    prepare(write_acdc_folder(root / "data", "patient001", "patient008"), root / "cache")
    return root / "cache"


def test_a_case_comes_back_as_it_was_made(cache: Path, tmp_path: Path) -> None:
    made = cached_case(write_patient(tmp_path, "patient008"))
    loaded = load_case(cache / "patient008.npz")
    assert (loaded.name, loaded.group, loaded.scale) == ("patient008", GROUPS["patient008"], made.scale)
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
    before = cached_case(folder).source_sha256
    (folder / "Info.cfg").write_text((folder / "Info.cfg").read_text().replace("NOR", "DCM"), encoding="utf-8")
    assert cached_case(folder).source_sha256 != before


def test_bad_cases_are_named_and_the_others_cached(tmp_path: Path) -> None:
    data = write_acdc_folder(tmp_path / "data", "patient001", "patient002", "patient004", "patient006", "patient009")
    (data / "patient002" / "patient002_frame09_gt.nii.gz").unlink()
    broken = data / "patient004" / "patient004_frame01.nii.gz"
    broken.write_bytes(broken.read_bytes()[:500])
    info = data / "patient006" / "Info.cfg"
    info.write_text(info.read_text(encoding="utf-8").replace("DCM", "ABC"), encoding="utf-8")
    done, failed = prepare(data, tmp_path / "cache")
    assert done == ["patient001", "patient009"]
    assert set(failed) == {"patient002", "patient004", "patient006"}
    assert "masks of ED and ES" in failed["patient002"]
    assert "'ABC'" in failed["patient006"]
    assert all("\n" not in reason for reason in failed.values())
    assert [case.name for case in load_cases(tmp_path / "cache")] == done


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_patients_is_refused_and_nothing_made(tmp_path: Path, exists: bool) -> None:
    data = tmp_path / "data"
    if exists:
        data.mkdir()
    with pytest.raises(InputError, match="no usable patient"):
        prepare(data, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_patients_of_an_earlier_cache_in_the_same_folder_are_not_loaded(tmp_path: Path) -> None:
    prepare(write_acdc_folder(tmp_path / "old", "patient001"), tmp_path / "cache")
    prepare(write_acdc_folder(tmp_path / "new", "patient006"), tmp_path / "cache")
    assert [case.name for case in load_cases(tmp_path / "cache")] == ["patient006"]


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
    with pytest.raises(InputError, match=r"patient001\.npz is cardiacmtl-cache 99; expected cardiacmtl-cache 1"):
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


def test_the_cache_is_read_where_simpleitk_is_missing(cache: Path) -> None:
    code = f"""
import sys
sys.path[:0] = [{str(ROOT / "CardiacMTL")!r}, {str(ROOT)!r}]
sys.modules["SimpleITK"] = None
from pathlib import Path
from CardiacMTLTraining.cache import load_cases
print([case.name for case in load_cases(Path({str(cache)!r}))])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout == "['patient001', 'patient008']\n", result.stderr


def test_the_phantom_of_these_tests_is_oblong() -> None:
    study = phantom_of(GROUPS["patient001"]).study
    assert study.frames.shape == (2, 6, 84, 96)
    assert study.geometry.spacing_xyz_mm == GRID.spacing_xyz_mm
