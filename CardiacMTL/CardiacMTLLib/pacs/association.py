"""One association with a node through pynetdicom: how it is opened, used and closed, and what each failure is called."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ABORT_RQ
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made when the module is imported
from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS, code_to_category

from CardiacMTLLib.errors import InputError, NodeError
from CardiacMTLLib.pacs.instances import Instance
from CardiacMTLLib.pacs.node import GOODBYE_TIMEOUT_S, Node, Tls
from CardiacMTLLib.pacs.outcome import SendState
from CardiacMTLLib.pacs.silence import silenced

Context = tuple[str, str]
"""SOP class UID and transfer syntax UID."""

_DUPLICATE = 0x0111
_OF_CATEGORY = {"Success": SendState.STORED, "Warning": SendState.STORED_WITH_WARNING}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a node said to one file: the state that follows, its DIMSE status, and what that status means."""

    state: SendState
    status: int
    reason: str | None


class Link:
    """An association that stands; made by `associated`."""

    def __init__(self, association: Association, watch: _Watch, contexts: Sequence[Context]) -> None:
        self._association, self._watch = association, watch
        accepted = {
            (str(context.abstract_syntax), str(context.transfer_syntax[0]))
            for context in association.accepted_contexts
            if context.transfer_syntax
        }
        self._accepted = accepted & set(contexts)

    @property
    def alive(self) -> bool:
        """Whether the node has not ended the association."""
        return self._association.is_established

    @property
    def accepts_nothing(self) -> bool:
        """Whether the node took none of the proposed kinds of files; the association has ended by that."""
        return not self._accepted

    @property
    def loss(self) -> str:
        """How the association was lost: a sentence's beginning."""
        return self._watch.loss()

    def accepts(self, instance: Instance) -> bool:
        """Whether the node takes files of this kind."""
        return (instance.sop_class_uid, instance.transfer_syntax_uid) in self._accepted

    def store(self, instance: Instance, message_id: int) -> Answer | None:
        """Send one file and wait for the answer, None where none came; `message_id` is 1 to 65535."""
        status = self._status_of(lambda: self._association.send_c_store(instance.path, msg_id=message_id))
        return None if status is None else _answer(status)

    def verify(self) -> int | None:
        """The status of a C-ECHO, None where no answer came."""
        return self._status_of(self._association.send_c_echo)

    def _status_of(self, ask: Callable[[], Dataset]) -> int | None:
        self._watch.begin()
        try:
            said = ask()
        except RuntimeError:  # the node ended the association a moment ago
            return None
        return int(said.Status) if "Status" in said else None


class _Watch:
    """What pynetdicom's events tell about the connection, and since when an answer is waited for."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._since = time.monotonic()
        self._aborted = False
        self._sockets: list[socket.socket] = []
        self.opened = False

    @property
    def handlers(self) -> list[Any]:
        return [(evt.EVT_ACSE_SENT, self._keep_socket), (evt.EVT_CONN_OPEN, self._on_open), (evt.EVT_PDU_RECV, self._on_pdu)]

    def begin(self) -> None:
        self._since = time.monotonic()

    def loss(self) -> str:
        if self._aborted:
            return f"{self._node} aborted the association"
        if time.monotonic() - self._since >= self._node.response_timeout_s:
            return f"{self._node} gave no answer within {self._node.response_timeout_s:g} s"
        return f"{self._node} closed the connection"

    def close(self) -> None:
        """Close what pynetdicom leaves to the garbage collector: sockets whose other end is not there, or has gone first."""
        for opened in self._sockets:
            opened.close()

    def _on_open(self, event: evt.Event) -> None:
        """A node that reads no more would hold up pynetdicom's thread for ever: each write has an end, too."""
        self.opened = True
        self.begin()
        self._keep_socket(event)
        self._sockets[-1].settimeout(self._node.response_timeout_s)
        event.assoc.dul.artim_timer.timeout = self._node.goodbye_timeout_s

    def _keep_socket(self, event: evt.Event) -> None:
        """TLS puts another socket in the first one's place."""
        connection = event.assoc.dul.socket
        if connection is not None and connection.socket is not None:
            self._sockets.append(connection.socket)

    def _on_pdu(self, event: evt.Event) -> None:
        self._aborted = self._aborted or isinstance(event.pdu, A_ABORT_RQ)


@contextmanager
def associated(node: Node, contexts: Sequence[Context]) -> Iterator[Link]:
    """An association with `node` that proposes `contexts`, each by itself; released at the end, aborted after an error.

    A node that accepts none of them gives a link that accepts nothing. Raises `NodeError` where there is no association.
    """
    entity = AE(ae_title=node.calling_ae)
    entity.connection_timeout = node.connection_timeout_s
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = node.response_timeout_s
    tls = None if node.tls is None else (tls_context(node.tls), node.tls.server_name or node.host)
    watch = _Watch(node)
    with silenced() as overheard:
        try:
            association = entity.associate(
                node.host,
                node.port,
                [build_context(UID(sop_class), UID(syntax)) for sop_class, syntax in contexts],
                ae_title=node.called_ae,
                tls_args=tls,
                evt_handlers=watch.handlers,
            )
        except (OSError, UnicodeError) as error:  # a name without address, or one that can be none
            raise NodeError(_unreachable(node, getattr(error, "strerror", None) or str(error))) from error
        try:
            _require_association(association, watch, node, overheard.connection_failure)
            association.acse_timeout = node.goodbye_timeout_s
            yield Link(association, watch, contexts)
            association.release()
        finally:
            _end(association)
            watch.close()


def echo(node: Node) -> None:
    """C-ECHO; raises `NodeError` unless the node answers with success."""
    context = (str(Verification), "1.2.840.10008.1.2")
    with associated(node, [context]) as link:
        if link.accepts_nothing:
            raise NodeError(f"{node} does not take C-ECHO; expected it of every DICOM node; ask whoever runs it")
        status = link.verify()
        if status is None:
            raise NodeError(f"{link.loss}; expected the answer to C-ECHO; try again")
        if status:
            raise NodeError(f"{node} answered C-ECHO with status 0x{status:04X}; expected 0x0000; ask whoever runs it")


def tls_context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 or newer with the node's certificate checked; raises `InputError` for a file that is missing or unusable."""
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.cert_file is not None:
            # An empty passphrase, so that nobody is asked for one on a terminal.
            context.load_cert_chain(tls.cert_file, tls.key_file, password="")
    except OSError as error:
        names = ", ".join(name for name in (tls.ca_file, tls.cert_file, tls.key_file) if name is not None)
        raise InputError(
            f"TLS cannot use {names} ({error.strerror or error}); expected PEM files, the key without passphrase; correct them"
        ) from error
    return context


def _require_association(association: Association, watch: _Watch, node: Node, connection_failure: str) -> None:
    """Raise `NodeError` unless the association stands, or was given up only because no context was accepted."""
    if association.is_established or (association.rejected_contexts and not association.accepted_contexts):
        return
    if association.is_rejected:
        reason = association.acceptor.primitive.reason_str  # type: ignore[union-attr]  # a rejection carries one
        raise NodeError(
            f"{node} refused the association of {node.calling_ae} ({reason}); expected both AE titles to be known there; "
            "correct the titles, or have this one entered at the node"
        )
    if not watch.opened:
        raise NodeError(_unreachable(node, connection_failure or "no connection"))
    raise NodeError(f"{watch.loss()} before it took the association; expected a DICOM node; check host, port and TLS")


def _unreachable(node: Node, reason: str) -> str:
    return f"{node} cannot be reached ({reason}); expected a DICOM node there; check host, port, TLS and the network"


def _answer(status: int) -> Answer:
    if status == 0:
        return Answer(SendState.STORED, status, None)
    category, meaning = STORAGE_SERVICE_CLASS_STATUS.get(status, (code_to_category(status), ""))
    state = SendState.ALREADY_THERE if status == _DUPLICATE else _OF_CATEGORY.get(category, SendState.REFUSED)
    return Answer(state, status, f"status 0x{status:04X}, {meaning or category}")


def _end(association: Association) -> None:
    """See to it that nothing of the association is left: neither its threads nor its connection."""
    if association.is_established:
        association.abort()
    association.kill()
    connection = association.dul.socket
    if connection is not None:
        connection.close()
    for thread in (association, association.dul):
        if thread.is_alive():
            thread.join(GOODBYE_TIMEOUT_S)
