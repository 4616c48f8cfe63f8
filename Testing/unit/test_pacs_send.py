"""Sending to nodes that fail in every way: one clear line, nothing lost, and a second send that brings what is missing."""

import logging
import re
import socket
import ssl
import sys
import threading
import time
from pathlib import Path

import pytest
from pydicom.uid import ComprehensiveSRStorage, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, MRImageStorage

from CardiacMTLLib.errors import InputError, MissingPackageError, NodeError
from CardiacMTLLib.pacs.instances import Instance, find_instances
from CardiacMTLLib.pacs.node import Tls
from CardiacMTLLib.pacs.outcome import SendState
from CardiacMTLLib.pacs.send import REQUIREMENT, echo, send_files
from Testing.unit.pacs_nodes import PATIENT, dicom_file, dicom_files, free_port, listener, node_at, scp

association = pytest.importorskip("CardiacMTLLib.pacs.association", reason="sending needs the extra pacs")

IMPATIENCE_S = 0.5
STATES = SendState


@pytest.fixture
def files(tmp_path):
    return dicom_files(tmp_path / "files")


def states(result):
    return [file.state for file in result.files]


def uids(files):
    return [file.sop_instance_uid for file in files]


def abort(event):
    event.assoc.abort()
    return 0


def hang_up(event):
    event.assoc.dul.socket.close()
    return 0


def test_every_file_is_stored_and_the_progress_counts_them(files):
    told = []
    with scp() as node:
        result = send_files(files, node_at(node.port), progress=lambda *counts: told.append(counts))
    assert result.complete
    assert (result.n_safe, result.problem, result.remaining) == (3, None, ())
    assert [(file.path, file.sop_instance_uid, file.status, file.reason) for file in result.files] == [
        (file.path, file.sop_instance_uid, 0, None) for file in files
    ]
    assert node.received == uids(files)
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_only_the_encodings_of_the_files_are_proposed(tmp_path):
    dicom_file(tmp_path / "mr")
    dicom_file(tmp_path / "sr", sop_class=ComprehensiveSRStorage, syntax=DeflatedExplicitVRLittleEndian)
    proposed = []

    def note(event, _number):
        proposed.extend((cx.abstract_syntax, cx.transfer_syntax) for cx in event.assoc.requestor.requested_contexts)
        return 0

    with scp(note) as node:
        send_files(find_instances([tmp_path]).instances, node_at(node.port))
    assert proposed == [(MRImageStorage, [ExplicitVRLittleEndian]), (ComprehensiveSRStorage, [DeflatedExplicitVRLittleEndian])]


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (0x0111, STATES.ALREADY_THERE, "status 0x0111, Duplication SOP Instance"),
        (0xB000, STATES.STORED_WITH_WARNING, "status 0xB000, Coercion of Data Elements"),
        (0xB123, STATES.STORED_WITH_WARNING, "status 0xB123, Warning"),
        (0x0124, STATES.REFUSED, "status 0x0124, Refused: Not Authorised"),
        (0xA700, STATES.REFUSED, "status 0xA700, Refused: Out of Resources"),
        (0xC123, STATES.REFUSED, "status 0xC123, Cannot Understand"),
        (0x7777, STATES.REFUSED, "status 0x7777, Unknown"),
    ],
)
def test_what_the_node_says_to_one_file_holds_up_no_other(files, status, state, reason):
    with scp(lambda _event, number: status if number == 1 else 0) as node:
        result = send_files(files, node_at(node.port))
    assert states(result) == [STATES.STORED, state, STATES.STORED]
    assert (result.files[1].status, result.files[1].reason) == (status, reason)
    assert result.complete == (state is not STATES.REFUSED)
    assert [file.state for file in result.warnings] == [state] * (state is STATES.STORED_WITH_WARNING)
    assert result.problem is None


@pytest.mark.parametrize(("end", "words"), [(abort, "aborted the association"), (hang_up, "closed the connection")])
def test_a_node_that_goes_midway_leaves_a_list_of_what_is_missing_and_a_second_send_brings_it(files, end, words):
    with scp(lambda event, number: end(event) if number == 1 else 0) as node:
        result = send_files(files, node_at(node.port))
        assert states(result) == [STATES.STORED, STATES.UNCONFIRMED, STATES.NOT_SENT]
        assert result.problem == (
            f"NODE at 127.0.0.1:{node.port} {words} at file 2 of 3; expected an answer for each; send again: what the node has "
            "already is not doubled"
        )
        assert [file.reason for file in result.remaining] == ["no answer came for this file", "the send ended before this file"]
        again = send_files(
            [file for file in files if file.path in {left.path for left in result.remaining}], node_at(node.port)
        )
    assert again.complete
    assert set(node.received) == set(uids(files))


def test_a_node_that_goes_between_two_files_is_noticed_before_the_next(files):
    gone = threading.Event()

    def leave_later(event, _number):
        def leave():
            event.assoc.abort()
            gone.set()

        threading.Timer(0.1, leave).start()
        return 0

    def wait(done, _total):
        if done == 1:
            assert gone.wait(20)
            time.sleep(0.1)

    with scp(leave_later) as node:
        result = send_files(files, node_at(node.port), progress=wait)
    assert states(result) == [STATES.STORED, STATES.NOT_SENT, STATES.NOT_SENT]
    assert "at file 2 of 3" in result.problem


def test_a_node_that_does_not_answer_is_given_up_after_the_timeout(files):
    held = threading.Event()
    with scp(lambda _event, _number: held.wait(20) * 0) as node:
        result = send_files(files, node_at(node.port, response_timeout_s=IMPATIENCE_S))
        held.set()
    assert states(result) == [STATES.UNCONFIRMED, STATES.NOT_SENT, STATES.NOT_SENT]
    assert f"gave no answer within {IMPATIENCE_S} s at file 1 of 3" in result.problem


def test_a_node_that_reads_no_more_in_the_middle_of_a_file_is_given_up_too(tmp_path):
    path = dicom_file(tmp_path / "large", n_pixels=3000)
    done = threading.Event()
    with scp() as node:

        def relay_the_greeting(client):
            with socket.create_connection(("127.0.0.1", node.port)) as server:
                server.sendall(client.recv(65536))
                client.sendall(server.recv(65536))
                done.wait(30)

        with listener(relay_the_greeting) as port:
            begun = time.monotonic()
            result = send_files(find_instances([path]).instances, node_at(port, response_timeout_s=1.0))
            assert time.monotonic() - begun < 10
            done.set()
    assert states(result) == [STATES.UNCONFIRMED]
    assert "gave no answer within 1 s" in result.problem
    assert node.received == []


def test_a_kind_of_file_that_the_node_does_not_take_is_named_and_the_others_are_stored(tmp_path, files):
    report = dicom_file(tmp_path / "files" / "report", sop_class=ComprehensiveSRStorage)
    with scp() as node:
        result = send_files(find_instances([tmp_path]).instances, node_at(node.port))
    assert states(result) == [STATES.STORED] * 3 + [STATES.REFUSED]
    assert result.remaining[0].path == str(report)
    assert result.remaining[0].reason == "the node does not take Comprehensive SR Storage as Explicit VR Little Endian"
    assert result.problem is None


def test_a_node_that_takes_no_kind_of_file_gets_none_and_each_is_named(files):
    with scp(supported=[(ComprehensiveSRStorage, ExplicitVRLittleEndian)]) as node:
        result = send_files(files, node_at(node.port))
    assert states(result) == [STATES.REFUSED] * 3
    assert (node.received, result.problem) == ([], None)


def test_a_file_that_was_moved_or_changed_since_it_was_found_is_not_sent_and_holds_up_no_other(tmp_path, files):
    Path(files[0].path).write_bytes(dicom_file(tmp_path / "another").read_bytes())
    Path(files[1].path).unlink()
    with scp() as node:
        result = send_files(files, node_at(node.port))
    assert states(result) == [STATES.REFUSED, STATES.REFUSED, STATES.STORED]
    assert {file.reason for file in result.remaining} == {"the file was moved or changed while others were sent"}
    assert node.received == uids(files)[2:]


def test_an_association_that_ended_a_moment_ago_gives_no_answer(files):
    contexts = [(MRImageStorage, ExplicitVRLittleEndian), ("1.2.840.10008.1.1", "1.2.840.10008.1.2")]
    with scp() as node, association.associated(node_at(node.port), contexts) as link:
        assert link.verify() == 0
        link._association.abort()
        assert (link.store(files[0], 1), link.verify()) == (None, None)


def test_a_cancelled_send_says_how_far_it_came(files):
    with scp() as node:
        result = send_files(files, node_at(node.port), cancelled=lambda: len(node.received) == 2)
    assert states(result) == [STATES.STORED, STATES.STORED, STATES.NOT_SENT]
    assert result.problem == "cancelled after 2 of 3 files; send again when wanted"


def test_more_kinds_of_files_than_one_association_can_propose_are_refused_before_it_is_opened():
    many = [Instance(f"{number}", f"1.2.3.{number}", f"1.2.4.{number}", ExplicitVRLittleEndian) for number in range(129)]
    with pytest.raises(InputError, match="129 combinations of SOP class and transfer syntax; expected at most 128"):
        send_files(many, node_at(1))


def test_without_pynetdicom_the_error_says_what_to_install_and_the_document_the_same(files, monkeypatch):
    monkeypatch.delitem(sys.modules, "CardiacMTLLib.pacs.association", raising=False)
    monkeypatch.delattr("CardiacMTLLib.pacs.association", raising=False)
    monkeypatch.setitem(sys.modules, "pynetdicom", None)
    with pytest.raises(MissingPackageError, match=re.escape(f"pip install '{REQUIREMENT}'")):
        send_files(files, node_at(1))
    root = Path(__file__).resolve().parents[2]
    assert f"`pip install '{REQUIREMENT}'`" in (root / "docs" / "pacs.md").read_text(encoding="utf-8")
    assert f'pacs = ["{REQUIREMENT}"]' in (root / "pyproject.toml").read_text(encoding="utf-8")


def refusal(work, node):
    """The one line of an error, without the node's name."""
    with pytest.raises(NodeError) as caught:
        work(node)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(str(node))
    return text.removeprefix(str(node)).strip()


@pytest.fixture(params=["send", "echo"])
def work(request, files):
    return echo if request.param == "echo" else lambda node: send_files(files, node)


def test_where_nobody_listens_the_connection_is_refused(work):
    assert refusal(work, node_at(free_port())).startswith("cannot be reached ([Errno")


def test_a_host_without_address_cannot_be_reached(work, monkeypatch):
    def unknown(*_arguments, **_options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    assert refusal(work, node_at(104, host="node.invalid")).startswith("cannot be reached (Name or service not known)")


def test_a_host_that_can_be_no_name_cannot_be_reached(work):
    assert refusal(work, node_at(104, host="a..b")).startswith("cannot be reached (")


@pytest.mark.skipif(sys.platform != "linux", reason="a full queue drops connections on Linux")
def test_a_host_that_does_not_answer_is_given_up_after_the_connection_timeout(work):
    with listener(None) as port, socket.create_connection(("127.0.0.1", port)):
        assert refusal(work, node_at(port, connection_timeout_s=0.3)).startswith("cannot be reached (timed out)")


def test_a_server_that_says_nothing_is_given_up_after_the_response_timeout(work):
    done = threading.Event()
    with listener(lambda _connection: done.wait(20)) as port:
        words = refusal(work, node_at(port, response_timeout_s=IMPATIENCE_S))
        done.set()
    assert words.startswith(f"gave no answer within {IMPATIENCE_S} s before it took the association")


def test_a_server_that_is_no_dicom_node_is_told_from_one_that_is(work):
    with listener(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        assert "before it took the association; expected a DICOM node" in refusal(work, node_at(port))


def test_a_wrong_called_title_is_named_as_the_reason(work):
    with scp(called_ae="OTHER") as node:
        words = refusal(work, node_at(node.port))
    assert words.startswith("refused the association of CARDIACMTL (Called AE title not recognised); expected both AE titles")


def test_a_node_answers_an_echo():
    with scp() as node:
        echo(node_at(node.port))
    assert node.received == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _event: 0x0122, "answered C-ECHO with status 0x0122; expected 0x0000"),
        (abort, "aborted the association; expected the answer to C-ECHO"),
    ],
)
def test_an_echo_without_success_is_an_error(answer, words):
    with scp(echo=answer) as node:
        assert words in refusal(echo, node_at(node.port))


def test_a_node_that_takes_no_echo_is_named():
    with scp(supported=[(MRImageStorage, ExplicitVRLittleEndian)]) as node:
        assert refusal(echo, node_at(node.port)).startswith("does not take C-ECHO")


@pytest.mark.parametrize("missing", ["ca_file", "cert_file", "key_file"])
def test_a_file_of_tls_that_is_missing_is_named_before_the_node_is_asked(tmp_path, missing):
    authority = ssl.get_default_verify_paths().cafile or ""
    names = {"ca_file": authority, "cert_file": str(tmp_path / "cert"), "key_file": str(tmp_path / "key")}
    if missing == "ca_file":
        names = {"ca_file": str(tmp_path / "ca_file")}
    with pytest.raises(InputError, match=r"TLS cannot use .*No such file"):
        echo(node_at(1, tls=Tls(**names)))


def test_log_records_carry_uids_and_nothing_of_pynetdicom(tmp_path, caplog):
    """Not even where the application has every log turned on, as 3D Slicer has for its own."""
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("pynetdicom")
    before = logger.propagate, list(logger.handlers)
    path = dicom_file(tmp_path / f"{PATIENT} 4711-secret.dcm")
    with scp(lambda event, number: abort(event) if number else 0) as node:
        caplog.clear()
        send_files(find_instances([path]).instances, node_at(node.port))
        send_files(find_instances([path]).instances, node_at(node.port))
        records = [record for record in caplog.records if record.threadName == "MainThread"]
    (uid,) = set(node.received)
    assert [record.getMessage() for record in records] == [f"stored {uid}", f"unconfirmed {uid}"]
    assert "secret" not in caplog.text
    assert (logger.propagate, list(logger.handlers)) == before


def test_an_interrupt_ends_the_association_and_puts_the_settings_back(files):
    def interrupt(_done, _total):
        raise KeyboardInterrupt

    with scp() as node:
        before = len(threading.enumerate())
        with pytest.raises(KeyboardInterrupt):
            send_files(files, node_at(node.port), progress=interrupt)
        patience = time.monotonic() + 20
        while len(threading.enumerate()) > before:
            assert time.monotonic() < patience
            time.sleep(0.01)
    assert logging.getLogger("pynetdicom").propagate
