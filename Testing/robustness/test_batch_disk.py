"""A batch on a disk that is full or read-only, and under names of every kind: results are whole, or there is a clear error."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from CardiacMTLLib.batch import FAILURES_FILE, Workforce, run_batch
from CardiacMTLLib.batch.state import STATE_FOLDER
from CardiacMTLLib.errors import OutputError
from Testing.robustness.batches import check_tables_agree, done_cases, quick_python, rows, write_study

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts of a POSIX shell"),
    pytest.mark.robustness(39),
]


def nothing_half_written(out: Path) -> bool:
    """Whether no folder of a case is there without its record, and no file on its way to one."""
    cases = [path for path in out.iterdir() if path.is_dir() and path.name != STATE_FOLDER]
    return all((case / "result.json").exists() for case in cases) and not list((out / STATE_FOLDER).glob("work-*"))


def mount(folder: Path, options: str) -> None:
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount(folder, "size=256k")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_ends_the_batch_with_a_clear_error_and_with_room_it_goes_on(small_disk: Path, tmp_path: Path) -> None:
    root, out = tmp_path / "studies", small_disk / "out"
    for number in range(12):
        write_study(root / f"p{number:02}.nii.gz")
    python = quick_python(tmp_path)
    with pytest.raises(OutputError, match=r"written.*No space left on device.*; expected .*; go on with --resume"):
        run_batch(root, out, workforce=Workforce(python=python))
    done = done_cases(out)
    assert 0 < len(done) < 12
    assert nothing_half_written(out)
    check_tables_agree(out)
    assert rows(out / FAILURES_FILE) == []
    subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
    summary = run_batch(root, out, workforce=Workforce(python=python), resume=True)
    assert (len(summary.done), summary.failed) == (12, {})
    assert done.items() <= done_cases(out).items()


def test_a_file_that_may_not_grow_is_no_result(tmp_path: Path) -> None:
    root, out = tmp_path / "studies", tmp_path / "out"
    write_study(root / "a.nii.gz")
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))"
    with pytest.raises(OutputError, match=r"a.* written.*File too large.*; go on with --resume"):
        run_batch(root, out, workforce=Workforce(python=quick_python(tmp_path / "small", limit)))
    assert done_cases(out) == {}
    assert nothing_half_written(out)
    assert run_batch(root, out, workforce=Workforce(python=quick_python(tmp_path)), resume=True).done == ("a",)


def test_a_read_only_output_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    root, folder = tmp_path / "studies", tmp_path / "read-only"
    write_study(root / "a.nii.gz")
    folder.mkdir()
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if as_root:
        mount(folder, "ro,size=64k")
    else:
        folder.chmod(0o500)
    try:
        with pytest.raises(OutputError, match=r"cannot be written.*; expected a writable"):
            run_batch(root, folder / "out")
        assert list(folder.iterdir()) == []
    finally:
        if as_root:
            subprocess.run(["umount", folder], check=True)
        else:
            folder.chmod(0o700)


def test_spaces_unicode_formulas_and_line_ends_in_names_do_no_harm(tmp_path: Path) -> None:
    root, out = tmp_path / "J\u00f6rgs Studien \u540d\u524d", tmp_path / "Ergebnisse \u00fc =1+1"
    for name in ("=cmd()", "J\u00f6rg M\u00fcller", "a\nb", "\u540d\u524d"):
        write_study(root / name / "cine 1.nii.gz")
    (root / "@bad.nii.gz").write_bytes(b"no image")
    summary = run_batch(root, out, workforce=Workforce(python=quick_python(tmp_path)))
    assert set(summary.done) == {"=cmd()_cine 1", "J\u00f6rg M\u00fcller_cine 1", "a_b_cine 1", "\u540d\u524d_cine 1"}
    assert set(done_cases(out)) == set(summary.done)
    found = {row["case"] for row in rows(out / "results.csv")}
    assert found == {name if name[0] != "=" else f"'{name}" for name in summary.done}
    assert [row["case"] for row in rows(out / FAILURES_FILE)] == ["'@bad"]
