"""Parts of a batch that a whole one meets seldom: locks that fail, workers that hang, clusters whose machines do not fit."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from CardiacMTLLib import __version__
from CardiacMTLLib.batch import BatchSettings, Workforce, cluster
from CardiacMTLLib.batch.child import Child
from CardiacMTLLib.batch.finished import publish_case
from CardiacMTLLib.batch.protocol import Orders, line_of
from CardiacMTLLib.batch.state import write_whole
from CardiacMTLLib.batch.task import End, Outcome, Task
from CardiacMTLLib.batch.worker_main import _failure, do, prepare
from CardiacMTLLib.errors import JobError, OutputError, UsageError
from CardiacMTLLib.lock import locked
from CardiacMTLLib.network.store import verify_model
from Testing.robustness.batches import write_study
from Testing.unit.analyses import analysis_of
from Testing.unit.tiny_model import write_tiny_model

ORDERS = Orders(BatchSettings(device="cpu", scene=False), "")
TASK = Task("a", "/studies/a", "/out/a", "/out/work/0")


def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr("CardiacMTLLib.lock._take", refuse)
    with pytest.raises(OutputError, match="on a file system that cannot lock files"), locked(tmp_path / "lock", tmp_path):
        raise AssertionError


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"), locked(tmp_path / "no folder" / "lock", tmp_path):
        raise AssertionError


def test_a_lock_is_free_again_when_its_holder_lets_go(tmp_path: Path) -> None:
    for _ in range(2):
        with (
            locked(tmp_path / "lock", tmp_path),
            pytest.raises(OutputError, match="another batch is writing"),
            locked(tmp_path / "lock", tmp_path, "batch"),
        ):
            raise AssertionError
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_taken_anew_where_its_file_was_removed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, taken = tmp_path / "lock", []

    def removed_by_the_one_before(_descriptor: int) -> None:
        taken.append(path)
        if len(taken) == 1:
            path.unlink()

    monkeypatch.setattr("CardiacMTLLib.lock._take", removed_by_the_one_before)
    with locked(path, tmp_path):
        assert path.exists()
    assert len(taken) == 2


def test_a_table_that_cannot_be_put_in_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "results.csv").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_whole(tmp_path / "results.csv", b"text")
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]


def test_an_error_of_writing_names_the_case_s_folder_and_not_the_one_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_analysis: object, folder: Path, **_: object) -> None:
        raise OutputError(f"{folder}/overlay.png cannot be written")

    monkeypatch.setattr("CardiacMTLLib.batch.finished.write_outputs", fail)
    with pytest.raises(OutputError) as caught:
        publish_case(analysis_of(), tmp_path / "case", tmp_path / "work")
    assert str(caught.value) == f"{tmp_path / 'case'}/overlay.png cannot be written"


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script of a POSIX shell")
def test_a_worker_that_never_becomes_ready_is_given_up_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("CardiacMTLLib.batch.child.START_LIMIT_S", 0.2)
    monkeypatch.setattr("CardiacMTLLib.batch.child._GRACE_S", 0.1)
    launcher = tmp_path / "python"
    launcher.write_text(f"#!/bin/sh\necho $$ > {tmp_path / 'pid'}\nexec sleep 600\n", encoding="utf-8")
    launcher.chmod(0o755)
    child = Child(ORDERS, launcher, 1)
    with pytest.raises(JobError, match=r"the worker process was not ready after 0\.2 s"):
        child.do(TASK, 1)
    if (tmp_path / "pid").exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)
    child.abandon()
    with pytest.raises(JobError, match="the batch was ended"):
        child.do(TASK, 1)


def test_a_worker_loads_the_model_once_and_analyses_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDIACMTL_MODELS", str(tmp_path / "models"))
    entry = write_tiny_model(tmp_path / "models" / "tiny")
    settings = BatchSettings("tiny", "cpu")
    orders = Orders(settings, verify_model(entry))
    means = prepare(orders)
    assert means.scene_writer is not None
    assert means.view_renderer is not None
    study, out = write_study(tmp_path / "a.nii.gz"), tmp_path / "out"
    plain = Orders(BatchSettings("tiny", "cpu", scene=False), orders.model_sha256)
    means = prepare(plain)
    assert means.scene_writer is None
    monkeypatch.setattr("CardiacMTLLib.batch.finished.write_outputs", lambda found, folder, **_: folder.mkdir(parents=True))
    answer = do(Task("a", str(study), str(out), str(tmp_path)), plain, means)
    assert (answer.word, answer.text) == ("done", "")
    with pytest.raises(UsageError):
        prepare(Orders(BatchSettings("tiny", "cuda", scene=False), orders.model_sha256))


@pytest.mark.parametrize(
    ("error", "words", "internal"),
    [
        (ModuleNotFoundError("no", name="gdcm"), "the package gdcm is not installed", False),
        (OutputError("a\nb"), "a b", False),
        (MemoryError(), "needs more memory than there is", True),
    ],
)
def test_each_kind_of_error_is_one_line(error: Exception, words: str, internal: bool) -> None:
    answer = _failure(error, End.FAILED)
    assert words in answer.text
    assert answer.internal is internal


class FakeClient:
    """A cluster whose workers say `facts` of themselves."""

    def __init__(self, facts: dict[str, tuple[str, bool]] | Exception) -> None:
        self._facts = facts

    def wait_for_workers(self, _count: int, timeout: float) -> None:
        if not self._facts:
            raise TimeoutError

    def run(self, _function: object, _folder: str) -> dict[str, tuple[str, bool]]:
        if isinstance(self._facts, Exception):
            raise self._facts
        return self._facts


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "the scheduler has no workers"),
        ({"tcp://a:1": (__version__, True), "tcp://b:1": ("0.0.0", True)}, "tcp://b:1 has cardiacmtl 0.0.0; expected"),
        ({"tcp://a:1": (__version__, False)}, "tcp://a:1 does not see the output folder"),
        (ModuleNotFoundError("No module named 'CardiacMTLLib'"), "cannot take part .ModuleNotFoundError"),
    ],
    ids=["none", "version", "folder", "package"],
)
def test_a_cluster_that_does_not_fit_is_refused(facts: dict[str, tuple[str, bool]] | Exception, words: str) -> None:
    with pytest.raises(JobError, match=words):
        cluster._check_workers(FakeClient(facts), [TASK])  # type: ignore[arg-type]


def test_a_cluster_that_fits_is_taken(tmp_path: Path) -> None:
    cluster._check_workers(FakeClient({"tcp://a:1": cluster.facts_of_worker(str(tmp_path))}), [TASK])  # type: ignore[arg-type]


def test_what_became_of_a_case_on_a_cluster_is_told() -> None:
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

    def future(status: str, error: Exception | None = None) -> SimpleNamespace:
        done = {"name": "a", "end": "done", "text": ""}
        return SimpleNamespace(status=status, result=lambda: done, exception=lambda: error)

    def outcome(*arguments: object) -> Outcome:
        return cluster._outcome(future(*arguments), TASK)  # type: ignore[arg-type]

    assert outcome("finished") == Outcome("a", End.DONE)
    killed = distributed.KilledWorker("task", SimpleNamespace(address="tcp://a:1"), 3)
    assert outcome("error", killed).end is End.FAILED
    with pytest.raises(JobError, match="no torch"):
        outcome("error", JobError("no torch"))
    with pytest.raises(JobError, match=r"the cluster cannot go on .*ValueError: x"):
        outcome("error", ValueError("x"))
    with pytest.raises(JobError, match=r"the cluster cannot go on .*a case is lost"):
        outcome("lost")


def test_a_dask_worker_keeps_a_worker_process_for_its_next_case_and_ends_it_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    made, ended = [], []

    class FakeChild:
        def __init__(self, *_: object) -> None:
            made.append(self)

        def do(self, task: Task, _time_limit_s: float) -> Outcome:
            return Outcome(task.name, End.DONE)

        def abandon(self) -> None:
            ended.append(self)

    monkeypatch.setattr(cluster, "Child", FakeChild)
    monkeypatch.setattr("distributed.get_worker", lambda: SimpleNamespace(state=SimpleNamespace(nthreads=1)))
    lines = [line_of(message).decode() for message in (ORDERS, TASK)]
    for _ in range(2):
        assert cluster.do_task(*lines, 10.0) == {"name": "a", "end": "done", "text": ""}
    assert len(made) == 1
    cluster.end_children()
    assert ended == made
    assert cluster.do_task(*lines, 10.0)["end"] == "done"
    assert len(made) == 2
    cluster.end_children()


def test_a_cluster_and_a_number_of_workers_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="got --workers together with --scheduler"):
        Workforce(1, scheduler="tcp://a:1")
