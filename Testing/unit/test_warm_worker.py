"""A worker that waits for its job: who gets the job, that it is done once, and how a worker ends that gets none."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.job.client import JobClient, JobEnd, JobListener
from CardiacMTLLib.job.folder import Job, write_job
from CardiacMTLLib.job.handover import new_handover_folder
from CardiacMTLLib.job.order import AwaitedOrder, order_line
from CardiacMTLLib.job.process import SubprocessRunner, warm_command
from CardiacMTLLib.job.warm_runner import WarmRunner
from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.weights import load_entry
from CardiacMTLLib.phantom import PhantomGrid, anatomy_of, make_phantom
from CardiacMTLLib.pipeline import analyse
from Testing.unit.analyses import study_like
from Testing.unit.tiny_model import write_tiny_model
from Testing.unit.worker_python import PATH_LINE, WITHOUT_TORCH, python_that

PATIENCE_S = 100
STUDY = make_phantom(anatomy_of(Group.NOR), PhantomGrid((48, 48, 5), (5.0, 5.0, 20.0)), n_frames=3).study

LIGHT = (
    PATH_LINE,
    f"sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})",
    "import ctypes, os, time",
    "from CardiacMTLLib.job import worker_main as w",
    "from Testing.unit.analyses import analysis_of",
    "w._import_all = lambda: None",
    "w._analyse = lambda job, report: analysis_of(job.study)",
)
"""A worker without its network: what it does is done at once."""

NEVER_READY = (*LIGHT, "w._import_all = lambda: time.sleep(600)")
HOLDS_INTERPRETER = (*LIGHT, "w._import_all = lambda: (time.sleep(0.2), ctypes.PyDLL(None).sleep(600))")
DIES_OF_THE_ORDER = (
    *LIGHT,
    "from CardiacMTLLib.job.order import AwaitedOrder",
    "AwaitedOrder.feed = lambda self, piece: os._exit(9)",
)
DIES_AT_WORK = (*LIGHT, "w._analyse = lambda *_: os._exit(9)")
SHORT_OF_PATIENCE = (*LIGHT, "w.IDLE_LIMIT_S = 0.2")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts of a POSIX shell")


class Workers:
    """A `WarmRunner` of real processes, and all runners that it made."""

    def __init__(self):
        self.made = []
        self.runner = WarmRunner(self._new)

    def _new(self):
        self.made.append(SubprocessRunner())
        return self.made[-1]

    def warm_up(self, python):
        """Let a worker wait, and give its number once it has said that it runs."""
        self.runner.warm_up(warm_command(python))
        self.until(lambda: self.runner._idle._held)
        return self.runner.idle._process.pid

    def poll(self):
        return [runner.poll() for runner in self.made]

    def until(self, condition):
        end = time.monotonic() + PATIENCE_S
        while not condition():
            self.poll()
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)

    def begin(self, job, python):
        """Start a job; the client, and the list that its outcome will be in."""
        outcomes = []
        client = JobClient(job, self.runner, JobListener(finished=outcomes.append), python)
        client.start()
        return client, outcomes

    def work(self, job, python):
        """Do a job; its outcome, and the number of the process that did it."""
        client, outcomes = self.begin(job, python)
        self.until(lambda: client.tick() or outcomes)
        self.until(lambda: not any(self.poll()))
        (outcome,) = outcomes
        return outcome, client._pid

    def end(self):
        self.runner.stop()
        self.runner.kill()
        self.until(lambda: not any(self.poll()))


@pytest.fixture
def workers():
    made = Workers()
    yield made
    made.end()


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_job_is_handed_to_the_process_that_waits_and_gives_what_this_process_gives(temporary, workers, tmp_path, monkeypatch):
    monkeypatch.setenv("CARDIACMTL_MODELS", str(tmp_path / "models"))
    entry = write_tiny_model(tmp_path / "models" / "tiny")
    waiting = workers.warm_up(sys.executable)
    workers.runner.warm_up(warm_command(sys.executable))
    outcome, pid = workers.work(Job(STUDY, "tiny", "cpu"), sys.executable)
    assert (outcome.end, pid, len(workers.made)) == (JobEnd.DONE, waiting, 1)
    expected = analyse(STUDY, load_entry(entry), device="cpu")
    assert all(np.array_equal(outcome.analysis.masks[phase], expected.masks[phase]) for phase in expected.masks)
    assert outcome.analysis.measurements == expected.measurements


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks /proc which libraries are loaded")
def test_a_worker_that_waits_has_loaded_the_network_s_libraries_and_says_no_more_than_that_it_runs(temporary):
    process = subprocess.Popen(warm_command(sys.executable), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    end = time.monotonic() + PATIENCE_S
    while "libtorch_cpu" not in Path(f"/proc/{process.pid}/maps").read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    output, _ = process.communicate()
    assert json.loads(output) == {"event": "started", "pid": process.pid, "protocol": 1}
    assert process.returncode == 3


def test_one_job_after_the_other_has_a_process_of_its_own(temporary, workers, tmp_path):
    python = python_that(tmp_path, *LIGHT)
    pids = []
    for _ in range(2):
        waiting = workers.warm_up(python)
        outcome, pid = workers.work(Job(study_like()), python)
        assert (outcome.end, pid) == (JobEnd.DONE, waiting)
        assert workers.runner.idle is None
        pids.append(pid)
    assert len(set(pids)) == 2
    outcome, pid = workers.work(Job(study_like()), python)
    assert outcome.end is JobEnd.DONE
    assert pid not in pids


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "unnoticed"])
@pytest.mark.robustness(22)
def test_a_waiting_process_that_was_killed_costs_no_job(temporary, workers, tmp_path, noticed):
    python = python_that(tmp_path, *LIGHT)
    waiting = workers.warm_up(python)
    os.kill(waiting, signal.SIGKILL)
    if noticed:
        workers.until(lambda: workers.runner.idle is None)
    outcome, pid = workers.work(Job(study_like()), python)
    assert outcome.end is JobEnd.DONE
    assert pid != waiting
    assert len(workers.made) == 2


def test_a_process_that_dies_of_the_order_costs_no_job(temporary, workers, tmp_path):
    python = python_that(tmp_path, *DIES_OF_THE_ORDER)
    waiting = workers.warm_up(python)
    outcome, pid = workers.work(Job(study_like()), python)
    assert outcome.end is JobEnd.DONE
    assert pid != waiting


def test_a_process_that_dies_at_work_is_told_and_the_job_is_not_done_again(temporary, workers, tmp_path):
    python = python_that(tmp_path, *DIES_AT_WORK)
    waiting = workers.warm_up(python)
    outcome, pid = workers.work(Job(study_like()), python)
    assert (outcome.end, pid, len(workers.made)) == (JobEnd.FAILED, waiting, 1)
    assert "ended unexpectedly (with exit status 9)" in outcome.text


@pytest.mark.parametrize("lines", [NEVER_READY, HOLDS_INTERPRETER], ids=["loads for long", "holds the interpreter"])
@pytest.mark.robustness(23)
def test_a_cancel_before_the_handed_job_has_begun_ends_the_process_and_starts_no_other(temporary, workers, tmp_path, lines):
    python = python_that(tmp_path, *lines)
    waiting = workers.warm_up(python)
    time.sleep(0.3)
    client, outcomes = workers.begin(Job(study_like()), python)
    cancelled = time.monotonic()
    client.cancel()
    workers.until(lambda: client.tick() or outcomes)
    assert time.monotonic() - cancelled < 2
    assert outcomes[0].end is JobEnd.CANCELLED
    workers.until(lambda: not any(workers.poll()))
    assert is_gone(waiting)
    assert len(workers.made) == 1


def test_a_job_for_another_python_or_environment_is_not_handed_to_the_process_that_waits(
    temporary, workers, tmp_path, monkeypatch
):
    pythons = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        pythons.append(python_that(tmp_path / name, *LIGHT))
    for change in (pythons.reverse, lambda: monkeypatch.setenv("CARDIACMTL_MODELS", str(tmp_path))):
        waiting = workers.warm_up(pythons[0])
        change()
        outcome, pid = workers.work(Job(study_like()), pythons[0])
        assert outcome.end is JobEnd.DONE
        assert pid != waiting
        assert is_gone(waiting)


def test_a_worker_that_waits_for_another_environment_is_replaced(temporary, workers, tmp_path, monkeypatch):
    python = python_that(tmp_path, *LIGHT)
    first = workers.warm_up(python)
    monkeypatch.setenv("CARDIACMTL_MODELS", str(tmp_path))
    second = workers.warm_up(python)
    workers.until(lambda: is_gone(first))
    assert not is_gone(second)
    workers.runner.stop()
    assert workers.runner.idle is None
    workers.until(lambda: is_gone(second))


def test_a_python_that_is_not_there_is_told_at_the_job(temporary, workers, tmp_path):
    workers.runner.warm_up(warm_command(tmp_path / "absent"))
    assert workers.runner.idle is None
    outcome, _ = workers.work(Job(study_like()), tmp_path / "absent")
    assert "could not be started" in outcome.text


def test_without_a_job_there_is_nothing_to_write_to_or_to_end(workers):
    workers.runner.write(b"x")
    workers.runner.close_stdin()
    workers.runner.kill()
    SubprocessRunner().write(b"x")
    assert workers.made == []
    assert workers.runner.working is None


ECHO = """print('{"event": "done"}', flush=True); print(sys.stdin.readline(), end="")"""


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_what_is_written_reaches_the_process_that_has_the_job(workers, warm):
    heard, code = [], f"import sys; {ECHO}"
    if warm:
        code = f"import sys; sys.stdin.readline(); {ECHO}"
        workers.runner.warm_up([sys.executable, "-c", code])
    workers.runner.start([sys.executable, "-c", code, "JOB", "RESULT"], heard.append, heard.append)
    workers.runner.write(b"a line\n")
    workers.until(lambda: not any(workers.poll()))
    workers.runner.write(b"nobody reads this\n")
    *pieces, status = heard
    assert (b"".join(pieces), status, len(workers.made)) == (b'{"event": "done"}\na line\n', 0, 1)


@pytest.mark.robustness(38)
def test_a_missing_torch_is_told_at_the_job(temporary, workers, tmp_path):
    python = python_that(tmp_path, *WITHOUT_TORCH)
    waiting = workers.warm_up(python)
    outcome, pid = workers.work(Job(study_like()), python)
    assert (outcome.end, pid) == (JobEnd.FAILED, waiting)
    assert outcome.text.startswith("the package torch is not installed for this Python; install torch")


def direct(python):
    return subprocess.Popen(warm_command(python), stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_worker_that_gets_no_job_ends_by_itself_and_the_next_job_is_done(temporary, workers, tmp_path):
    python = python_that(tmp_path, *SHORT_OF_PATIENCE)
    process = direct(python)
    assert process.wait(PATIENCE_S) == 4
    assert [json.loads(line)["event"] for line in process.communicate()[0].splitlines()] == ["started"]
    waiting = workers.warm_up(python)
    workers.until(lambda: workers.runner.idle is None)
    outcome, pid = workers.work(Job(study_like()), python)
    assert outcome.end is JobEnd.DONE
    assert pid != waiting


@pytest.mark.parametrize(
    "line", [b"", b"[", b"{}", b'["one"]', b'["a", "b", "c"]', b'"ab"', b'["", "b"]', b"[1, 2]", b"[" * 9000]
)
def test_a_line_that_names_no_two_folders_is_refused_in_one_line(line):
    order = AwaitedOrder()
    order.feed(line)
    assert (order.wait(0), order.folders) == (False, None)
    order.feed(b"\n")
    assert order.wait(0)
    with pytest.raises(UsageError, match=rf"got a line of {len(line) + 1} bytes .*expected a JSON array \[.JOB., .RESULT.\]"):
        order.taken()


def test_a_worker_says_that_its_line_is_refused(temporary, tmp_path):
    process = direct(python_that(tmp_path, *LIGHT))
    process.stdin.write(b'["only one"]\n')
    process.stdin.flush()
    assert process.wait(PATIENCE_S) == 2
    output, _ = process.communicate()
    assert [json.loads(line)["event"] for line in output.splitlines()] == ["started", "error"]
    assert b"names no two folders" in output


def test_an_order_comes_in_pieces_counts_once_and_has_an_end():
    paths = (Path("/tmp/Größe 心 'quoted' \"twice\"\n"), Path(os.fsdecode(b"/tmp/\xff")))
    order, line = AwaitedOrder(), order_line(*paths)
    assert line.isascii()
    assert line.count(b"\n") == 1
    for place in range(len(line)):
        assert not order.wait(0)
        order.feed(line[place : place + 1])
    order.feed(b"more\n")
    assert order.wait(0)
    assert order.taken() == paths
    endless = AwaitedOrder()
    endless.feed(b"x" * 70000)
    assert endless.wait(0)
    assert endless.folders is None


@pytest.mark.parametrize("ordered", [False, True], ids=["before its order", "after its order"])
@pytest.mark.robustness(22)
def test_a_worker_whose_standard_input_closes_ends_and_clears_away(temporary, tmp_path, ordered):
    python = python_that(tmp_path, *LIGHT, "w._analyse = lambda *_: time.sleep(600)")
    process = direct(python)
    process.stdout.readline()
    folder = new_handover_folder()
    write_job(Job(study_like()), folder / "job")
    if ordered:
        process.stdin.write(order_line(folder / "job", folder / "result"))
        process.stdin.flush()
        while b"starting the network" not in process.stdout.readline():
            pass
    closed = time.monotonic()
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 3
    assert time.monotonic() - closed < 2
    process.stdout.close()
    assert folder.exists() != ordered
    if not ordered:
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
