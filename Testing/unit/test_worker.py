"""The worker as a process: what it says, how it ends, and that it leaves nothing half-written."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from CardiacMTLLib.job.client import JobClient, JobEnd, JobListener, run_job
from CardiacMTLLib.job.folder import Job, read_job, write_job
from CardiacMTLLib.job.process import SubprocessRunner, worker_command
from CardiacMTLLib.job.result import read_result
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.network.weights import load_entry
from CardiacMTLLib.phantom import PhantomGrid, anatomy_of, make_phantom
from CardiacMTLLib.pipeline import analyse
from Testing.unit.analyses import study_like
from Testing.unit.tiny_model import write_tiny_model
from Testing.unit.worker_python import BROKEN_TORCH, PATH_LINE, WITHOUT_TORCH, python_that
from Testing.waiting import wait_until

STUDY = make_phantom(anatomy_of(Group.NOR), PhantomGrid((48, 48, 5), (5.0, 5.0, 20.0)), n_frames=3).study
LONG_STUDY = make_phantom(anatomy_of(Group.NOR), PhantomGrid((48, 48, 5), (5.0, 5.0, 20.0)), n_frames=200).study
PATIENCE_S = 200


@pytest.fixture
def entry(tmp_path, monkeypatch):
    """A tiny model that the worker finds among the imported ones."""
    monkeypatch.setenv("CARDIACMTL_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return write_tiny_model(tmp_path / "models" / "tiny")


pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts of a POSIX shell")

ENDLESS_ANALYSIS = (
    "from CardiacMTLLib.job import worker_main as w",
    "import time",
    "w._analyse = lambda job, report: time.sleep(600)",
)
SLOW_WRITING = (
    "from CardiacMTLLib.job import worker_main as w",
    "import time, CardiacMTLLib.job.folder as f",
    f"sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})",
    "from Testing.unit.analyses import analysis_of",
    "w._analyse = lambda job, report: analysis_of(job.study)",
    "pieces = f.array_pieces",
    "f.array_pieces = lambda *a: (list(pieces(*a)), time.sleep(600))",
)


class Finished:
    """The exit status and the events of a worker that has ended."""

    def __init__(self, status, output):
        self.status = status
        self.events = [json.loads(line) for line in output.splitlines()]


def start(command):
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def close(process):
    process.kill()
    process.wait(PATIENCE_S)
    process.stdout.close()
    process.stdin.close()


def work(job_folder, job, python=sys.executable):
    """Let the worker do a job whose folder is written beforehand, unless `job` is None."""
    if job is not None:
        write_job(job, job_folder)
    process = start(worker_command(python, job_folder, job_folder.with_name("result")))
    output = process.stdout.read()
    status = process.wait(PATIENCE_S)
    close(process)
    return Finished(status, output)


def wait_for(process, text):
    """Read events until the progress called `text`."""
    for line in process.stdout:
        if json.loads(line).get("text") == text:
            return
    raise AssertionError(f"the worker ended before {text!r}")


def check_cancel(job, python, moment):
    """Run `job`, cancel at the progress called `moment`, and see that all is over within two seconds."""
    outcomes, pids, cancelled = [], [], []
    runner = SubprocessRunner()

    def progress(text, _):
        if text == moment:
            pids.append(client._pid)
            cancelled.append(time.monotonic())
            client.cancel()

    client = JobClient(job, runner, JobListener(progress=progress, finished=outcomes.append), python)
    client.start()
    runner.run(client.tick)
    assert time.monotonic() - cancelled[0] < 2
    assert outcomes[0].end is JobEnd.CANCELLED
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def clear(folder):
    """Remove job and result, which the client would remove."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def test_a_job_gives_the_analysis_that_this_process_gives(entry, temporary, tmp_path):
    told, notes, cwd = [], [], tmp_path / "elsewhere"
    cwd.mkdir()
    python = python_that(tmp_path, f"import os; os.chdir({str(cwd)!r})", "print('noise before')")
    listener = JobListener(lambda text, fraction: told.append((text, fraction)), notes.append)
    found = run_job(Job(STUDY, "tiny", "cpu", whole_cycle=True), python, listener)
    expected = analyse(STUDY, load_entry(entry), device="cpu", whole_cycle=True)
    assert found.model == expected.model
    assert found.frames == expected.frames
    assert all(np.array_equal(found.masks[phase], expected.masks[phase]) for phase in expected.masks)
    assert np.array_equal(found.cine_masks, expected.cine_masks)
    assert found.measurements == expected.measurements
    assert found.flags == expected.flags
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert [text for text, _ in told][:3] == ["reading the study", "starting the network", "finding the heart"]
    assert notes == []


def test_a_model_that_is_not_there_is_one_line(entry, temporary):
    done = work(temporary / "job", Job(study_like(), "absent"))
    assert done.status == 2
    assert done.events[-1]["event"] == "error"
    assert "there is no model 'absent'; expected one of" in done.events[-1]["text"]
    clear(temporary)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (WITHOUT_TORCH, "the package torch is not installed for this Python; install torch"),
        (BROKEN_TORCH, "PyTorch is installed but cannot be loaded (a DLL is missing)"),
    ],
    ids=["without torch", "broken torch"],
)
@pytest.mark.robustness(38)
def test_without_torch_the_worker_says_what_to_do(lines, words, temporary, tmp_path):
    done = work(temporary / "job", Job(study_like()), python_that(tmp_path, *lines))
    assert done.status == 2
    assert words in done.events[-1]["text"]
    assert not done.events[-1]["internal"]
    clear(temporary)


def test_a_job_that_cannot_be_read_is_one_line(temporary):
    done = work(temporary / "absent", None)
    assert done.status == 2
    assert [event["event"] for event in done.events] == ["started", "progress", "error"]
    assert "absent/job.json cannot be read (No such file or directory)" in done.events[-1]["text"]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("arguments", [["one"], ["one", "two", "three"]])
def test_other_arguments_are_refused(arguments, temporary):
    process = start([*worker_command(sys.executable, temporary, temporary)[:2], *arguments])
    assert f"got {len(arguments)} arguments; expected JOB and RESULT" in process.stdout.read().decode()
    assert process.wait(PATIENCE_S) == 2
    close(process)


def test_what_libraries_print_does_not_reach_the_protocol(temporary, tmp_path):
    lines = (
        "import CardiacMTLLib",
        "import os, CardiacMTLLib.job.folder as f",
        "def read_job(folder): print('noise'); os.write(1, b'more noise'); raise f.InputError('no job')",
        "f.read_job = read_job",
    )
    done = work(temporary / "job", None, python_that(tmp_path, PATH_LINE, *lines))
    assert [event["event"] for event in done.events] == ["started", "progress", "error"]
    assert done.status == 2


def test_a_fault_of_the_software_is_told_apart_and_says_where(temporary, tmp_path):
    lines = (
        "import CardiacMTLLib.job.folder as f",
        "def read_job(folder): raise ZeroDivisionError('by\\n zero')",
        "f.read_job = read_job",
    )
    done = work(temporary / "job", None, python_that(tmp_path, PATH_LINE, *lines))
    assert done.status == 1
    assert done.events[-1]["internal"]
    assert done.events[-1]["text"].startswith("internal error: ZeroDivisionError: by zero (patch.py, line ")


def test_the_process_that_works_tells_its_own_number(temporary):
    process = start(worker_command(sys.executable, temporary / "absent", temporary / "result"))
    started = json.loads(process.stdout.readline())
    assert started == {"event": "started", "pid": process.pid, "protocol": 1}
    close(process)


def test_a_worker_whose_standard_input_closes_ends_by_itself_within_two_seconds(temporary, tmp_path):
    python = python_that(tmp_path, PATH_LINE, *ENDLESS_ANALYSIS)
    write_job(Job(study_like()), temporary / "job")
    process = start(worker_command(python, temporary / "job", temporary / "result"))
    wait_for(process, "starting the network")
    closed = time.monotonic()
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 3
    assert time.monotonic() - closed < 2
    close(process)
    clear(temporary)


@pytest.mark.parametrize("end", ["close", "kill"])
@pytest.mark.robustness(22)
def test_a_worker_that_ends_while_it_writes_leaves_nothing_that_looks_like_a_result(end, temporary, tmp_path):
    python = python_that(tmp_path, PATH_LINE, *SLOW_WRITING)
    write_job(Job(study_like()), temporary / "job")
    process = start(worker_command(python, temporary / "job", temporary / "result"))
    wait_for(process, "writing the result")
    partial = temporary / "result.partial"
    wait_until(lambda: partial.exists() and any(partial.iterdir()))
    process.stdin.close() if end == "close" else process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE_S) == (3 if end == "close" else -signal.SIGKILL)
    assert not (temporary / "result").exists()
    assert partial.exists() == (end == "kill")
    close(process)
    clear(temporary)


@pytest.mark.parametrize("moment", ["starting the network", "segmenting 200 frames"])
@pytest.mark.robustness(23)
def test_cancel_ends_a_real_run_within_two_seconds_and_leaves_nothing(moment, entry, temporary):
    check_cancel(Job(LONG_STUDY, "tiny", "cpu", whole_cycle=True), sys.executable, moment)


@pytest.mark.robustness(23)
def test_cancel_while_the_result_is_written_leaves_nothing(temporary, tmp_path):
    check_cancel(Job(study_like()), python_that(tmp_path, PATH_LINE, *SLOW_WRITING), "writing the result")


@pytest.mark.robustness(23)
def test_cancel_while_the_library_holds_the_interpreter_ends_the_process(temporary, tmp_path):
    lines = ("import ctypes", "from CardiacMTLLib.job import worker_main as w")
    lines += ("w._analyse = lambda job, report: ctypes.PyDLL(None).sleep(600)",)
    check_cancel(Job(study_like()), python_that(tmp_path, PATH_LINE, *lines), "starting the network")


@pytest.mark.robustness(22)
def test_a_worker_killed_from_outside_is_a_failure_that_says_so_and_the_next_run_works(entry, temporary):
    outcomes = []
    runner = SubprocessRunner()

    def kill(text, _):
        if text == "starting the network":
            runner.kill()

    client = JobClient(Job(STUDY, "tiny", "cpu"), runner, JobListener(progress=kill, finished=outcomes.append))
    client.start()
    runner.run(client.tick)
    assert outcomes[0].end is JobEnd.FAILED
    assert "ended unexpectedly (with exit status -9)" in outcomes[0].text
    assert set(run_job(Job(STUDY, "tiny", "cpu")).masks) == set(Phase)


def test_a_result_comes_back_from_its_folder(entry, temporary):
    job = Job(STUDY, "tiny", "cpu")
    done = work(temporary / "job", job)
    assert (done.status, done.events[-1]) == (0, {"event": "done"})
    assert json.loads((temporary / "result" / "result.json").read_text(encoding="utf-8"))["model"]["name"] == "tiny"
    assert read_result(temporary / "result", STUDY).model.name == "tiny"
    assert read_job(temporary / "job").model == "tiny"
    assert sorted(path.name for path in temporary.iterdir()) == ["job", "result"]
    clear(temporary)
