"""What the networks of a cross-validation make of the patients that each has not seen, kept on disk."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.inference.device import choose_device
from CardiacMTLLib.inference.find import FoundHeart, find_heart
from CardiacMTLLib.inference.segment import PhaseResult
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.network.manifest import Calibration, Manifest, Provenance
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.preprocess.resample import Window
from CardiacMTLLib.reading.acdc import read_acdc_case
from CardiacMTLLib.volume import CineStudy
from CardiacMTLTraining.crossval import fold_folder
from CardiacMTLTraining.train import NETWORK_NAME, SEPARATE_NAME, load_run

log = logging.getLogger(__name__)

FOLDER_NAME = "out-of-fold"
TRAININGS = {"joint": NETWORK_NAME, "separate": SEPARATE_NAME}
"""The jointly trained network, and the one whose masks and diagnosis branch were trained one after the other."""


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """One patient as found by the network of `fold`, which has not seen it; `found` is None where that found no heart."""

    name: str
    fold: int
    found: FoundHeart | None

    def save(self, path: Path) -> None:
        """Write into a compressed file; it is whole or not there."""
        header: dict[str, object] = {"name": self.name, "fold": self.fold}
        arrays: dict[str, Any] = {}
        if self.found is not None:
            phases = self.found.phases
            logits = None if phases.auxiliary_logits is None else phases.auxiliary_logits.tolist()
            header |= {"window": asdict(self.found.window), "frames": self.found.frames, "auxiliary_logits": logits}
            header |= {"agreement": phases.agreement, "confidence": phases.confidence}
            arrays = {phase.value: mask for phase, mask in phases.masks.items()}
        temporary = path.with_name(f".{path.name}")
        np.savez_compressed(temporary, header=np.array(json.dumps(header)), **arrays)
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> OutOfFold:
        """Read what `save` wrote."""
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            header = json.loads(str(arrays["header"]))
            masks = {phase: arrays[phase.value] for phase in Phase if phase.value in arrays}
        if "window" not in header:
            return cls(header["name"], header["fold"], None)
        centre, size, spacing_mm = (header["window"][key] for key in ("centre_xy_mm", "size", "spacing_mm"))
        logits = header["auxiliary_logits"]
        phases = PhaseResult(
            masks,
            None if logits is None else np.array(logits),
            header["agreement"],
            {Phase(key): value for key, value in header["confidence"].items()},
        )
        frames = {Phase(key): value for key, value in header["frames"].items()}
        return cls(
            header["name"], header["fold"], FoundHeart(Window((centre[0], centre[1]), size, spacing_mm), frames, phases, None)
        )


def fold_model(out: Path, fold: int, training: str = "joint") -> LoadedModel:
    """The network of a fold as the pipeline wants it; its heads are not refitted, so its diagnosis means nothing.

    Raises `InputError` where the fold's run is not finished.
    """
    network, config, _ = load_run(fold_folder(out, fold), TRAININGS[training])
    return LoadedModel(network, Manifest("in-training", "0", "", config.network, Calibration(), Provenance()))


def find_out_of_fold(data: Path, out: Path, folds: Mapping[str, int], training: str = "joint") -> dict[str, OutOfFold]:
    """Every patient of `folds` by the network of its fold, on its native grid.

    Patients that were done before are read, not computed again. Raises `InputError` where a fold's run is not finished, or
    an image is missing in `data`.
    """
    folder = out / FOLDER_NAME / training
    folder.mkdir(parents=True, exist_ok=True)
    for fold in sorted(set(folds.values())):
        names = [name for name, place in folds.items() if place == fold and not (folder / f"{name}.npz").exists()]
        model = fold_model(out, fold, training) if names else None
        for name in names:
            if model is not None:
                found = look(read_acdc_case(data / name).study, model.network)
                OutOfFold(name, fold, found).save(folder / f"{name}.npz")
                log.info("%s, fold %d, %s training", name, fold, training)
    return {name: _checked(OutOfFold.load(folder / f"{name}.npz"), fold) for name, fold in folds.items()}


def look(study: CineStudy, network: MultiTaskNetwork) -> FoundHeart | None:
    """The heart in a study, as the pipeline finds it."""
    where = choose_device("auto")
    return find_heart(study, network.to(where), where)


def _checked(patient: OutOfFold, fold: int) -> OutOfFold:
    if patient.fold != fold:
        raise InputError(f"{patient.name} was found by the network of fold {patient.fold}; expected {fold}; use a new --out")
    return patient
