"""A batch on a Dask cluster of this machine: its workers take the cases, and one of them may go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from CardiacMTLLib.batch import BatchSettings, Watcher, Workforce, run_batch
from CardiacMTLLib.errors import JobError, MissingPackageError, UsageError
from Testing.robustness.batches import (
    PATIENCE_S,
    REPOSITORY,
    WITHOUT_NETWORK,
    WITHOUT_PICTURES,
    done_cases,
    write_study,
)
from Testing.waiting import wait_until

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts of a POSIX shell"),
    pytest.mark.robustness(41),
]

SLOWLY = """
def slowly(task, orders, means):
    time.sleep(0.3)
    if task.name == "crash": os.kill(os.getpid(), signal.SIGSEGV)
    return done(task, orders, means)
worker.do = slowly
"""
CLUSTER_SITE = """
import sys
if len(sys.argv) > 0 and sys.orig_argv[1:2] and sys.orig_argv[1].endswith("batch/worker.py"):
    sys.path.insert(0, {library!r})
{body}
"""
"""What every Python of the cluster does first: those that are worker processes of ours become quick ones."""

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a Dask program on the loopback interface; all are ended after the test."""
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    library = str(REPOSITORY / "CardiacMTL")
    body = "".join(f"    {line}\n" for line in ("import sys" + WITHOUT_PICTURES + WITHOUT_NETWORK + SLOWLY).splitlines())
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(CLUSTER_SITE.format(library=library, body=body), encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(tmp_path / "site"), library)),
        "OMP_NUM_THREADS": "1",
        "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "30s",
    }
    started: list[subprocess.Popen[bytes]] = []

    def run(program: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", *options]
        with (tmp_path / f"{program}{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait(PATIENCE_S)


@pytest.fixture
def scheduler(start: Start, tmp_path: Path) -> str:
    """The address of a running scheduler."""
    file = tmp_path / "scheduler.json"
    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
    wait_until(lambda: file.exists() and file.read_text().rstrip().endswith("}"))
    return str(json.loads(file.read_text())["address"])


def worker(start: Start, scheduler: str) -> subprocess.Popen[bytes]:
    return start(
        "worker", scheduler, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0"
    )


def test_a_cluster_does_the_cases_and_survives_the_loss_of_a_worker(start: Start, scheduler: str, tmp_path: Path) -> None:
    root, out = tmp_path / "studies", tmp_path / "out"
    names = [f"p{number:02}" for number in range(10)]
    for name in (*names, "crash"):
        write_study(root / f"{name}.nii.gz")
    (root / "bad.nii.gz").write_bytes(b"no image")
    victim = worker(start, scheduler)
    worker(start, scheduler)
    killed = []

    def kill_midway(_text: str, _fraction: float) -> None:
        if not killed and len(done_cases(out)) >= 3:
            killed.append(victim.poll())
            victim.kill()

    settings = BatchSettings(device="cpu", scene=False)
    summary = run_batch(root, out, settings, Workforce(scheduler=scheduler), watcher=Watcher(kill_midway))
    assert killed == [None]
    assert list(summary.done) == names == list(done_cases(out))
    assert set(summary.failed) == {"bad", "crash"}
    assert "SIGSEGV" in summary.failed["crash"]
    assert run_batch(root, out, settings, Workforce(scheduler=scheduler), resume=True).done == summary.done


def test_a_scheduler_without_workers_is_told(scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("CardiacMTLLib.batch.cluster.CONNECT_LIMIT_S", 3)
    write_study(tmp_path / "studies" / "a.nii.gz")
    with pytest.raises(JobError, match="the scheduler has no workers; expected some"):
        run_batch(tmp_path / "studies", tmp_path / "out", workforce=Workforce(scheduler=scheduler))


def test_an_address_where_nobody_answers_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    monkeypatch.setattr("CardiacMTLLib.batch.cluster.CONNECT_LIMIT_S", 1)
    write_study(tmp_path / "studies" / "a.nii.gz")
    started = time.monotonic()
    with pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        run_batch(tmp_path / "studies", tmp_path / "out", workforce=Workforce(scheduler="tcp://127.0.0.1:9"))
    assert time.monotonic() - started < 60


def test_tls_without_a_certificate_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    write_study(tmp_path / "studies" / "a.nii.gz")
    with pytest.raises(UsageError, match=r"tls://127\.0\.0\.1:9 needs a certificate"):
        run_batch(tmp_path / "studies", tmp_path / "out", workforce=Workforce(scheduler="tls://127.0.0.1:9"))


def test_without_dask_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    write_study(tmp_path / "studies" / "a.nii.gz")
    with pytest.raises(MissingPackageError, match=r"install cardiacmtl\[cluster\]"):
        run_batch(tmp_path / "studies", tmp_path / "out", workforce=Workforce(scheduler="tcp://127.0.0.1:9"))
