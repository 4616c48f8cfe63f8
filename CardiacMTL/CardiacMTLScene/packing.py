"""Arrays as text, so that they fit into JSON: compressed, and without loss."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LIMIT_BYTES = 2**31
"""No array of a study is larger; a text that claims so is damaged."""


def packed(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """`arrays` as JSON values: type, shape, and the zlib-compressed voxels in base64."""
    return {
        name: {
            "dtype": array.dtype.str,
            "shape": list(array.shape),
            "zlib": base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 6)).decode("ascii"),
        }
        for name, array in arrays.items()
    }


def unpacked(values: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The inverse of `packed`; raises `ValueError`, `KeyError` or `TypeError` for damaged values."""
    return {name: _array(value) for name, value in values.items()}


def _array(value: Mapping[str, Any]) -> NDArray[Any]:
    dtype, shape = np.dtype(value["dtype"]), tuple(int(count) for count in value["shape"])
    n_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if dtype.hasobject or not 0 <= n_bytes <= _LIMIT_BYTES:
        raise ValueError(f"an array of type {dtype} and shape {shape} does not belong there")
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(value["zlib"], validate=True), n_bytes + 1)
    except zlib.error as error:
        raise ValueError(f"a compressed array is damaged ({error})") from error
    if len(data) != n_bytes:
        raise ValueError(f"an array has {len(data)} bytes; expected {n_bytes}")
    return np.frombuffer(data, dtype).reshape(shape).copy()
