"""Sending in a process of its own, as the panel does, and from the command line."""

import dataclasses
import json
import time

import pytest

from CardiacMTLLib.cli import main
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.job.events import Note, Progress
from CardiacMTLLib.job.process import SubprocessRunner
from CardiacMTLLib.job.worker_client import JobEnd
from CardiacMTLLib.pacs import send_job
from CardiacMTLLib.pacs.client import SendClient, SendListener, SendOutcome
from CardiacMTLLib.pacs.node import Tls, node_text
from CardiacMTLLib.pacs.outcome import FileResult, SendResult, SendState
from CardiacMTLLib.pacs.send_job import SendJob, read_send_job, read_send_result, write_send_job
from Testing.unit.pacs_nodes import HOST, PATIENCE_S, TITLE, dicom_file, dicom_files, free_port, node_at, scp, storescp

pytest.importorskip("pynetdicom", reason="sending needs the extra pacs")


@pytest.fixture
def folder(tmp_path):
    dicom_files(tmp_path / "dicom")
    return tmp_path / "dicom"


class Desk:
    """A started client, and all that it told."""

    def __init__(self, job):
        self.told, self.notes, self.outcomes = [], [], []
        listener = SendListener(lambda *told: self.told.append(told), self.notes.append, self.outcomes.append)
        self.runner = SubprocessRunner()
        self.client = SendClient(job, self.runner, listener)

    def work(self):
        self.client.run_with(self.runner)
        (outcome,) = self.outcomes
        return outcome


def test_a_worker_sends_tells_its_progress_and_brings_the_list_of_files_back(temporary, folder):
    with scp(lambda _event, number: 0xB006 if number == 1 else 0) as node:
        desk = Desk(SendJob((str(folder),), node_at(node.port)))
        outcome = desk.work()
    assert (outcome.end, outcome.text) == (JobEnd.DONE, "")
    assert [file.state for file in outcome.result.files] == [
        SendState.STORED,
        SendState.STORED_WITH_WARNING,
        SendState.STORED,
    ]
    assert desk.told == [(f"sent {number} of 3 files", number / 3) for number in range(4)]
    assert desk.notes == ["1.dcm: status 0xB006, Element Discarded"]


def test_a_worker_without_files_asks_whether_the_node_answers(temporary):
    with scp() as node:
        assert Desk(SendJob((), node_at(node.port))).work() == SendOutcome(JobEnd.DONE, SendResult(()))


def test_the_error_of_a_worker_is_one_line(temporary):
    port = free_port()
    outcome = Desk(SendJob((), node_at(port))).work()
    assert (outcome.end, outcome.result) == (JobEnd.FAILED, None)
    assert outcome.text.startswith(f"{TITLE} at {HOST}:{port} cannot be reached (")


def test_a_cancelled_worker_ends_within_two_seconds_and_a_second_send_brings_all(temporary, folder, tmp_path):
    with storescp(tmp_path / "received", "--sleep-during", "600") as (server, port):
        desk = Desk(SendJob((str(folder),), node_at(port)))
        desk.client.start()
        patience = time.monotonic() + PATIENCE_S
        while not desk.told:
            assert time.monotonic() < patience
            desk.runner.poll()
            time.sleep(0.01)
        begun = time.monotonic()
        desk.client.cancel()
        desk.runner.run(desk.client.tick)
        assert time.monotonic() - begun < 2
        server.kill()
    assert desk.outcomes == [SendOutcome(JobEnd.CANCELLED)]
    with storescp(tmp_path / "received") as (_, port):
        assert Desk(SendJob((str(folder),), node_at(port))).work().result.complete
    assert len(list((tmp_path / "received").iterdir())) == 3


def test_a_worker_that_dies_is_a_failure_that_says_what_to_do(temporary, folder):
    with scp(lambda event, _number: time.sleep(1) or 0) as node:
        desk = Desk(SendJob((str(folder),), node_at(node.port)))
        desk.client.start()
        while not desk.told:
            desk.runner.poll()
            time.sleep(0.01)
        desk.runner.kill()
        desk.runner.run(desk.client.tick)
    assert desk.outcomes[0].end is JobEnd.FAILED
    assert desk.outcomes[0].text.endswith("send again: what the node has already is not doubled")


def test_what_a_worker_does_is_the_same_within_this_process(folder, tmp_path):
    events = []
    with scp(lambda _event, number: 0xA700 if number == 2 else 0) as node:
        write_send_job(SendJob((str(folder),), node_at(node.port)), tmp_path / "job")
        send_job._send(tmp_path / "job", tmp_path / "result", events.append)
        write_send_job(SendJob((), node_at(node.port)), tmp_path / "ask")
        send_job._send(tmp_path / "ask", tmp_path / "answer", events.append)
    result = read_send_result(tmp_path / "result")
    assert (result.n_safe, result.complete, len(result.remaining)) == (2, False, 1)
    assert events[3:] == [
        Progress("sent 3 of 3 files", 1.0),
        Note("2.dcm: status 0xA700, Refused: Out of Resources"),
        Progress("asking the node", 0.0),
    ]
    assert read_send_result(tmp_path / "answer").files == ()


def test_job_and_result_come_back_from_their_folders_and_unknown_keys_do_not(tmp_path):
    job = SendJob(("a", "b"), node_at(104, tls=Tls("ca.pem")))
    write_send_job(job, tmp_path / "job")
    assert read_send_job(tmp_path / "job") == job
    path = tmp_path / "job" / "send.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"colour": 1}), encoding="utf-8")
    with pytest.raises(InputError, match="unknown keys"):
        read_send_job(tmp_path / "job")
    with pytest.raises(InputError, match=r"sent\.json cannot be read"):
        read_send_result(tmp_path / "absent")


def test_a_listener_need_not_listen():
    listener = SendListener()
    assert (listener.progress("x", 0.5), listener.note("x"), listener.finished(None)) == (None, None, None)


def to(node):
    return ("--to", f"{HOST}:{node.port}", "--called-ae", TITLE)


def test_the_command_sends_a_folder_and_says_what_was_left_out(folder, capsys):
    (folder / "result.json").write_text("{}", encoding="utf-8")
    with scp(lambda _event, number: 0xB000 if number == 0 else 0) as node:
        assert main(["send", str(folder), *to(node)]) == 0
        out, err = capsys.readouterr()
    assert (
        out == f"3 of 3 files are stored at NODE at {HOST}:{node.port}; 1 other files were left out, for they are not DICOM\n"
    )
    assert err == f"warning: {folder / '0.dcm'}: status 0xB000, Coercion of Data Elements\n"


def test_the_command_names_every_file_that_is_not_stored_and_ends_with_one(folder, capsys):
    with scp(lambda _event, number: 0xA900 if number == 1 else 0) as node:
        assert main(["send", str(folder / "0.dcm"), str(folder / "1.dcm"), *to(node)]) == 1
        out, err = capsys.readouterr()
        reason = "status 0xA900, Data Set Does Not Match SOP Class"
        assert err == f"not stored: {folder / '1.dcm'}: {reason}\n"
        assert out == (
            f"1 of 2 files are stored at NODE at {HOST}:{node.port}: 1.dcm: {reason}; expected all; send again: what the node "
            "has already is not doubled\n"
        )


def test_the_command_says_why_a_send_ended_early(folder, capsys):
    with scp(lambda event, number: event.assoc.abort() or 0 if number == 1 else 0) as node:
        assert main(["send", str(folder), *to(node)]) == 1
    assert "1 of 3 files are stored" in (out := capsys.readouterr().out)
    assert "aborted the association at file 2 of 3; expected all; send again" in out


def test_the_command_asks_a_node_of_a_file(tmp_path, capsys):
    with scp() as node:
        (tmp_path / "node.json").write_text(node_text(node_at(node.port)), encoding="utf-8")
        assert main(["echo", "--node", str(tmp_path / "node.json")]) == 0
    assert capsys.readouterr().out == f"NODE at {HOST}:{node.port} answers\n"


@pytest.mark.parametrize("command", [["echo"], ["send", "DICOM"]])
def test_a_node_that_is_not_there_ends_a_command_with_two_and_one_line(tmp_path, capsys, command):
    path = dicom_file(tmp_path / "a.dcm")
    words = [str(path) if word == "DICOM" else word for word in command]
    assert main([*words, "--to", f"{HOST}:{free_port()}", "--called-ae", TITLE]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"cardiacmtl: error: NODE at {HOST}:")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "expected --node FILE, or both --to HOST:PORT and --called-ae TITLE"),
        (["--to", "pacs:104"], "expected --node FILE, or both"),
        (["--node", "n.json", "--to", "pacs:104", "--called-ae", "A"], "got --node together with --to, --called-ae"),
        (["--to", "pacs", "--called-ae", "A"], "expected HOST:PORT"),
        (["--to", "pacs:104", "--called-ae", "A", "--tls-name", "x"], "got options of TLS without --tls-ca"),
        (["--to", "pacs:104", "--called-ae", "A", "--tls-ca", "a", "--tls-key", "k"], "a certificate or a key alone"),
        (["--to", "pacs:104", "--called-ae", "A", "--timeout-s", "0"], "the response timeout is 0"),
        (["--to", "pacs:104", "--called-ae", "A", "--calling-ae", ""], "the calling AE title is ''"),
    ],
)
def test_options_that_describe_no_node_are_refused(capsys, options, words):
    assert main(["echo", *options]) == 2
    assert words in capsys.readouterr().err


def test_options_describe_the_same_node_as_its_file(monkeypatch):
    asked = []
    monkeypatch.setattr("CardiacMTLLib.pacs.send.echo", asked.append)
    given = ["--to", "[::1]:11112", "--called-ae", "A", "--calling-ae", "B", "--timeout-s", "5"]
    assert main(["echo", *given, "--tls-ca", "a", "--tls-cert", "c", "--tls-key", "k", "--tls-name", "n"]) == 0
    expected = node_at(11112, "A", host="::1", calling_ae="B", connection_timeout_s=10.0, response_timeout_s=5.0)
    assert asked == [dataclasses.replace(expected, tls=Tls("a", "c", "k", "n"))]


def test_a_file_result_knows_whether_the_node_has_it():
    safe = {state for state in SendState if FileResult("a", "1.2", state).safe}
    assert safe == {SendState.STORED, SendState.STORED_WITH_WARNING, SendState.ALREADY_THERE}
