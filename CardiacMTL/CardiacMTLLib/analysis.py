"""`Analysis`: all that one run finds out about one study; the input of report, scene and files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.curve import CycleCurves
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.segments import WallSegments
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.volume import CineStudy, Mask


@dataclass(frozen=True, slots=True)
class QualityFlag:
    """Something about the input or the masks that a reader should look at.

    `code` is stable, `text` says what was found, and `check`, a whole sentence, what to look at or to do.
    """

    code: str
    text: str
    check: str


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which network produced a result."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """Result of one study.

    `frames` gives the 0-based frame of each phase that was found; `masks` the (z, y, x) mask of each of these phases;
    `cine_masks` (t, z, y, x) all frames, or None where only the phases were segmented. `measurements` is keyed by the
    names of the result record (`lv_edv_ml`, ...), in display order. `seconds` is the time of each stage.
    `predicted_dice` estimates the masks' quality, keyed by structure and phase such as `LV_ED`; `scope_score` (0 to 1) says how
    far the study looks like a short-axis heart; each None where the model or the images give none. `segments` is the wall of
    the LV in the segments of the AHA. `left_out` are the slices that a reader took out: `masks`, and all that comes from them,
    are without these, while `cine_masks` keep every slice, so that volumes of the cycle stay comparable. `curves` are the
    volumes over the cycle, or None where only the phases were segmented or nothing can be measured.
    """

    study: CineStudy
    frames: Mapping[Phase, int]
    masks: Mapping[Phase, Mask]
    cine_masks: Mask | None
    measurements: Mapping[str, Measurement]
    diagnosis: Diagnosis
    flags: tuple[QualityFlag, ...]
    model: ModelIdentity
    seconds: Mapping[str, float]
    predicted_dice: Mapping[str, float] | None = None
    scope_score: float | None = None
    segments: WallSegments | None = None
    left_out: SliceSelection = field(default_factory=SliceSelection)
    curves: CycleCurves | None = None
