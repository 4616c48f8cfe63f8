"""`LabelCoding`: which voxel value of a data set's masks means which structure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Label
from CardiacMTLLib.volume import Mask

_EXAMPLE = '{"RV": 1, "MYOCARDIUM": 2, "LV": 3}'


@dataclass(frozen=True, slots=True)
class LabelCoding:
    """Voxel values of RV, myocardium and LV as `declared_by` states them; 0 is background.

    Raises `InputError` unless they are three different whole numbers above 0.
    """

    rv: int
    myocardium: int
    lv: int
    declared_by: str

    def __post_init__(self) -> None:
        values = (self.rv, self.myocardium, self.lv)
        whole = all(isinstance(value, int) and not isinstance(value, bool) and value > 0 for value in values)
        if not whole or len(set(values)) != 3:
            raise InputError(
                f"{self.declared_by} declares {list(values)} for RV, MYOCARDIUM and LV; expected three different whole numbers "
                f"above 0, as in {_EXAMPLE}; correct it"
            )

    @classmethod
    def load(cls, path: Path) -> LabelCoding:
        """The coding in a JSON file such as {"RV": 1, "MYOCARDIUM": 2, "LV": 3}; raises `InputError` for anything else."""
        try:
            values: Any = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read ({error}); expected the label coding, {_EXAMPLE}; write it") from error
        names = {label.name for label in Label if label is not Label.BACKGROUND}
        if not isinstance(values, dict) or set(values) != names:
            found = ", ".join(values) if isinstance(values, dict) else type(values).__name__
            raise InputError(f"{path} has the keys {found or 'none'}; expected exactly {_EXAMPLE}; correct it")
        return cls(values["RV"], values["MYOCARDIUM"], values["LV"], path.name)

    def value_of(self, label: Label) -> int:
        """Voxel value of a structure."""
        return {Label.BACKGROUND: 0, Label.RV: self.rv, Label.MYOCARDIUM: self.myocardium, Label.LV: self.lv}[label]

    def decode(self, voxels: NDArray[Any], name: str) -> Mask:
        """`voxels` (z, y, x) of a mask file as `Label`; raises `InputError`, naming `name`, for values not declared."""
        strange = np.setdiff1d(voxels, [self.value_of(label) for label in Label])
        if strange.size:
            raise InputError(
                f"{name} holds the values {strange[:5].tolist()}; expected 0 background, {self} ({self.declared_by}); "
                "recode the mask or declare its coding"
            )
        mask: Mask = np.zeros(voxels.shape, dtype=np.uint8)
        for label in Label:
            mask[voxels == self.value_of(label)] = label
        return mask

    def __str__(self) -> str:
        return f"{self.rv} RV, {self.myocardium} myocardium, {self.lv} LV"
