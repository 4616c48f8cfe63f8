"""How good a mask is likely to be: the predicted Dice of each structure and phase, from the agreement of the views."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from CardiacMTLLib.analysis import QualityFlag
from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.labels import STRUCTURE_PHASES, Phase
from CardiacMTLLib.network.json_values import checked_values


def _check(phase: Phase) -> str:
    return (
        f"Look at the outlines at {phase}, first in the basal slices (does the RV mask reach into the right atrium or the "
        "outflow tract?), then in the apical ones, and correct them before the numbers are used."
    )


@dataclass(frozen=True, slots=True)
class QualityLine:
    """Predicted Dice = `intercept` + `slope` * agreement, within 0 to 1; below `limit` the mask is flagged."""

    intercept: float
    slope: float
    limit: float

    def dice(self, agreement: float) -> float:
        """Predicted Dice (0 to 1) at an agreement of the views (0 to 1)."""
        return min(max(self.intercept + self.slope * agreement, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class MaskQuality:
    """A `QualityLine` for each key of `STRUCTURE_PHASES`, fitted on patients that the network had not seen.

    Raises `ModelError` for other keys, numbers that are not finite, a negative slope, and limits outside 0 to 1.
    """

    lines: dict[str, QualityLine]

    def __post_init__(self) -> None:
        if set(self.lines) != set(STRUCTURE_PHASES):
            raise ModelError(
                f"mask quality has lines for {sorted(self.lines)}; expected {list(STRUCTURE_PHASES)}; install the model again"
            )
        for key, line in self.lines.items():
            possible = math.isfinite(line.intercept) and 0 <= line.slope < math.inf and 0 <= line.limit <= 1
            if not possible:
                raise ModelError(
                    f"mask quality of {key} is {line}; expected finite numbers, a slope that is not negative and a limit "
                    "from 0 to 1; install the model again"
                )

    def predicted_dice(self, agreement: Mapping[str, float]) -> dict[str, float]:
        """Predicted Dice (0 to 1) by the keys of `agreement` (`views.agreement`), which are those of the phases there are."""
        return {key: self.lines[key].dice(value) for key, value in agreement.items()}

    def flags(self, predicted_dice: Mapping[str, float]) -> tuple[QualityFlag, ...]:
        """A flag for each phase with a mask whose predicted Dice is below its limit."""
        flags = []
        for phase in Phase:
            low = [
                f"{STRUCTURE_PHASES[key][0].name.replace('MYOCARDIUM', 'myocardium')} {value:.2f}"
                for key, value in predicted_dice.items()
                if STRUCTURE_PHASES[key][1] is phase and value < self.lines[key].limit
            ]
            if low:
                text = f"the network is unsure of its masks at {phase} (expected Dice {', '.join(low)})"
                flags.append(QualityFlag(f"low_mask_quality_{phase.lower()}", text, _check(phase)))
        return tuple(flags)

    @classmethod
    def from_json(cls, values: object, where: str) -> MaskQuality:
        """The record in a manifest; raises `ModelError`, beginning with `where`, for keys and values that cannot be."""
        lines: dict[str, Any] = checked_values(values, cls, where)["lines"]
        return cls({key: QualityLine(**checked_values(line, QualityLine, f"{where}: {key}")) for key, line in lines.items()})
