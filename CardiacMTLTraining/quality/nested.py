"""Honest estimates: each fold's rows are judged by lines and a scope that were fitted on the other folds' rows only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.inference.scope import Scope, ScopeEvidence
from CardiacMTLTraining.quality.fit import fit_mask_quality, fit_scope
from CardiacMTLTraining.quality.rows import NegativeRow, PatientRow, Row


@dataclass(frozen=True, slots=True)
class JudgedMasks:
    """A patient with its predicted Dice (None where no heart was found) and the codes of the flags that this raises."""

    row: PatientRow
    predicted_dice: Mapping[str, float] | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The scope's word on one study: its `score` (0 where no heart was found) and whether it is refused."""

    score: float
    refused: bool

    @classmethod
    def of(cls, evidence: ScopeEvidence | None, scope: Scope) -> Judgement:
        """What the pipeline does with a study of this evidence."""
        if evidence is None:
            return cls(0.0, refused=True)
        return cls(scope.score(evidence), refused=not scope.covers(evidence))


@dataclass(frozen=True, slots=True)
class JudgedScope:
    """Every positive and every negative with its judgement, in the order of the rows."""

    positives: tuple[tuple[PatientRow, Judgement], ...]
    negatives: tuple[tuple[NegativeRow, Judgement], ...]


def nested_mask_quality(rows: Sequence[PatientRow]) -> list[JudgedMasks]:
    """Predicted Dice of every patient, in the order of `rows`; raises `InputError` where fewer than two folds are there."""
    lines = {fold: fit_mask_quality([row for row in rows if row.fold != fold]) for fold in _folds(rows)}
    judged = []
    for row in rows:
        predicted = None if row.agreement is None else lines[row.fold].predicted_dice(row.agreement)
        codes = () if predicted is None else tuple(flag.code for flag in lines[row.fold].flags(predicted))
        judged.append(JudgedMasks(row, predicted, codes))
    return judged


def nested_scope(positives: Sequence[PatientRow], negatives: Sequence[NegativeRow]) -> JudgedScope:
    """Every row judged by the scope of its fold; raises `InputError` where fewer than two folds are there."""
    folds = _folds(positives)
    if strange := sorted({row.fold for row in negatives} - set(folds)):
        raise InputError(f"negatives are of folds {strange}; expected those of the patients, {folds}; gather them again")
    scopes = {
        fold: fit_scope([row for row in positives if row.fold != fold], [row for row in negatives if row.fold != fold])
        for fold in folds
    }
    return JudgedScope(tuple(_judged(positives, scopes)), tuple(_judged(negatives, scopes)))


def _judged(rows: Sequence[Row], scopes: Mapping[int, Scope]) -> Iterator[tuple[Row, Judgement]]:
    for row in rows:
        yield row, Judgement.of(row.evidence, scopes[row.fold])


def _folds(rows: Sequence[PatientRow]) -> list[int]:
    folds = sorted({row.fold for row in rows})
    if len(folds) < 2:
        raise InputError(f"the patients are of folds {folds}; expected two folds or more; gather them from a cross-validation")
    return folds
