"""`Measured`: all that the library measures in one patient's masks, and pairs of it, out of fold and the experts'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.segments import WallSegment, measure_segments
from CardiacMTLLib.measure.wall_table import wall_measurements
from CardiacMTLLib.reading.acdc import read_acdc_case
from CardiacMTLLib.volume import CineStudy, Mask
from CardiacMTLTraining.crossval import fold_folder
from CardiacMTLTraining.evaluation.checksum import source_sha256
from CardiacMTLTraining.out_of_fold import find_out_of_fold
from CardiacMTLTraining.train import RunRecord


@dataclass(frozen=True, slots=True)
class Measured:
    """The measurement table and the wall's segments of one pair of masks."""

    table: Mapping[str, Measurement]
    segments: tuple[WallSegment, ...]

    @classmethod
    def of(cls, masks: Mapping[Phase, Mask], study: CineStudy) -> Measured:
        """All measurements of (z, y, x) masks on the grid of `study`, as the pipeline makes them."""
        wall = measure_segments(masks, study.geometry)
        table = measure_function(masks, study.geometry, study.patient) | wall_measurements(wall)
        return cls(table, wall.segments)


@dataclass(frozen=True, slots=True)
class Pair:
    """One patient, measured in the masks of the network that has not seen it and in the experts'; and its files' checksum."""

    name: str
    ours: Measured
    expert: Measured
    source_sha256: str


def measured_pairs(data: Path, crossval: Path, folds: Mapping[str, int]) -> list[Pair]:
    """A pair for each patient of `folds`, in the order of the names; masks that were not yet found out of fold are found now.

    Raises `InputError` where a patient was in the training of its own fold, lacks an expert mask, or is not in `data`.
    """
    check_out_of_fold(crossval, folds)
    found = find_out_of_fold(data, crossval, folds)
    pairs = []
    for name in sorted(folds):
        case, seen = read_acdc_case(data / name), found[name].found
        if case.masks is None or len(case.masks) < len(Phase):
            raise InputError(f"{name} lacks an expert mask; expected one of ED and one of ES; leave the patient out")
        masks = {} if seen is None else seen.phases.masks
        checksum = source_sha256(data / name, case)
        pairs.append(Pair(name, Measured.of(masks, case.study), Measured.of(case.masks, case.study), checksum))
    return pairs


def check_out_of_fold(crossval: Path, folds: Mapping[str, int]) -> None:
    """Raise `InputError` where a patient was in the training of the network of its fold."""
    for fold in sorted(set(folds.values())):
        trained_on = set(RunRecord.load(fold_folder(crossval, fold)).patients)
        known = sorted(name for name, place in folds.items() if place == fold and name in trained_on)
        if known:
            raise InputError(
                f"fold {fold} was trained on {known[0]}, which is to be measured out of fold; use another --crossval"
            )
