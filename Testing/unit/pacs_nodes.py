"""DICOM nodes on this machine for tests: dcmtk's storescp, Orthanc, and a node of pynetdicom that fails as it is told."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage, ExplicitVRLittleEndian, MRImageStorage

from CardiacMTLLib.pacs.instances import Instance, find_instances
from CardiacMTLLib.pacs.node import Node
from Testing.dicom_fixtures import set_pixels, uid, write

STORESCP = shutil.which("storescp")
ORTHANC = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
HOST = "127.0.0.1"
PATIENT = "Doe^Jane"
PATIENCE_S = 60.0
TITLE = "NODE"


def dicom_file(path: Path, *, sop_class: str = MRImageStorage, syntax: str = ExplicitVRLittleEndian, n_pixels: int = 8) -> Path:
    """A small DICOM file whose UIDs come from its name."""
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = sop_class, uid("pacs", path.name)
    data.StudyInstanceUID, data.SeriesInstanceUID = uid("pacs", "study"), uid("pacs", "series", sop_class)
    data.PatientName, data.PatientID = PATIENT, "4711-secret"
    if sop_class != ComprehensiveSRStorage:
        set_pixels(data, np.arange(n_pixels * n_pixels, dtype=np.uint32).reshape(n_pixels, n_pixels).astype(np.uint16))
    return write(data, path, syntax)


def dicom_files(folder: Path, n_files: int = 3) -> tuple[Instance, ...]:
    """Some DICOM files in `folder`, ready to be sent."""
    for number in range(n_files):
        dicom_file(folder / f"{number}.dcm")
    return find_instances([folder]).instances


def node_at(port: int, called_ae: str = TITLE, **values: object) -> Node:
    """A node on this machine that is not waited for long."""
    usual = {"host": HOST, "connection_timeout_s": 5.0, "response_timeout_s": 20.0}
    return Node(port=port, called_ae=called_ae, **{**usual, **values})


@dataclass
class Scp:
    """A running node of pynetdicom: its port, and the SOP Instance UIDs that it was sent, in their order."""

    port: int
    received: list[str] = field(default_factory=list)


@contextmanager
def scp(
    on_store: Callable[[object, int], int] = lambda _event, _number: 0,
    *,
    echo: Callable[[object], int] = lambda _event: 0,
    supported: Sequence[tuple[str, str]] = (
        (MRImageStorage, ExplicitVRLittleEndian),
        ("1.2.840.10008.1.1", "1.2.840.10008.1.2"),
    ),
    called_ae: str = "",
) -> Iterator[Scp]:
    """A node that gives to each C-STORE the status that `on_store` says; that gets the event and how many came before."""
    pynetdicom = pytest.importorskip("pynetdicom")
    node = Scp(0)

    def store(event: object) -> int:
        node.received.append(str(event.request.AffectedSOPInstanceUID))
        return on_store(event, len(node.received) - 1)

    entity = pynetdicom.AE(ae_title=called_ae or TITLE)
    entity.require_called_aet = bool(called_ae)
    for sop_class, syntax in supported:
        entity.add_supported_context(sop_class, syntax)
    handlers = [(pynetdicom.evt.EVT_C_STORE, store), (pynetdicom.evt.EVT_C_ECHO, echo)]
    server = entity.start_server((HOST, 0), block=False, evt_handlers=handlers)
    node.port = server.server_address[1]
    try:
        yield node
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def listener(serve: Callable[[socket.socket], None] | None) -> Iterator[int]:
    """A port where each connection is handed to `serve` and closed after it; None: none is ever taken off the queue."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        door.bind((HOST, 0))
        door.listen(0 if serve is None else 5)
        thread = None
        if serve is not None:

            def work() -> None:
                while True:
                    try:
                        connection, _ = door.accept()
                    except OSError:
                        return
                    with connection:
                        serve(connection)

            thread = threading.Thread(target=work, daemon=True)
            thread.start()
        try:
            yield door.getsockname()[1]
        finally:
            if thread is not None:
                door.shutdown(socket.SHUT_RDWR)
                thread.join(PATIENCE_S)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as door:
        door.bind((HOST, 0))
        return door.getsockname()[1]


@contextmanager
def process(command: Callable[[], tuple[list[str], int]]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server as a process, once it listens; a port that somebody took meanwhile is changed for another one."""
    for _ in range(5):
        arguments, port = command()
        server = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if listens(server, port):
            break
        end(server)
    else:
        raise RuntimeError(f"{arguments[0]} does not start")
    try:
        yield server, port
    finally:
        end(server)


def listens(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server takes connections; False where it has ended before."""
    patience = time.monotonic() + PATIENCE_S
    while server.poll() is None and time.monotonic() < patience:
        try:
            with socket.create_connection((HOST, port), 1):
                time.sleep(0.05)
                return server.poll() is None
        except OSError:
            time.sleep(0.02)
    return False


def end(server: subprocess.Popen[bytes]) -> None:
    """End a server, kindly first."""
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(PATIENCE_S)


@contextmanager
def storescp(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """dcmtk's storescp, which writes exactly the bytes that it gets into `folder`."""
    if STORESCP is None:
        pytest.skip("storescp is not installed: on Debian or Ubuntu install dcmtk")
    folder.mkdir(exist_ok=True)

    def command() -> tuple[list[str], int]:
        port = free_port()
        return [STORESCP, "-q", "-aet", TITLE, "-od", str(folder), "+B", "-dhl", *options, str(port)], port

    with process(command) as running:
        yield running


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc: the port of its DICOM side, and that of its web side."""

    port: int
    http_port: int

    def ask(self, path: str) -> object:
        """What it answers to a question, from JSON."""
        return json.loads(self.read(path))

    def read(self, path: str) -> bytes:
        """What it answers to a question."""
        with urllib.request.urlopen(f"http://{HOST}:{self.http_port}/{path}", timeout=PATIENCE_S) as answer:
            return answer.read()


@contextmanager
def orthanc(folder: Path) -> Iterator[Orthanc]:
    """Orthanc with a data base of its own; it knows itself as NODE, and the calling title CARDIACMTL alone."""
    if ORTHANC is None:
        pytest.skip("Orthanc is not installed: on Debian or Ubuntu install orthanc")
    http = 0

    def command() -> tuple[list[str], int]:
        nonlocal http
        port, http = free_port(), free_port()
        configuration = {
            "StorageDirectory": str(folder / "data"),
            "IndexDirectory": str(folder / "data"),
            "DicomPort": port,
            "DicomAet": TITLE,
            "DicomCheckCalledAet": True,
            "DicomAlwaysAllowStore": False,
            "DicomAlwaysAllowEcho": False,
            "DicomModalities": {"here": ["CARDIACMTL", HOST, 104]},
            "HttpPort": http,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "Plugins": [],
        }
        path = folder / "orthanc.json"
        path.write_text(json.dumps(configuration), encoding="utf-8")
        return [ORTHANC, str(path)], http

    with process(command):
        port = json.loads((folder / "orthanc.json").read_text(encoding="utf-8"))["DicomPort"]
        yield Orthanc(port, http)
