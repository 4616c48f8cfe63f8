from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from CardiacMTLLib.job.events import (
    MAX_LINE_BYTES,
    Done,
    Event,
    EventReader,
    Failed,
    Note,
    Progress,
    Started,
    event_line,
    parse_line,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)
EVENTS = (
    st.builds(Started, st.integers(2, 2**31), st.integers(1, 9))
    | st.builds(Progress, st.text(), FINITE)
    | st.builds(Note, st.text())
    | st.just(Done())
    | st.builds(Failed, st.text(), st.booleans())
)
NOISE = st.binary(max_size=40).filter(lambda noise: b"\n" not in noise)


@given(st.lists(EVENTS | NOISE, max_size=12), st.data())
def test_events_come_whole_and_in_order_however_the_stream_is_cut_and_whatever_stands_between(
    parts: list[Event | bytes], data: st.DataObject
) -> None:
    stream = b"".join(part + b"\n" if isinstance(part, bytes) else event_line(part) for part in parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    reader, found = EventReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += reader.feed(stream[start:end])
    assert found == [part for part in parts if not isinstance(part, bytes)]


@given(EVENTS)
def test_the_line_of_an_event_is_one_line_of_ascii_json(event: Event) -> None:
    line = event_line(event)
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert "event" in json.loads(line)


def test_the_lines_are_as_documented() -> None:
    assert json.loads(event_line(Started(42))) == {"event": "started", "pid": 42, "protocol": 1}
    assert json.loads(event_line(Progress("x", 0.5))) == {"event": "progress", "text": "x", "fraction": 0.5}
    assert json.loads(event_line(Note("x"))) == {"event": "note", "text": "x"}
    assert json.loads(event_line(Done())) == {"event": "done"}
    assert json.loads(event_line(Failed("x"))) == {"event": "error", "text": "x", "internal": False}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Loading model ...",
        b"\xff\xfe\x00",
        b"{",
        b"[" * 100_000,
        b"null",
        b"[]",
        b'"started"',
        b"{}",
        b'{"event": 3}',
        b'{"event": ["done"]}',
        b'{"event": "dance"}',
        b'{"event": "started"}',
        b'{"event": "started", "pid": "42"}',
        b'{"event": "started", "pid": true}',
        b'{"event": "progress", "text": "x", "fraction": "0.5"}',
        b'{"event": "progress", "text": "x", "fraction": false}',
        b'{"event": "error", "text": "x", "internal": 1}',
        b'{"event": "note", "text": null}',
    ],
)
def test_what_is_no_event_is_passed_over(line: bytes) -> None:
    assert parse_line(line) is None


def test_a_windows_line_end_and_keys_of_later_versions_do_no_harm() -> None:
    assert EventReader().feed(b'{"event": "note", "text": "x", "colour": "red"}\r\n') == [Note("x")]


def test_noise_without_an_end_takes_no_memory_and_hides_no_later_event() -> None:
    reader = EventReader()
    for _ in range(5):
        assert reader.feed(b"x" * MAX_LINE_BYTES) == []
        assert len(reader._rest) <= MAX_LINE_BYTES
    assert reader.feed(b"\n" + event_line(Done())) == [Done()]
    assert EventReader().feed(b" " * MAX_LINE_BYTES + event_line(Note("too long")) + event_line(Done())) == [Done()]
