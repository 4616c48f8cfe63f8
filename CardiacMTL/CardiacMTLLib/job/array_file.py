"""`array_pieces`: an array into a .npy file, a few megabytes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import dtype_to_descr, write_array_header_1_0
from numpy.typing import NDArray

PIECE_BYTES = 4_000_000
"""What one step writes at most, or one entry of the first axis where that is larger."""


def array_pieces(path: Path, array: NDArray[Any]) -> Iterator[None]:
    """Write `array`, which holds no Python objects, so that `numpy.load` reads it; every step writes about `PIECE_BYTES`.

    Raises `OSError`; what is written by then stays.
    """
    whole = array.reshape(1) if array.ndim == 0 else array
    rows = max(1, PIECE_BYTES * len(whole) // max(whole.nbytes, 1))
    with path.open("wb") as opened:
        header = {"descr": dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
        write_array_header_1_0(opened, header)
        for start in range(0, len(whole), rows):
            opened.write(np.ascontiguousarray(whole[start : start + rows]).tobytes())
            yield
