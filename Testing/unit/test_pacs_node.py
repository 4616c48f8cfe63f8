"""The configuration of a node."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.pacs.node import Node, Tls, node_text, parse_address, parse_node, read_node

TITLES = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\\"), min_size=1, max_size=16).filter(
    lambda title: title == title.strip()
)
SECONDS = st.floats(0.01, 1e6)
TLS = st.builds(Tls, st.text(), server_name=st.none() | st.text()) | st.just(Tls("ca.pem", "cert.pem", "key.pem"))
NODES = st.builds(
    Node, st.sampled_from(["pacs", "::1"]), st.integers(1, 65535), TITLES, TITLES, SECONDS, SECONDS, st.none() | TLS
)


@given(NODES)
def test_a_node_comes_back_from_its_json(node):
    assert parse_node(node_text(node)) == node


def test_a_node_needs_no_more_than_address_and_title(tmp_path):
    path = tmp_path / "node.json"
    path.write_text('{"version": 1, "host": "pacs", "port": 104, "called_ae": "PACS"}', encoding="utf-8")
    assert read_node(path) == Node("pacs", 104, "PACS", "CARDIACMTL", 10.0, 60.0, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": ""}, "host is ''"),
        ({"host": "a b"}, "host is 'a b'"),
        ({"port": 0}, "port is 0; expected 1 to 65535"),
        ({"port": 65536}, "port is 65536"),
        ({"port": "104"}, "port is '104'; expected int"),
        ({"called_ae": ""}, "called AE title is ''"),
        ({"called_ae": "SEVENTEEN-LETTERS"}, "called AE title is 'SEVENTEEN-LETTERS'; expected 1 to 16"),
        ({"calling_ae": "A\\B"}, "calling AE title"),
        ({"calling_ae": " A"}, "calling AE title"),
        ({"calling_ae": "\u00c4"}, "calling AE title"),
        ({"calling_ae": "A\nB"}, "calling AE title"),
        ({"connection_timeout_s": 0}, "connection timeout is 0"),
        ({"response_timeout_s": -1.0}, "response timeout is -1"),
        ({"tls": {"ca_file": "a", "cert_file": "b"}}, "a certificate or a key alone"),
        ({"tls": {"ca_file": "a", "key_file": "b"}}, "a certificate or a key alone"),
        ({"tls": {}}, "ca_file"),
        ({"colour": "red"}, r"unknown keys \['colour'\]"),
        ({"version": 2}, "version 2; expected 1"),
        ({"version": True}, "version True"),
        ({"version": None}, "version None"),
    ],
)
def test_an_impossible_node_is_refused_in_one_line(change, words):
    values = {"version": 1, "host": "pacs", "port": 104, "called_ae": "PACS"} | change
    with pytest.raises(InputError, match=words) as caught:
        parse_node(json.dumps(values))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seconds", [float("inf"), float("nan")])
def test_a_timeout_must_end(seconds):
    with pytest.raises(InputError, match="expected seconds above 0"):
        Node("pacs", 104, "PACS", response_timeout_s=seconds)


@pytest.mark.parametrize("text", ["", "[]", "{", "3", "[" * 100_000])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(InputError, match="the node's configuration"):
        parse_node(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.json cannot be read \(No such file"):
        read_node(tmp_path / "absent.json")
    (tmp_path / "latin.json").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"latin\.json cannot be read"):
        read_node(tmp_path / "latin.json")


@pytest.mark.parametrize(("host", "shown"), [("pacs.example", "PACS at pacs.example:104"), ("::1", "PACS at [::1]:104")])
def test_a_node_is_named_by_title_and_address_and_its_address_can_be_read_again(host, shown):
    node = Node(host, 104, "PACS")
    assert str(node) == shown
    assert parse_address(shown.removeprefix("PACS at ")) == (host, 104)


@pytest.mark.parametrize("text", ["", "pacs", "pacs:", ":104", "pacs:x", "pacs:-1", "::1:104", "[]:104", "pacs:\u0661"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InputError, match="expected HOST:PORT"):
        parse_address(text)
