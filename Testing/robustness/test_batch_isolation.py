"""A case that crashes, hangs or eats the memory costs itself and no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from CardiacMTLLib.batch import FAILURES_FILE, RESULTS_FILE, Watcher, Workforce, run_batch
from CardiacMTLLib.errors import JobError
from Testing.robustness.batches import done_cases, python_that, quick_python, rows, write_study

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts of a POSIX shell"),
    pytest.mark.robustness(41),
]

BY_NAME = """
def bad(): raise ZeroDivisionError("by\\n zero")
def full(): raise MemoryError
acts = {
    "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda: os._exit(7),
    "slow": lambda: time.sleep(600),
    "bug": bad,
    "memory": full,
    "late": lambda: None,
}
read = worker.read_study
def act(path, **options):
    acts.get(path.name.split(".")[0], lambda: None)()
    return read(path, **options)
worker.read_study = act
def late(task, orders, means):
    answer = done(task, orders, means)
    if task.name == "late": os._exit(7)
    return answer
worker.do = late
"""

FAILURES = {
    "bug": "internal error: ZeroDivisionError: by zero",
    "crash": "ended unexpectedly (SIGSEGV)",
    "exit": "ended unexpectedly (exit status 7)",
    "killed": "ended unexpectedly (SIGKILL, often for want of memory)",
    "memory": "needs more memory than there is",
    "slow": "took longer than 5 s and was ended",
}


def test_each_way_to_fail_costs_one_case_and_says_why(tmp_path: Path) -> None:
    root, out = tmp_path / "studies", tmp_path / "out"
    for name in (*FAILURES, "good", "late", "zzz"):
        write_study(root / f"{name}.nii.gz")
    told, fractions = [], []
    summary = run_batch(
        root,
        out,
        workforce=Workforce(2, time_limit_s=5, python=quick_python(tmp_path, BY_NAME)),
        watcher=Watcher(lambda text, fraction: fractions.append(fraction), told.append),
    )
    assert summary.done == ("good", "late", "zzz")
    assert list(summary.failed) == list(FAILURES)
    assert all(words in summary.failed[name] for name, words in FAILURES.items())
    assert {row["case"]: row["error"] for row in rows(out / FAILURES_FILE)} == summary.failed
    assert [row["case"] for row in rows(out / RESULTS_FILE)] == list(done_cases(out)) == ["good", "late", "zzz"]
    assert sorted(told) == [f"{name} failed: {text}" for name, text in summary.failed.items()]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("sys.exit(1)", "the worker process ended before it was ready, 3 times"),
        (
            "class Blocker:\n    def find_spec(self, name, path=None, target=None):\n"
            "        if name == 'torch': raise ModuleNotFoundError('no torch', name='torch')\n"
            "sys.meta_path.insert(0, Blocker())",
            "the package torch is not installed for this Python; install torch",
        ),
    ],
    ids=["ends", "without torch"],
)
def test_a_worker_that_cannot_be_started_ends_the_batch_and_fails_no_case(
    lines: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("CardiacMTLLib.batch.child._PAUSE_S", 0)
    write_study(tmp_path / "studies" / "a.nii.gz")
    out = tmp_path / "out"
    with pytest.raises(JobError, match="" if not words else words.split(",", maxsplit=1)[0]):
        run_batch(tmp_path / "studies", out, workforce=Workforce(python=python_that(tmp_path, lines)))
    assert rows(out / FAILURES_FILE) == []
    summary = run_batch(tmp_path / "studies", out, workforce=Workforce(python=quick_python(tmp_path / "quick")), resume=True)
    assert summary.done == ("a",)


def test_a_python_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    write_study(tmp_path / "studies" / "a.nii.gz")
    with pytest.raises(JobError, match=r"no worker process can be started \(No such file or directory\)"):
        run_batch(tmp_path / "studies", tmp_path / "out", workforce=Workforce(python=tmp_path / "no python"))


def test_a_batch_that_is_interrupted_ends_its_workers(tmp_path: Path) -> None:
    root, out, mark = tmp_path / "studies", tmp_path / "out", tmp_path / "pid"
    write_study(root / "slow.nii.gz")
    lines = f"{BY_NAME}\nacts['slow'] = lambda: (Path({str(mark)!r}).write_text(str(os.getpid())), time.sleep(600))"

    def interrupt(_text: str, _fraction: float) -> None:
        if mark.exists() and mark.read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(root, out, workforce=Workforce(python=quick_python(tmp_path, lines)), watcher=Watcher(interrupt))
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
    assert rows(out / FAILURES_FILE) == []
