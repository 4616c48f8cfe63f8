"""Arrays written a piece at a time are the files that numpy writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from CardiacMTLLib.job import array_file
from CardiacMTLLib.job.array_file import array_pieces

VOXELS = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)
ARRAYS = {
    "whole": VOXELS,
    "turned": VOXELS.transpose(0, 3, 1, 2)[:, ::-1],
    "every other frame": VOXELS[::2],
    "no frames": VOXELS[:0],
    "frames without voxels": VOXELS[:, :0],
    "big-endian": VOXELS.astype(">f4"),
    "a number": np.array(3.5),
    "repeated": np.broadcast_to(np.uint8(7), (4, 3)),
}


@pytest.mark.parametrize("piece_bytes", [1, 100, 10**6])
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, piece_bytes: int) -> None:
    monkeypatch.setattr(array_file, "PIECE_BYTES", piece_bytes)
    for _ in array_pieces(tmp_path / "a.npy", ARRAYS[name]):
        pass
    found = np.load(tmp_path / "a.npy", allow_pickle=False)
    assert found.dtype == ARRAYS[name].dtype
    assert np.array_equal(found, ARRAYS[name])
    assert found.shape == ARRAYS[name].shape


def test_a_step_writes_no_more_than_a_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_file, "PIECE_BYTES", VOXELS[0].nbytes)
    assert len(list(array_pieces(tmp_path / "a.npy", VOXELS))) == len(VOXELS)
