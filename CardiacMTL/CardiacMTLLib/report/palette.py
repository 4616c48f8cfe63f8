"""The one set of colours and names in which pictures, report and scene show the structures."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from CardiacMTLLib.labels import Label

STRUCTURE_COLORS: Mapping[Label, tuple[int, int, int]] = MappingProxyType(
    {Label.LV: (230, 60, 60), Label.MYOCARDIUM: (80, 200, 90), Label.RV: (70, 140, 245)}
)
"""Red, green and blue, 0 to 255, of each structure: a high-contrast set (the standard colours of LV and RV nearly coincide)."""

STRUCTURE_NAMES: Mapping[Label, str] = MappingProxyType(
    {Label.LV: "left ventricle, cavity", Label.MYOCARDIUM: "LV myocardium", Label.RV: "right ventricle, cavity"}
)
"""What a legend calls each structure."""
