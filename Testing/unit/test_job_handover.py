"""The voxels that are handed to a worker leave the disk whichever of the two processes is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from CardiacMTLLib.errors import OutputError
from CardiacMTLLib.job import handover
from Testing.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]

CLIENT = f"""
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "CardiacMTL")!r}]
from CardiacMTLLib.job.client import JobListener, run_job
from CardiacMTLLib.job.folder import Job
from Testing.unit.analyses import study_like
told = JobListener(note=lambda text: print(text, flush=True))
run_job(Job(study_like()), sys.argv[1], told)
"""
"""A process that waits for a worker, as Slicer does, and prints its notes. The system hangs up on a stopped worker whose client
is gone: where hanging up is ignored, as under nohup, the worker would go on."""

SLOW_WORK = f"""
import os, sys, time
sys.path[:0] = [{str(ROOT / "CardiacMTL")!r}]
from CardiacMTLLib.job.events import Note
from CardiacMTLLib.job.worker_main import run_worker

def work(job, result, report):
    report(Note(str(os.getpid())))
    time.sleep(600)

run_worker(sys.argv[2:], work)
"""
"""The real worker but for its work: it tells its number and takes long."""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts of a POSIX shell")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, of this process and of others."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def started_run(tmp_path: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A client in a process of its own, and the number of its worker, which is at work."""
    (tmp_path / "slow.py").write_text(SLOW_WORK, encoding="utf-8")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path / "slow.py"}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    client = subprocess.Popen([sys.executable, "-c", CLIENT, str(python)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert client.stdout is not None
    return client, int(client.stdout.readline())


def kill(client: subprocess.Popen[bytes]) -> None:
    client.kill()
    client.wait(60)
    assert client.stdout is not None
    client.stdout.close()


@pytest.mark.robustness(22)
def test_a_worker_whose_slicer_was_killed_removes_the_voxels_and_ends(tmp_path: Path, temporary: Path) -> None:
    client, worker = started_run(tmp_path)
    (folder,) = temporary.iterdir()
    assert (folder / "job" / "frames.npy").is_file()
    kill(client)
    wait_until(lambda: not folder.exists())
    wait_until(lambda: not handover.is_running(worker))


@pytest.mark.robustness(22)
def test_what_a_killed_slicer_and_a_killed_worker_left_goes_at_the_next_start(tmp_path: Path, temporary: Path) -> None:
    client, worker = started_run(tmp_path)
    os.kill(worker, signal.SIGSTOP)
    state = Path(f"/proc/{worker}/stat")
    wait_until(lambda: not state.exists() or state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T")
    kill(client)
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)
    (folder,) = temporary.iterdir()
    assert (folder / "job" / "frames.npy").is_file()
    handover.remove_abandoned()
    assert list(temporary.iterdir()) == []


def test_folders_of_living_processes_of_other_machines_and_of_other_programs_stay(temporary: Path) -> None:
    ours = handover.new_handover_folder()
    prefix, pid = ours.name.removesuffix(ours.name.rpartition("-")[2]).rsplit("-", 2)[0], str(os.getpid())
    assert pid in ours.name
    others = [temporary / name for name in ("cardiacmtl-job-00000000-1-x", f"{prefix}-x-y", "something else")]
    for folder in others:
        folder.mkdir()
    handover.remove_abandoned()
    assert sorted(temporary.iterdir()) == sorted([ours, *others])
    handover._remove_abandoned(lambda pid: False)
    assert sorted(temporary.iterdir()) == sorted(others)


def test_a_job_that_somebody_wrote_by_hand_stays_when_its_worker_is_cut_off(tmp_path: Path, temporary: Path) -> None:
    by_hand = tmp_path / "mine" / "job"
    handed_over = handover.new_handover_folder() / "job"
    for folder in (by_hand, handed_over):
        folder.mkdir(parents=True)
        handover.remove_orphaned(folder)
    assert by_hand.is_dir()
    assert not handed_over.parent.exists()


def test_no_room_for_a_folder_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(OutputError, match="no temporary folder can be made"):
        handover.new_handover_folder()
    handover.remove_abandoned()


def test_a_process_that_runs_is_told_from_one_that_ended() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert handover.is_running(os.getpid())
    assert handover.is_running(1)
    assert not handover.is_running(ended.pid)
    assert handover.is_running(2**70)
