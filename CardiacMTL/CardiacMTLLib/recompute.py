"""Measurements, flags and diagnosis anew, from masks that a reader corrected. Needs neither images, nor network, nor torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from CardiacMTLLib.analysis import Analysis, QualityFlag
from CardiacMTLLib.conclude import OUT_OF_SCOPE, DiagnosingModel, MaskEvidence, conclude_masks
from CardiacMTLLib.errors import InputError, ModelError
from CardiacMTLLib.labels import STRUCTURE_PHASES, Label, Phase
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.volume import Mask

CORRECTED = "corrected"
"""Codes of the flags of a result that stands on corrected masks begin so; the phase follows."""

_KEPT = (
    "Compare with the numbers before the correction. What the network itself sees in the images, which counts in the "
    "diagnosis, and the masks and curves of the whole cycle are as before."
)


def recompute(
    analysis: Analysis, corrected: Mapping[Phase, Mask], model: DiagnosingModel, left_out: SliceSelection | None = None
) -> Analysis:
    """`analysis` as it follows from `corrected` (z, y, x) masks of ED, ES or both; a phase that is not given stays as it was.

    `model` is the one that gave the analysis (`network.heads`), `left_out` the slices to leave out instead of those of the
    analysis: to take one back in, start from the analysis that still had it. Measurements, wall segments and diagnosis follow
    the masks. What the network alone can say stays: the auxiliary logits of its embedding, the scope score, the masks of the
    cycle with curves and rates. Its predicted Dice holds for masks of its own only, and goes for each corrected phase; flags
    (`CORRECTED`) tell all this. A study out of scope stays without numbers: masks do not tell whether its images are a
    short-axis heart. Masks that equal those of the analysis give the analysis.

    Raises `InputError` for a mask of another shape, with other values than `Label`, or of a phase that the analysis lacks,
    `ModelError` for another model, and `UsageError` for slices to be left out that are not there.
    """
    if model.identity.sha256 != analysis.model.sha256:
        raise ModelError(
            f"the result is from model {analysis.model.name} {analysis.model.version}; got {model.identity.name} "
            f"{model.identity.version} with other weights; recompute with the model that gave the result"
        )
    for phase, mask in corrected.items():
        _check_mask(phase, mask, analysis)
    left_out = analysis.left_out if left_out is None else left_out
    kept = left_out.apply(analysis.masks)
    masks = kept | left_out.apply({phase: mask.astype(np.uint8) for phase, mask in corrected.items()})
    changed = [phase for phase in masks if not np.array_equal(masks[phase], kept[phase])]
    notes = _notes(changed)
    if OUT_OF_SCOPE in {flag.code for flag in analysis.flags}:
        return replace(
            analysis, masks=masks, left_out=left_out, predicted_dice=_still(analysis, changed), flags=analysis.flags + notes
        )
    logits = analysis.diagnosis.auxiliary_logits
    evidence = MaskEvidence(
        frames=analysis.frames,
        masks=analysis.masks,
        cine_masks=analysis.cine_masks,
        auxiliary_logits=None if logits is None else np.array(logits),
        predicted_dice=analysis.predicted_dice,
        scope_score=analysis.scope_score,
        left_out=analysis.left_out,
    )
    # What the old masks do not bring about came from elsewhere (the images, the machine, an earlier correction) and stays.
    old = {flag.code for flag in conclude_masks(analysis.study, evidence, model).flags}
    carried = tuple(flag for flag in analysis.flags if flag.code not in old and not _speaks_of(flag, changed))
    evidence = replace(evidence, masks=masks, predicted_dice=_still(analysis, changed), left_out=left_out, flags=carried)
    result = conclude_masks(analysis.study, evidence, model)
    return replace(result, flags=result.flags + notes, seconds=analysis.seconds)


def _check_mask(phase: Phase, mask: Mask, analysis: Analysis) -> None:
    if phase not in analysis.masks:
        raise InputError(f"got a mask of {phase}, which the result lacks; expected {list(analysis.masks)}; run the study again")
    shape = analysis.study.geometry.shape_zyx
    if mask.shape != shape:
        raise InputError(f"the mask of {phase} has shape {mask.shape}; expected that of the study, {shape}; correct it there")
    unknown = sorted(set(np.unique(mask).tolist()) - set(Label))
    if unknown:
        raise InputError(
            f"the mask of {phase} has values {unknown[:5]}; expected {[int(label) for label in Label]}; correct it"
        )


def _notes(changed: list[Phase]) -> tuple[QualityFlag, ...]:
    return tuple(
        QualityFlag(
            f"{CORRECTED}_{phase.lower()}", f"the mask of {phase} was corrected by hand, and the numbers follow it", _KEPT
        )
        for phase in changed
    )


def _still(analysis: Analysis, changed: list[Phase]) -> dict[str, float] | None:
    """The predicted Dice of the phases whose masks are still the network's own; None where there is none."""
    predicted = analysis.predicted_dice or {}
    return {key: value for key, value in predicted.items() if STRUCTURE_PHASES[key][1] not in changed} or None


def _speaks_of(flag: QualityFlag, phases: list[Phase]) -> bool:
    """Whether a flag is about the mask of one of the phases, as its code says."""
    return flag.code.endswith(tuple(f"_{phase.lower()}" for phase in phases))
