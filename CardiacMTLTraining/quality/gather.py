"""What the pipeline found in a study, as a row: patients and negatives pass the very same path."""

from __future__ import annotations

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.inference.find import FoundHeart
from CardiacMTLLib.inference.scope import ScopeEvidence, scope_evidence
from CardiacMTLLib.labels import STRUCTURE_PHASES, Phase
from CardiacMTLLib.reading.acdc import AcdcCase
from CardiacMTLLib.volume import CineStudy
from CardiacMTLTraining.evaluation.overlap import dice
from CardiacMTLTraining.quality.rows import NegativeRow, PatientRow


def patient_row(name: str, fold: int, case: AcdcCase, found: FoundHeart | None) -> PatientRow:
    """The row of a patient with expert masks at ED and ES, as `found` by the network of its `fold`.

    Raises `InputError` where an expert mask or a phase is missing, and for a study of one slice.
    """
    truth = case.masks or {}
    if any(phase not in truth for phase in Phase):
        raise InputError(f"{name} has expert masks of {[str(p) for p in truth]}; expected ED and ES; leave the patient out")
    if found is None:
        return PatientRow(name, fold, None, None, dict.fromkeys(STRUCTURE_PHASES, 0.0))
    masks = found.phases.masks
    real = {key: dice(masks[phase] == part, truth[phase] == part) for key, (part, phase) in STRUCTURE_PHASES.items()}
    return PatientRow(name, fold, dict(found.phases.agreement), _evidence(case.study, found), real)


def negative_row(name: str, kind: str, fold: int, study: CineStudy, found: FoundHeart | None) -> NegativeRow:
    """The row of a negative that was made from `name`, as `found` by the network of `fold`."""
    return NegativeRow(name, kind, fold, None if found is None else _evidence(study, found))


def _evidence(study: CineStudy, found: FoundHeart) -> ScopeEvidence:
    phases = found.phases
    evidence = scope_evidence(phases.masks, study.geometry, phases.agreement, phases.confidence)
    if evidence is None:
        raise InputError("the study has one slice; expected two or more for evidence of its scope; leave it out")
    return evidence
