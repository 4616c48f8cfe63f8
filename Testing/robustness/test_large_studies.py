"""Studies that the memory cannot hold: refused before they are read, or in one line where it runs out."""

from __future__ import annotations

from pathlib import Path

import pytest

from CardiacMTLLib.reading import read_study, size_limit
from Testing.robustness.faulty_input import FRAMES, nifti, refused


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
