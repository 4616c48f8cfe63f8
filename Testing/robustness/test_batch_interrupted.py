"""A batch that is killed, or runs twice at once: nothing is lost, doubled or mixed."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.batch import FAILURES_FILE, RESULTS_FILE, Workforce, run_batch
from CardiacMTLLib.batch.finished import finished_record
from CardiacMTLLib.batch.state import STATE_FOLDER
from CardiacMTLLib.errors import OutputError
from Testing.robustness.batches import (
    WITHOUT_PICTURES,
    check_tables_agree,
    done_cases,
    end_of,
    kill,
    python_that,
    quick_python,
    rows,
    start_driver,
    write_study,
)
from Testing.unit.tiny_model import write_tiny_model
from Testing.waiting import wait_until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts of a POSIX shell")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CARDIACMTL_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_tiny_model(tmp_path / "models" / "tiny")
    return "tiny"


@pytest.mark.robustness(41)
def test_a_batch_killed_five_times_and_resumed_has_all_results_and_all_failures_once(tmp_path: Path) -> None:
    root, out = tmp_path / "studies", tmp_path / "out"
    good, bad = [], []
    for number in range(20):
        path = root / f"p{number:02}" / "cine.nii.gz"
        if number % 10 == 3:
            path.parent.mkdir(parents=True)
            path.write_bytes(b"no image")
            bad.append(f"p{number:02}_cine")
        else:
            write_study(path)
            good.append(f"p{number:02}_cine")
    python = quick_python(tmp_path)
    moments, seen = random.Random(7), {}

    def ended() -> int:
        return len(done_cases(out)) + len(rows(out / FAILURES_FILE))

    for stop_at in (0, 3, 7, 11, 15):
        driver = start_driver(root, out, python)
        wait_until(lambda: ended() >= stop_at and (out / STATE_FOLDER / "batch.json").exists())  # noqa: B023 - used at once
        time.sleep(moments.uniform(0, 0.1))
        kill(driver)
        check_tables_agree(out)
        found = done_cases(out)
        assert seen.items() <= found.items(), "a case that was done was done again"
        seen = found
    assert ended() < 20, "the last run has nothing to do"
    done, failed = end_of(start_driver(root, out, python))

    assert done == good
    assert list(failed) == bad
    assert seen.items() <= done_cases(out).items()
    assert list(done_cases(out)) == good
    assert len({frozenset(path.name for path in (out / name).iterdir()) for name in good}) == 1
    assert [row["case"] for row in rows(out / RESULTS_FILE)] == good
    assert [row["case"] for row in rows(out / FAILURES_FILE)] == bad
    assert all("not a NIfTI-1 image" in row["error"] for row in rows(out / FAILURES_FILE))
    assert sorted(path.name for path in (out / STATE_FOLDER).iterdir()) == ["batch.json", "failures.jsonl"]
    assert not [path for path in out.iterdir() if path.name.startswith(".") and path.name != STATE_FOLDER]


@pytest.mark.robustness(40)
def test_a_batch_that_is_run_again_gives_the_same_masks_and_the_same_table(tiny: str, tmp_path: Path) -> None:
    root = tmp_path / "studies"
    for name in ("a", "b"):
        write_study(root / f"{name}.nii.gz")
    python = python_that(tmp_path, WITHOUT_PICTURES)
    outs = [tmp_path / "first", tmp_path / "second"]
    drivers = [start_driver(root, out, python, tiny) for out in outs]
    assert [end_of(driver)[0] for driver in drivers] == [["a", "b"], ["a", "b"]]
    first, second = (
        [sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in sorted(out.glob("*/*.nii.gz"))] for out in outs
    )
    assert len(first) == len(second) > 2
    assert any(mask.any() for mask in first)
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    assert (outs[0] / RESULTS_FILE).read_bytes() == (outs[1] / RESULTS_FILE).read_bytes()


WAITS_FOR_A_SIGN = """
def wait(task, orders, means):
    while not Path({sign!r}).exists():
        time.sleep(0.01)
    return done(task, orders, means)
worker.do = wait
"""


@pytest.mark.robustness(42)
def test_a_second_run_into_one_folder_is_refused_at_once_and_harms_nothing(tmp_path: Path) -> None:
    root, out, sign = tmp_path / "studies", tmp_path / "out", tmp_path / "go on"
    write_study(root / "a.nii.gz")
    driver = start_driver(root, out, quick_python(tmp_path, WAITS_FOR_A_SIGN.format(sign=str(sign))))
    wait_until((out / STATE_FOLDER / "batch.json").exists)
    started = time.monotonic()
    with pytest.raises(OutputError, match=r"another batch is writing to .*; expected one at a time; wait until it has ended"):
        run_batch(root, out, workforce=Workforce(python=quick_python(tmp_path / "other")), resume=True)
    assert time.monotonic() - started < 20
    assert done_cases(out) == {}
    sign.touch()
    assert end_of(driver) == (["a"], {})
    assert finished_record(out / "a") is not None
    assert [row["case"] for row in rows(out / RESULTS_FILE)] == ["a"]


@pytest.mark.robustness(42)
def test_the_lock_ends_with_the_process_and_what_was_half_written_is_gone(tmp_path: Path) -> None:
    root, out, sign = tmp_path / "studies", tmp_path / "out", tmp_path / "never"
    write_study(root / "a.nii.gz")
    driver = start_driver(root, out, quick_python(tmp_path / "slow", WAITS_FOR_A_SIGN.format(sign=str(sign))))
    wait_until(lambda: any((out / STATE_FOLDER).glob("work-*/*")))
    left = next((out / STATE_FOLDER).glob("work-*/*"))
    (left / "half").write_text("half", encoding="utf-8")
    kill(driver)
    summary = run_batch(root, out, workforce=Workforce(python=quick_python(tmp_path / "quick")), resume=True)
    assert summary.done == ("a",)
    assert not left.exists()
    assert list((out / STATE_FOLDER).glob("work-*")) == []
