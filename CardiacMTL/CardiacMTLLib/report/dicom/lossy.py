"""`LossyHistory`: the lossy compressions that an image went through, which the masks drawn on it have to state too."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.valuerep import DS

from CardiacMTLLib.reading.dicom.values import View


@dataclass(frozen=True, slots=True)
class LossyHistory:
    """A ratio and a method for each step (PS3.3 C.7.6.1.1.5), as the image states them; empty where it does not."""

    ratios: tuple[float, ...]
    methods: tuple[str, ...]


def lossy_history(header: View) -> LossyHistory | None:
    """The history of an image, None where none of its compressions was lossy."""
    if header.text("LossyImageCompression").strip() != "01":
        return None
    return LossyHistory(header.numbers("LossyImageCompressionRatio"), header.words("LossyImageCompressionMethod"))


def state_lossy(target: Dataset, histories: Iterable[LossyHistory | None]) -> None:
    """Say in `target` whether any of the images behind it was lossy (PS3.3 C.8.20.2.2).

    An instance has room for one history: that of the image that lost most, by the product of its ratios.
    """
    lossy = [history for history in histories if history is not None]
    if not lossy:
        return
    most = max(lossy, key=lambda history: math.prod(history.ratios))
    target.LossyImageCompression = "01"
    if most.ratios:
        target.LossyImageCompressionRatio = [DS(ratio, auto_format=True) for ratio in most.ratios]
    if most.methods:
        target.LossyImageCompressionMethod = list(most.methods)
