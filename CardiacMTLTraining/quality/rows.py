"""Rows for fitting: what a network that had not seen a study says about it, and what is true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.inference.scope import ScopeEvidence
from CardiacMTLLib.labels import STRUCTURE_PHASES

Row = TypeVar("Row", "PatientRow", "NegativeRow")


@dataclass(frozen=True, slots=True)
class PatientRow:
    """A patient seen by the network of `fold`, which was trained on the other folds.

    `agreement` of the views and real `dice` have the keys of `STRUCTURE_PHASES`; Dice is None where a mask is empty on both
    sides. `agreement` and `evidence` are None where the network found no heart.
    """

    name: str
    fold: int
    agreement: Mapping[str, float] | None
    evidence: ScopeEvidence | None
    dice: Mapping[str, float | None]

    def __post_init__(self) -> None:
        for field in ("agreement", "dice"):
            values = getattr(self, field)
            if values is not None and set(values) != set(STRUCTURE_PHASES):
                raise InputError(
                    f"{field} of {self.name} has {sorted(values)}; expected {list(STRUCTURE_PHASES)}; gather it again"
                )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` gives the row back without loss."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> PatientRow:
        """A row from what `to_json` gave; raises `InputError` for other keys."""
        return _row(cls, values)


@dataclass(frozen=True, slots=True)
class NegativeRow:
    """Something that is no short-axis heart, of a kind of `negatives`, seen by the network of `fold`.

    It belongs to the patient or number `name` that it was made from. `evidence` is None where no heart was found in it at
    all, which is the right answer.
    """

    name: str
    kind: str
    fold: int
    evidence: ScopeEvidence | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` gives the row back without loss."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> NegativeRow:
        """A row from what `to_json` gave; raises `InputError` for other keys."""
        return _row(cls, values)


def _row(kind: type[Row], values: dict[str, Any]) -> Row:
    known = {field.name for field in fields(kind)}
    if set(values) != known:
        raise InputError(f"a {kind.__name__} has {sorted(values)}; expected {sorted(known)}; gather it again")
    evidence = values["evidence"]
    wanted = {field.name for field in fields(ScopeEvidence)}
    if evidence is not None and set(evidence) != wanted:
        raise InputError(f"evidence of {values['name']} has {sorted(evidence)}; expected {sorted(wanted)}; gather it again")
    return kind(**(values | {"evidence": None if evidence is None else ScopeEvidence(**evidence)}))
