"""`StressRecord`: what came of one patient's plain and changed studies, a small JSON file that grows change by change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import STRUCTURE_PHASES, Group, Phase
from CardiacMTLLib.volume import Mask
from CardiacMTLTraining.evaluation.case_figures import mean_of
from CardiacMTLTraining.evaluation.overlap import dice

VERSION = 1
PLAIN = "plain"
"""Name of the study as it is, beside those of the changes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Mean Dice over the structures and phases (None without expert masks), the most likely group, and the label.

    `label` is None where it is withheld and `most_likely` None where the diagnosis is undefined; `reason` says why.
    """

    mean_dice: float | None
    most_likely: Group | None
    label: Group | None
    reason: str | None

    @classmethod
    def of(cls, analysis: Analysis, truth: Mapping[Phase, Mask]) -> Outcome:
        """The outcome of an analysis against expert masks (z, y, x) on its grid; a phase that was not found counts 0."""
        overlap: dict[str, float | None] = {}
        for key, (structure, phase) in STRUCTURE_PHASES.items():
            if phase in truth:
                found = analysis.masks.get(phase)
                expected = truth[phase] == structure
                overlap[key] = dice(np.zeros_like(expected) if found is None else found == structure, expected)
        chances = analysis.diagnosis.probabilities
        most_likely = None if chances is None else max(Group, key=lambda group: chances[group])
        return cls(mean_of(overlap), most_likely, analysis.diagnosis.label, analysis.diagnosis.reason)


@dataclass(frozen=True, slots=True)
class StressRecord:
    """Outcomes of one patient by change, and `PLAIN`; `source` tells the network and the rows that they came from."""

    name: str
    fold: int
    source: str
    outcomes: Mapping[str, Outcome]

    def save(self, folder: Path) -> None:
        """Write into `folder`; the file is whole or as it was."""
        values = {"version": VERSION} | asdict(self)
        temporary = folder / f".{self.name}.json"
        temporary.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        temporary.replace(_path(folder, self.name))

    @classmethod
    def load(cls, folder: Path, name: str, fold: int, source: str) -> StressRecord:
        """What there is of a patient; without outcomes where there is nothing, or only of other networks or rows.

        Raises `InputError` for a damaged file.
        """
        path = _path(folder, name)
        if not path.exists():
            return cls(name, fold, source, {})
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            current = (values["version"], values["name"], values["fold"], values["source"]) == (VERSION, name, fold, source)
            outcomes = {change: _outcome(of_change) for change, of_change in values["outcomes"].items()} if current else {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} cannot be read ({error!r}); expected outcomes of a patient; delete it") from error
        return cls(name, fold, source, outcomes)


def _outcome(values: dict[str, object]) -> Outcome:
    groups = {key: None if values[key] is None else Group(str(values[key])) for key in ("most_likely", "label")}
    return Outcome(**(values | groups))  # type: ignore[arg-type]  # foreign keys and types are caught by the caller


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"
