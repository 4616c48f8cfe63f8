"""The client with a runner that does as it is told: what is handed over, told, cancelled, killed, and brought back."""

import os
from pathlib import Path

import numpy as np
import pytest

from CardiacMTLLib.errors import OutputError
from CardiacMTLLib.job import client as client_module
from CardiacMTLLib.job.client import JobClient, JobEnd, JobListener
from CardiacMTLLib.job.events import Done, Failed, Note, Progress, Started, event_line
from CardiacMTLLib.job.folder import Job, read_job
from CardiacMTLLib.job.result import write_result
from CardiacMTLLib.job.worker_client import GIVE_UP_S, GRACE_S
from Testing.unit.analyses import analysis_of, study_like

ANALYSIS = analysis_of(study_like())
PID = 4_000_000


class FakeRunner:
    """Notes what is asked of it; the test plays the worker by `say` and `end`."""

    def start(self, command, on_stdout, on_finished):
        self.command, self.on_stdout, self.end = command, on_stdout, on_finished
        self.asked = []

    def close_stdin(self):
        self.asked.append("close")

    def kill(self):
        self.asked.append("kill")

    def say(self, *events):
        self.on_stdout(b"".join(event if isinstance(event, bytes) else event_line(event) for event in events))


class Desk:
    """A started client with everything about it noted."""

    def __init__(self, job):
        self.now, self.told, self.outcomes, self.ended = 0.0, [], [], []
        self.runner = FakeRunner()
        listener = JobListener(lambda *told: self.told.append(told), self.told.append, self.outcomes.append)
        self.client = JobClient(
            job, self.runner, listener, "python", clock=lambda: self.now, end_process_tree=self.ended.append
        )
        self.client.start()
        self.job_folder, self.result_folder = (Path(part) for part in self.runner.command[-2:])

    @property
    def outcome(self):
        (outcome,) = self.outcomes
        return outcome

    def after(self, seconds):
        self.now = seconds
        self.client.tick()


@pytest.fixture
def desk(temporary):
    return Desk(Job(ANALYSIS.study, model="tiny"))


def test_the_job_is_handed_over_in_a_folder_whose_name_tells_nothing(desk):
    assert read_job(desk.job_folder).model == "tiny"
    assert desk.runner.command[0] == "python"
    assert Path(desk.runner.command[1]).name == "worker.py"
    assert desk.job_folder.parent.name.startswith("cardiacmtl-job-")
    desk.runner.end(1)


def test_progress_and_notes_are_passed_on_and_the_result_is_brought_back(desk):
    desk.runner.say(
        Started(PID), b"noise of a library\n", Progress("measuring", 0.5), b"\xff\n", Note("slow"), Progress("x", 7.0)
    )
    assert desk.told == [("measuring", 0.5), "slow", ("x", 1.0)]
    assert desk.client.running
    write_result(ANALYSIS, desk.result_folder)
    desk.runner.say(Done())
    assert desk.outcomes == []
    desk.runner.end(0)
    assert desk.outcome.end is JobEnd.DONE
    assert desk.outcome.analysis.measurements == ANALYSIS.measurements
    assert desk.outcome.analysis.study is ANALYSIS.study
    assert not desk.client.running


def test_the_error_that_the_worker_reports_is_the_outcome(desk):
    desk.runner.say(Started(PID), Failed("there is no model 'tiny'; ..."), Done())
    desk.runner.end(2)
    assert (desk.outcome.end, desk.outcome.text) == (JobEnd.FAILED, "there is no model 'tiny'; ...")


@pytest.mark.parametrize(
    ("events", "status", "words"),
    [
        ([], None, "could not be started"),
        ([], 1, "ended before it began to work (with exit status 1)"),
        ([Started(PID)], -9, "ended unexpectedly (with exit status -9)"),
        ([Started(PID), Progress("x", 0.5)], 0, "ended unexpectedly (with exit status 0)"),
        ([Started(PID)], None, "ended unexpectedly (without exit status)"),
        ([Started(PID), Done()], 0, "result/analysis.json cannot be read"),
        ([Started(PID, protocol=2), Progress("x", 0.5), Done()], 0, "speaks protocol 2; expected 1"),
    ],
)
def test_a_worker_that_ends_without_a_result_is_a_failure_in_one_line(desk, events, status, words):
    desk.runner.say(*events)
    desk.runner.end(status)
    assert desk.outcome.end is JobEnd.FAILED
    assert words in desk.outcome.text
    assert "\n" not in desk.outcome.text


def test_a_worker_of_another_protocol_is_told_to_end(desk):
    desk.runner.say(Started(PID, protocol=2), Started(PID, protocol=2))
    assert desk.runner.asked == ["close"]
    desk.runner.end(3)


def test_cancel_closes_stdin_and_a_worker_that_ends_then_is_not_killed(desk):
    desk.runner.say(Started(PID))
    desk.client.cancel()
    desk.client.cancel()
    desk.after(GRACE_S / 2)
    assert desk.runner.asked == ["close"]
    desk.runner.end(3)
    desk.after(10)
    assert desk.outcome.end is JobEnd.CANCELLED
    assert desk.ended == []


def test_a_cancelled_worker_that_goes_on_is_killed_once_with_its_process_tree(desk):
    desk.runner.say(Started(PID))
    desk.client.cancel()
    desk.after(GRACE_S)
    desk.after(GRACE_S + 0.1)
    assert (desk.runner.asked, desk.ended) == (["close", "kill"], [PID])
    assert desk.outcomes == []
    desk.runner.end(-9)
    assert desk.outcome.end is JobEnd.CANCELLED


def test_a_process_that_cannot_be_killed_keeps_nobody_waiting(desk):
    desk.client.cancel()
    desk.after(GIVE_UP_S)
    assert desk.outcome.end is JobEnd.CANCELLED
    assert desk.ended == []
    desk.runner.say(Started(PID), Done())
    desk.runner.end(0)
    desk.client.cancel()
    desk.after(99)
    assert len(desk.outcomes) == 1


def test_a_process_id_that_comes_after_the_cancel_is_still_used_and_nothing_else_is_told(desk):
    desk.client.cancel()
    desk.runner.say(Started(PID), Progress("x", 0.5), Note("y"))
    desk.after(GRACE_S)
    assert desk.ended == [PID]
    assert desk.told == []
    desk.runner.end(-9)


@pytest.mark.parametrize("pid", [-1, 0, 1, os.getpid()], ids=["negative", "none", "init", "own"])
def test_a_process_id_that_cannot_be_a_worker_s_is_never_killed(desk, pid):
    desk.runner.say(Started(pid))
    desk.client.cancel()
    desk.after(GRACE_S)
    assert desk.ended == []
    desk.runner.end(0)


def test_a_result_that_was_there_already_does_not_undo_a_cancel(desk):
    write_result(ANALYSIS, desk.result_folder)
    desk.runner.say(Started(PID), Done())
    desk.client.cancel()
    desk.runner.end(0)
    assert desk.outcome.end is JobEnd.CANCELLED
    assert desk.outcome.analysis is None


def test_cancel_before_the_start_does_nothing(temporary):
    client = JobClient(Job(ANALYSIS.study), FakeRunner(), JobListener())
    client.cancel()
    client.tick()
    assert not client.running


def test_a_job_that_cannot_be_written_is_an_error_at_the_start_and_leaves_nothing(temporary, monkeypatch):
    monkeypatch.setattr(client_module, "job_pieces", no_room)
    with pytest.raises(OutputError, match="no room"):
        Desk(Job(ANALYSIS.study))


def no_room(job, folder):
    folder.mkdir()
    yield
    raise OutputError("no room")


def begun(job, monkeypatch, pieces=None):
    """A client whose job is still being written, the runner that waits for it, and what it tells."""
    if pieces is not None:
        monkeypatch.setattr(client_module, "job_pieces", pieces)
    runner, outcomes = FakeRunner(), []
    runner.command = None
    client = JobClient(job, runner, JobListener(finished=outcomes.append))
    client.begin()
    return client, runner, outcomes


def test_a_job_is_written_piece_by_piece_and_the_worker_starts_after_the_last(temporary, monkeypatch):
    monkeypatch.setattr("CardiacMTLLib.job.array_file.PIECE_BYTES", ANALYSIS.study.frames[0].nbytes)
    client, runner, _ = begun(Job(ANALYSIS.study), monkeypatch)
    ticks = 0
    while client.preparing:
        assert client.running
        assert runner.command is None
        client.tick()
        ticks += 1
    assert ticks > len(ANALYSIS.study.frames)
    assert np.array_equal(read_job(Path(runner.command[-2])).study.frames, ANALYSIS.study.frames)
    runner.end(1)


def test_a_cancel_while_the_job_is_written_leaves_nothing_and_starts_no_worker(temporary, monkeypatch):
    client, runner, outcomes = begun(Job(ANALYSIS.study), monkeypatch)
    client.tick()
    client.cancel()
    client.tick()
    assert (outcomes[0].end, client.running, runner.command) == (JobEnd.CANCELLED, False, None)


def test_a_job_that_cannot_be_written_piece_by_piece_ends_with_the_reason(temporary, monkeypatch):
    client, runner, outcomes = begun(Job(ANALYSIS.study), monkeypatch, no_room)
    client.tick()
    client.tick()
    assert (outcomes[0].end, outcomes[0].text, runner.command) == (JobEnd.FAILED, "no room", None)


def test_no_room_for_temporary_files_is_an_error_at_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(OutputError, match="no temporary folder can be made"):
        Desk(Job(ANALYSIS.study))


def test_a_listener_need_not_listen():
    listener = JobListener()
    assert (listener.progress("x", 0.5), listener.note("x"), listener.finished(None)) == (None, None, None)
