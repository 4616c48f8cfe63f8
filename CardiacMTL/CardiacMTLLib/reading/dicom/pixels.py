"""Frames' pixels become grey values: any transfer syntax that pydicom and its plug-ins decode, any byte order, any scale."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import pydicom
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from CardiacMTLLib.errors import InputError, MissingPackageError
from CardiacMTLLib.reading.dicom.frame import DicomFrame
from CardiacMTLLib.volume import Image

MAX_BYTES = 4 * 2**30
"""Largest study that is read: 4 GiB of grey values, some hundred times a usual cine."""


def check_decodable(frames: Sequence[DicomFrame]) -> None:
    """Raise `MissingPackageError` where a compression needs a package that is not installed, `InputError` for one unknown."""
    for syntax in sorted({frame.pixels.transfer_syntax for frame in frames}):
        name = UID(syntax).name
        try:
            available = get_decoder(UID(syntax)).is_available
        except NotImplementedError as error:
            raise InputError(
                f"the images are stored as {name}, which cannot be read; expected uncompressed images or JPEG, JPEG-LS, "
                "JPEG 2000 or RLE; export them uncompressed"
            ) from error
        if not available:
            raise MissingPackageError(
                f"the images are compressed ({name}), and python-gdcm, which decodes them, is not installed; expected it or "
                'uncompressed images; install "cardiacmtl[dicom]" or export them uncompressed'
            )


def stored_type(frames: Sequence[DicomFrame]) -> np.dtype[np.generic]:
    """Type of the grey values: the stored integers where no frame is scaled, else float32."""
    if all(frame.scale.is_identity for frame in frames):
        return np.result_type(*{np.dtype(frame.pixels.dtype) for frame in frames})
    return np.dtype(np.float32)


def check_size(frames: Sequence[DicomFrame], n_images: int) -> None:
    """Raise `InputError` where `n_images` images of the frames' matrix would need more than `MAX_BYTES`."""
    rows, columns = frames[0].shape_yx
    needed = n_images * rows * columns * stored_type(frames).itemsize
    if needed > MAX_BYTES:
        raise InputError(
            f"the cine needs {needed / 2**30:.1f} GiB of memory ({n_images} images of {columns} x {rows}); expected at most "
            f"{MAX_BYTES / 2**30:g} GiB; export fewer phases or a smaller matrix"
        )


def decode(frames: Sequence[DicomFrame]) -> Iterator[tuple[DicomFrame, Image | None]]:
    """Each frame with its grey values (y, x), or with None where its pixels cannot be decoded; files are opened once.

    Values are float32 where any frame has a rescale slope or intercept, else the stored integers. Where Philips' precise
    scaling differs between frames, values are those of the signal (see `Scale`): then only they compare between frames.
    """
    precise = _needs_precise(frames)
    dtype = stored_type(frames)
    by_file: dict[object, list[DicomFrame]] = defaultdict(list)
    for frame in frames:
        by_file[frame.path].append(frame)
    for members in by_file.values():
        for frame, stored in zip(members, _stored(members), strict=True):
            yield frame, None if stored is None else _grey(stored, frame, dtype, precise=precise)


def _stored(members: Sequence[DicomFrame]) -> list[Image | None]:
    """Stored values of frames of one file; None from the first one on that cannot be decoded."""
    first = members[0]
    indices = [(frame.number or 1) - 1 for frame in members]
    images: list[Image | None] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            streamed = first.pixels.has_file_meta and first.pixels.transfer_syntax != DeflatedExplicitVRLittleEndian
            source = first.path if streamed else _whole(first)
            for image in iter_pixels(source, indices=indices):
                images.append(image)  # noqa: PERF402 - keeps what came before an error
    except Exception:  # noqa: BLE001, S110 - decoders raise any kind of error on damaged pixels; the frame counts as missing
        pass
    return images + [None] * (len(members) - len(images))


def _whole(frame: DicomFrame) -> pydicom.Dataset:
    """The whole file in memory, for what pydicom does not decode frame by frame.

    That are deflated files, and those without file meta information, which get the transfer syntax that they were read in.
    """
    data = pydicom.dcmread(frame.path, force=True)
    if not frame.pixels.has_file_meta:
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = UID(frame.pixels.transfer_syntax)
    return data


def _grey(stored: Image, frame: DicomFrame, dtype: np.dtype[np.generic], *, precise: bool) -> Image:
    if frame.pixels.inverted:
        stored = ~stored if stored.dtype.kind == "i" else np.asarray(2**frame.pixels.bits - 1, stored.dtype) - stored
    if dtype.kind != "f":
        return stored.astype(dtype, copy=False)
    scale = frame.scale
    value = stored.astype(np.float64) * scale.slope + scale.intercept
    return np.asarray(value / (scale.slope * scale.precise) if precise else value, dtype=np.float32)


def _needs_precise(frames: Sequence[DicomFrame]) -> bool:
    factors = [frame.scale.slope * frame.scale.precise for frame in frames]
    return min(factors) > 0 and max(factors) > min(factors) * (1 + 1e-6)
