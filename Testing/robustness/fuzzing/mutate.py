"""Mutations of files: blind ones on bytes, and ones that know where a format keeps its fields, lengths and values."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Number(NamedTuple):
    """A number at a place of a file, as `struct` names its type."""

    offset: int
    code: str


class Value(NamedTuple):
    """Where a value begins and ends, and its length, where the format states it."""

    length: Number | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Layout:
    """What is known of a file's places: its numbers, its values, texts that could stand as a value, and the length of all."""

    numbers: tuple[Number, ...] = ()
    values: tuple[Value, ...] = ()
    texts: tuple[bytes, ...] = (b"",)
    whole_length: Number | None = None


def mutated(content: bytes, layout: Layout, rng: random.Random) -> bytes:
    """`content` after one to three mutations; the first may know the layout, the others, which move places, are blind."""
    knowing = [change for change, there in ((_edit_number, layout.numbers), (_edit_length, layout.values)) if there]
    if layout.values:
        knowing.append(_edit_value)
    changed = bytearray(content)
    if knowing and rng.random() < 0.6:
        rng.choice(knowing)(changed, layout, rng)
        if rng.random() < 0.6:
            return bytes(changed)
    else:
        rng.choice(_BLIND)(changed, rng)
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        rng.choice(_BLIND)(changed, rng)
    return bytes(changed)


def _edit_number(content: bytearray, layout: Layout, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        number = rng.choice(layout.numbers)
        struct.pack_into(number.code, content, number.offset, _hostile(number.code, rng))


def _hostile(code: str, rng: random.Random) -> float:
    if code[-1] in "fd":
        extremes = (0.0, -0.0, 1.0, -1.0, 1e-38, 1e-4, 1e4, 3e38, -3e38, float("nan"), float("inf"), float("-inf"))
        return rng.choice((*extremes, rng.uniform(-2, 2), rng.uniform(-1000, 1000)))
    bits = 8 * struct.calcsize(code)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if code[-1].islower() else (0, 2**bits - 1)
    near = [value for value in (0, 1, -1, 2, 3, 4, 5, 7, 8, 16, 64, 127, 128, 255, 256, 1024, 32767) if low <= value <= high]
    return rng.choice((low, high, high // 2, rng.randint(low, high), *near))


def _edit_length(content: bytearray, layout: Layout, rng: random.Random) -> None:
    number = rng.choice([value.length for value in layout.values if value.length] or [layout.whole_length])
    if number is None:
        return _edit_value(content, layout, rng)
    length, top = _get(content, number), _top(number)
    choices = (0, 1, length - 1, length + 1, length * 2, length // 2, top, top - 1, top // 2, rng.randint(0, top))
    _set(content, number, rng.choice(choices))
    return None


def _edit_value(content: bytearray, layout: Layout, rng: random.Random) -> None:
    """Another value, mostly with lengths that fit it: a hostile text, or as many other bytes."""
    value = rng.choice(layout.values)
    old = value.end - value.start
    new = rng.choice(layout.texts) if rng.random() < 0.6 else rng.choice((rng.randbytes(old), b"\0" * old, b"\xff" * old))
    content[value.start : value.end] = new
    if value.length is not None:
        _set(content, value.length, len(new))
    if layout.whole_length is not None and rng.random() < 0.9:
        _set(content, layout.whole_length, _get(content, layout.whole_length) + len(new) - old)


def _get(content: bytearray, number: Number) -> int:
    return int(struct.unpack_from(number.code, content, number.offset)[0])


def _set(content: bytearray, number: Number, value: int) -> None:
    struct.pack_into(number.code, content, number.offset, min(max(value, 0), _top(number)))


def _top(number: Number) -> int:
    return int(2 ** (8 * struct.calcsize(number.code)) - 1)


def _flip_bits(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if content:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _flip_early_bits(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 4))):
        if content:
            content[rng.randrange(min(len(content), 512))] ^= 1 << rng.randrange(8)


def _truncate(content: bytearray, rng: random.Random) -> None:
    del content[rng.choice((rng.randint(0, len(content)), max(len(content) - rng.randint(1, 16), 0))) :]


def _block(content: bytearray, rng: random.Random) -> slice:
    start = rng.randint(0, len(content))
    return slice(start, min(start + rng.choice((1, 2, 4, 8, 16, 64, 256, 4096)), len(content)))


def _zero_block(content: bytearray, rng: random.Random) -> None:
    block = _block(content, rng)
    content[block] = b"\0" * (block.stop - block.start)


def _random_block(content: bytearray, rng: random.Random) -> None:
    block = _block(content, rng)
    content[block] = rng.randbytes(block.stop - block.start)


def _duplicate_block(content: bytearray, rng: random.Random) -> None:
    block = _block(content, rng)
    place = rng.choice((block.stop, rng.randint(0, len(content))))
    content[place:place] = content[block] * rng.choice((1, 1, 1, 3))


def _delete_block(content: bytearray, rng: random.Random) -> None:
    del content[_block(content, rng)]


def _append(content: bytearray, rng: random.Random) -> None:
    content += rng.randbytes(rng.choice((1, 2, 16, 1000)))


_BLIND: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip_bits,
    _flip_bits,
    _flip_early_bits,
    _truncate,
    _zero_block,
    _random_block,
    _duplicate_block,
    _delete_block,
    _append,
)
