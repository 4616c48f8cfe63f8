"""A batch: all studies below a folder, good ones written, bad ones named."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.batch import FAILURES_FILE, RESULTS_FILE, find_cases, run_batch
from CardiacMTLLib.conclude import conclude
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.heads import load_heads
from CardiacMTLLib.phantom import make_phantom, write_phantom
from CardiacMTLLib.phantom.grid import PhantomGrid
from CardiacMTLLib.phantom.groups import anatomy_of
from CardiacMTLLib.volume import CineStudy

SMALL = PhantomGrid(size_xyz=(40, 40, 5), spacing_xyz_mm=(7.0, 7.0, 20.0))


def out_of_scope(study: CineStudy) -> Analysis:
    """What the library concludes where no heart is found: no network is needed for it."""
    return conclude(study, None, load_heads())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "studies"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        write_phantom(make_phantom(anatomy_of(Group.NOR), n_frames=3, grid=SMALL), folder / name / "cine.nii.gz")
    (folder / "=bad.nii.gz").write_bytes(b"no image")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_good_cases_are_written_and_bad_ones_named(root: Path, tmp_path: Path) -> None:
    out, told = tmp_path / "out", []
    summary = run_batch(root, out, out_of_scope, lambda text, fraction: told.append(fraction))
    assert summary.done == ("a_cine", "b_cine")
    assert list(summary.failed) == ["=bad"]
    assert [row["case"] for row in rows(out / RESULTS_FILE)] == ["a_cine", "b_cine"]
    assert "out of scope" in rows(out / RESULTS_FILE)[0]["reason"]
    assert {"lv_edv_ml", "lv_ef_percent", "flags"} <= set(rows(out / RESULTS_FILE)[0])
    (failure,) = rows(out / FAILURES_FILE)
    assert failure["case"] == "'=bad"
    assert failure["error"]
    assert (out / "a_cine" / "result.json").is_file()
    assert not (out / "=bad").exists()
    assert told == sorted(told)


def test_cases_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    for name in ("cine.nii.gz", "cine.nrrd"):
        (tmp_path / name).write_bytes(b"")
    assert list(find_cases(tmp_path)) == ["cine", "cine_2"]


def test_a_folder_without_studies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no study"):
        run_batch(tmp_path, tmp_path / "out", out_of_scope)
