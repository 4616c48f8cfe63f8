"""Frames' pixels become grey values: any transfer syntax that pydicom and its plug-ins decode, any byte order, any scale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import takewhile

import numpy as np
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from CardiacMTLLib.errors import InputError, MissingPackageError
from CardiacMTLLib.reading.dicom.frame import DicomFrame
from CardiacMTLLib.reading.dicom.pixel_client import PixelDecoder, pixel_decoder
from CardiacMTLLib.volume import Image


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
    with pixel_decoder() as decoder:
        for members in by_file.values():
            for frame, stored in zip(members, _stored(members, decoder), strict=True):
                yield frame, None if stored is None else _grey(stored, frame, dtype, precise=precise)


def _stored(members: Sequence[DicomFrame], decoder: PixelDecoder) -> list[Image | None]:
    """Stored values of frames of one file; None from the first one on that cannot be decoded to the matrix of the header."""
    first = members[0]
    indices = [(frame.number or 1) - 1 for frame in members]
    images = decoder(first.path, indices, first.pixels.transfer_syntax, first.pixels.has_file_meta)
    fitting = list(takewhile(lambda image: image.shape == first.shape_yx, images))
    return [*fitting, *[None] * (len(members) - len(fitting))]


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
