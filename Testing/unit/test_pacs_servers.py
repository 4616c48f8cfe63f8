"""Sending to real servers, dcmtk's storescp and Orthanc, over plain connections and over TLS."""

import shutil
import subprocess
from pathlib import Path

import pytest
from pydicom.filereader import dcmread
from pydicom.uid import ComprehensiveSRStorage, ImplicitVRLittleEndian

from CardiacMTLLib.errors import InputError, NodeError
from CardiacMTLLib.pacs.instances import find_instances
from CardiacMTLLib.pacs.node import Tls
from CardiacMTLLib.pacs.outcome import SendState
from CardiacMTLLib.pacs.send import echo, send_files
from Testing.unit.pacs_nodes import HOST, dicom_file, dicom_files, node_at, orthanc, storescp

dsutils = pytest.importorskip("pynetdicom.dsutils", reason="sending needs the extra pacs")

OPENSSL = shutil.which("openssl")


def dataset_bytes(path):
    """All of a DICOM file behind its meta information."""
    _, offset = dsutils.split_dataset(Path(path))
    return Path(path).read_bytes()[offset:]


def received(folder):
    """The files that storescp wrote, by their SOP Instance UIDs."""
    return {str(dcmread(path, stop_before_pixels=True).SOPInstanceUID): path for path in folder.iterdir()}


@pytest.fixture
def files(tmp_path):
    return dicom_files(tmp_path / "files")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    with orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


def test_storescp_gets_every_file_as_it_is_and_a_second_send_doubles_nothing(tmp_path):
    folder = tmp_path / "files"
    dicom_files(folder)
    dicom_file(folder / "implicit", syntax=ImplicitVRLittleEndian)
    dicom_file(folder / "report", sop_class=ComprehensiveSRStorage)
    files = find_instances([folder]).instances
    with storescp(tmp_path / "received", "+xa") as (_, port):
        echo(node_at(port))
        assert send_files(files, node_at(port)).complete
        assert send_files(files, node_at(port)).complete
    stored = received(tmp_path / "received")
    assert len(list((tmp_path / "received").iterdir())) == 5
    assert {file.sop_instance_uid: dataset_bytes(file.path) for file in files} == {
        uid: dataset_bytes(path) for uid, path in stored.items()
    }


def test_orthanc_keeps_one_instance_of_each_file_however_often_it_is_sent(files, hospital):
    node = node_at(hospital.port)
    echo(node)
    assert send_files(files, node).complete
    assert send_files(files, node).complete
    kept = hospital.ask("instances?expand")
    assert sorted(instance["MainDicomTags"]["SOPInstanceUID"] for instance in kept) == sorted(
        file.sop_instance_uid for file in files
    )


def test_orthanc_keeps_the_pixels_as_they_were(files, hospital, tmp_path):
    assert send_files(files, node_at(hospital.port)).complete
    for instance in hospital.ask("instances?expand"):
        path = tmp_path / "back.dcm"
        path.write_bytes(hospital.read(f"instances/{instance['ID']}/file"))
        (source,) = (file for file in files if file.sop_instance_uid == instance["MainDicomTags"]["SOPInstanceUID"])
        assert dcmread(path) == dcmread(source.path)


@pytest.mark.parametrize(
    ("titles", "words"),
    [
        ({"called_ae": "WRONG"}, "refused the association of CARDIACMTL (Called AE title not recognised)"),
        ({"calling_ae": "STRANGER"}, "refused the association of STRANGER (Calling AE title not recognised)"),
    ],
)
def test_orthanc_refuses_a_wrong_title_with_its_reason(files, hospital, titles, words):
    for work in (echo, lambda node: send_files(files, node)):
        with pytest.raises(NodeError) as caught:
            work(node_at(hospital.port, **titles))
        assert words in str(caught.value)


def test_the_web_port_of_orthanc_is_no_dicom_node(files, hospital):
    with pytest.raises(NodeError, match="before it took the association; expected a DICOM node; check host, port and TLS"):
        send_files(files, node_at(hospital.http_port, response_timeout_s=5.0))


@pytest.mark.parametrize("option", ["--abort-during", "--abort-after"])
def test_storescp_that_aborts_leaves_the_file_unconfirmed_and_a_send_to_a_sound_one_brings_all(tmp_path, files, option):
    with storescp(tmp_path / "received", option) as (_, port):
        result = send_files(files, node_at(port))
    assert [file.state for file in result.files] == [SendState.UNCONFIRMED, SendState.NOT_SENT, SendState.NOT_SENT]
    assert result.problem.startswith(f"NODE at {HOST}:{port} aborted the association at file 1 of 3")
    with storescp(tmp_path / "received") as (_, port):
        assert send_files(files, node_at(port)).complete
    assert sorted(received(tmp_path / "received")) == sorted(file.sop_instance_uid for file in files)
    assert len(list((tmp_path / "received").iterdir())) == 3


def test_storescp_that_refuses_all_associations_is_named(tmp_path, files):
    with storescp(tmp_path / "received", "--refuse") as (_, port), pytest.raises(NodeError, match="refused the association"):
        send_files(files, node_at(port))


def test_storescp_that_is_killed_midway_loses_nothing_that_it_had_confirmed(tmp_path, files):
    with storescp(tmp_path / "received") as (server, port):

        def kill_after_the_first(done, _total):
            if done == 1:
                server.kill()
                server.wait(60)

        result = send_files(files, node_at(port), progress=kill_after_the_first)
        with pytest.raises(NodeError, match=r"cannot be reached \(\[Errno"):
            send_files(files, node_at(port))
    first, *others = (file.state for file in result.files)
    assert first is SendState.STORED
    assert set(others) <= {SendState.UNCONFIRMED, SendState.NOT_SENT}
    assert f"NODE at {HOST}:{port} closed the connection at file 2 of 3" in result.problem
    with storescp(tmp_path / "received") as (_, port):
        assert send_files(files, node_at(port)).complete
    assert sorted(received(tmp_path / "received")) == sorted(file.sop_instance_uid for file in files)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Certificates that vouch for themselves, and keys: for the host, another name, this side, and one with a passphrase."""
    if OPENSSL is None:
        pytest.skip("openssl is not installed: on Debian or Ubuntu install openssl")
    folder = tmp_path_factory.mktemp("certificates")
    for name, alternative in (
        ("host", f"IP:{HOST}"),
        ("other", "DNS:pacs.example"),
        ("client", "DNS:client"),
        ("locked", "DNS:l"),
    ):
        command = [OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
        secret = ["-passout", "pass:secret"] if name == "locked" else ["-nodes"]
        extensions = [f"subjectAltName={alternative}", "keyUsage=critical,digitalSignature,keyCertSign"]
        added = [part for extension in extensions for part in ("-addext", extension)]
        files = ["-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
        subprocess.run([*command, *secret, *added, *files], check=True, capture_output=True)
    return folder


@pytest.fixture
def secured(tmp_path, certificates):
    """Starts storescp with TLS under one of the certificates."""

    def start(name, *options):
        files = (str(certificates / f"{name}.key"), str(certificates / f"{name}.pem"))
        return storescp(tmp_path / "received", "+tls", *files, *(options or ("-ic",)))

    return start


def test_a_node_with_tls_is_sent_to_where_its_certificate_is_vouched_for(files, secured, certificates):
    tls = Tls(str(certificates / "host.pem"))
    with secured("host") as (_, port):
        echo(node_at(port, tls=tls))
        assert send_files(files, node_at(port, tls=tls)).complete


def test_a_certificate_in_another_name_is_taken_only_where_that_name_is_expected(files, secured, certificates):
    authority = str(certificates / "other.pem")
    with secured("other") as (_, port):
        with pytest.raises(NodeError, match=r"cannot be reached \(.*(IP address mismatch|match)"):
            send_files(files, node_at(port, tls=Tls(authority)))
        assert send_files(files, node_at(port, tls=Tls(authority, server_name="pacs.example"))).complete


def test_a_certificate_that_nobody_vouches_for_is_refused(files, secured, certificates):
    with secured("host") as (_, port), pytest.raises(NodeError, match=r"cannot be reached \(.*CERTIFICATE_VERIFY_FAILED"):
        send_files(files, node_at(port, tls=Tls(str(certificates / "other.pem"))))


def test_a_node_that_asks_for_a_certificate_gets_one(files, secured, certificates):
    authority, cert, key = (str(certificates / name) for name in ("host.pem", "client.pem", "client.key"))
    with secured("host", "-rc", "+cf", cert) as (_, port):
        with pytest.raises(NodeError):
            send_files(files, node_at(port, tls=Tls(authority)))
        assert send_files(files, node_at(port, tls=Tls(authority, cert, key))).complete


def test_a_node_with_tls_is_not_sent_to_without(files, secured):
    with secured("host") as (_, port), pytest.raises(NodeError, match="expected a DICOM node; check host, port and TLS"):
        send_files(files, node_at(port))


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(certificates):
    names = (str(certificates / name) for name in ("host.pem", "locked.pem", "locked.key"))
    with pytest.raises(InputError, match=r"locked\.key .*expected PEM files, the key without passphrase"):
        echo(node_at(1, tls=Tls(*names)))
