"""The list of what is no short-axis heart: stated beforehand, some kinds to calibrate on, the others only to report on.

Each kind turns a study at hand into another one on a like grid with as many frames, so that neither size, spacing nor the
number of frames tells them apart. The list is what the score was tried on; it claims nothing about anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from CardiacMTLLib.volume import CineStudy
from CardiacMTLTraining.quality.changed import interleaved_slices, inverted, reformatted, shuffled_slices
from CardiacMTLTraining.quality.shapes import cylinder, empty_body, smooth_noise, sphere, tube, white_noise

PYDICOM_KIND = "pydicom"
"""Name of the kind that needs no study at hand: the test images of pydicom (`dicom_images`); only reported on."""


class Use(StrEnum):
    """What a kind of negatives is for."""

    CALIBRATION = "calibration"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class NegativeKind:
    """One kind: what it is for, and how it is made from a study with a source of randomness; the study stays as it is."""

    use: Use
    make: Callable[[CineStudy, np.random.Generator], CineStudy]


KINDS: Mapping[str, NegativeKind] = {
    "reformat_across_x": NegativeKind(Use.CALIBRATION, lambda study, _: reformatted(study, across="x")),
    "interleaved_slices": NegativeKind(Use.CALIBRATION, lambda study, _: interleaved_slices(study)),
    "white_noise": NegativeKind(Use.CALIBRATION, white_noise),
    "smooth_noise": NegativeKind(Use.CALIBRATION, smooth_noise),
    "reformat_across_y": NegativeKind(Use.REPORTED, lambda study, _: reformatted(study, across="y")),
    "shuffled_slices": NegativeKind(Use.REPORTED, shuffled_slices),
    "inverted_intensity": NegativeKind(Use.REPORTED, lambda study, _: inverted(study)),
    "empty_body": NegativeKind(Use.REPORTED, empty_body),
    "sphere": NegativeKind(Use.REPORTED, sphere),
    "cylinder": NegativeKind(Use.REPORTED, cylinder),
    "tube": NegativeKind(Use.REPORTED, tube),
}
"""All kinds that are made from a study, by name."""


def use_of(kind: str) -> Use:
    """What the kind of that name is for; raises `KeyError` for a name that is not on the list."""
    return Use.REPORTED if kind == PYDICOM_KIND else KINDS[kind].use
