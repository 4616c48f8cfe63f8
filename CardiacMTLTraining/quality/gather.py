"""What the pipeline's own code says about a study, as a row: patients and negatives pass the very same path."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.inference.device import choose_device
from CardiacMTLLib.inference.find import find_heart
from CardiacMTLLib.inference.mask_quality import STRUCTURE_PHASES
from CardiacMTLLib.inference.scope import ScopeEvidence, scope_evidence
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.reading.acdc import AcdcCase
from CardiacMTLLib.volume import CineStudy, Mask
from CardiacMTLTraining.evaluation.overlap import dice
from CardiacMTLTraining.quality.rows import NegativeRow, PatientRow


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """Final masks (z, y, x) by phase, the agreement of the views, and the evidence for a short-axis heart."""

    masks: Mapping[Phase, Mask]
    agreement: Mapping[str, float]
    evidence: ScopeEvidence


def gather(model: LoadedModel, study: CineStudy, device: str = "auto") -> Gathered | None:
    """Look at one study as `pipeline.analyse` does; None where it finds no heart.

    Raises `InputError` for a study of one slice, about which there is no evidence, and for images without signal.
    """
    where = choose_device(device)
    found = find_heart(study, model.network.to(where), where, _no_stage)
    if found is None:
        return None
    phases = found.phases
    evidence = scope_evidence(phases.masks, study.geometry, phases.agreement, phases.confidence)
    if evidence is None:
        raise InputError("the study has one slice; expected two or more for evidence of its scope; leave it out")
    return Gathered(phases.masks, phases.agreement, evidence)


def patient_row(name: str, fold: int, case: AcdcCase, model: LoadedModel, device: str = "auto") -> PatientRow:
    """The row of a patient with expert masks at ED and ES, from the network of its `fold`.

    Raises `InputError` where an expert mask or a phase is missing.
    """
    truth = case.masks or {}
    if any(phase not in truth for phase in Phase):
        raise InputError(f"{name} has expert masks of {[str(p) for p in truth]}; expected ED and ES; leave the patient out")
    seen = gather(model, case.study, device)
    if seen is None:
        return PatientRow(name, fold, None, None, dict.fromkeys(STRUCTURE_PHASES, 0.0))
    real = {key: dice(seen.masks[phase] == part, truth[phase] == part) for key, (part, phase) in STRUCTURE_PHASES.items()}
    return PatientRow(name, fold, dict(seen.agreement), seen.evidence, real)


def negative_row(name: str, kind: str, fold: int, study: CineStudy, model: LoadedModel, device: str = "auto") -> NegativeRow:
    """The row of a negative, from the network of `fold`; `name` is what it was made from."""
    seen = gather(model, study, device)
    return NegativeRow(name, kind, fold, None if seen is None else seen.evidence)


def _no_stage(name: str, sentence: str, fraction: float) -> AbstractContextManager[None]:  # noqa: ARG001 - the shape of `Stage`
    return nullcontext()
