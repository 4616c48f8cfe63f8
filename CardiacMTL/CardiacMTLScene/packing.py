"""Arrays as text, so that they fit into JSON: without the zeros around what they hold, compressed, and without loss."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LIMIT_BYTES = 2**31
"""No array of a study is larger; a text that claims so is damaged."""


def packed(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """`arrays` as JSON values: type, shape, a box outside which all is zero, and its zlib-compressed voxels in base64."""
    return {name: _packed(array) for name, array in arrays.items()}


def unpacked(values: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The inverse of `packed`; raises `ValueError`, `KeyError` or `TypeError` for damaged values."""
    return {name: _array(value) for name, value in values.items()}


def _packed(array: NDArray[Any]) -> dict[str, Any]:
    box = _box(array)
    inside = array[tuple(slice(start, stop) for start, stop in box)]
    return {
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "box": box,
        "zlib": base64.b64encode(zlib.compress(np.ascontiguousarray(inside).tobytes(), 6)).decode("ascii"),
    }


def _box(array: NDArray[Any]) -> list[list[int]]:
    """Start and stop on each axis of what is not zero, the last three axes being those of space; the others are kept whole."""
    whole = [[0, count] for count in array.shape]
    if array.ndim < 3:
        return whole
    hits = np.argwhere(array.any(axis=tuple(range(array.ndim - 3))))
    low, high = (hits.min(axis=0), hits.max(axis=0) + 1) if len(hits) else (np.zeros(3, int), np.zeros(3, int))
    return [*whole[:-3], *([int(start), int(stop)] for start, stop in zip(low, high, strict=True))]


def _array(value: Mapping[str, Any]) -> NDArray[Any]:
    dtype, shape = np.dtype(value["dtype"]), tuple(int(count) for count in value["shape"])
    if dtype.hasobject or not 0 <= math.prod(shape) * dtype.itemsize <= _LIMIT_BYTES:
        raise ValueError(f"an array of type {dtype} and shape {shape} does not belong there")
    box = [(int(start), int(stop)) for start, stop in value["box"]]
    if len(box) != len(shape) or not all(0 <= start <= stop <= count for (start, stop), count in zip(box, shape, strict=True)):
        raise ValueError(f"the box {box} does not lie in an array of shape {shape}")
    inside = tuple(stop - start for start, stop in box)
    n_bytes = math.prod(inside) * dtype.itemsize
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(value["zlib"], validate=True), n_bytes + 1)
    except zlib.error as error:
        raise ValueError(f"a compressed array is damaged ({error})") from error
    if len(data) != n_bytes:
        raise ValueError(f"an array has {len(data)} bytes; expected {n_bytes}")
    array = np.zeros(shape, dtype)
    array[tuple(slice(start, stop) for start, stop in box)] = np.frombuffer(data, dtype).reshape(inside)
    return array
