"""Classes of a segment's systolic thickening; not the visual score of wall motion."""

from __future__ import annotations

from enum import StrEnum

NORMAL_FROM_PERCENT = 30.0
"""Thickening from which a segment counts as normal.

Below it a segment is likely infarcted: "Comparison of wall thickening and ejection fraction by cardiovascular magnetic
resonance and echocardiography in acute myocardial infarction", J Cardiovasc Magn Reson 2009;11:22, doi
10.1186/1532-429X-11-22 (52 patients).
"""

ABSENT_WITHIN_PERCENT = 10.0
"""Thickening or thinning below this is taken for none. This limit is ours: it is about half a pixel of a wall 8 mm thick."""


class ThickeningClass(StrEnum):
    """Grades of thickening as Lang et al., J Am Soc Echocardiogr 2015;28:1, tell them apart by eye, here by number."""

    NORMAL = "normal"
    REDUCED = "reduced"
    ABSENT = "absent"
    THINNING = "thinning"


def thickening_class(percent: float) -> ThickeningClass:
    """The class of a thickening in percent of the thickness at ED, by the whole percent that readers see.

    Normal from 30, reduced from 10, thinning from -10 down, absent between.
    """
    shown = round(percent)
    if shown >= NORMAL_FROM_PERCENT:
        return ThickeningClass.NORMAL
    if shown >= ABSENT_WITHIN_PERCENT:
        return ThickeningClass.REDUCED
    return ThickeningClass.ABSENT if shown > -ABSENT_WITHIN_PERCENT else ThickeningClass.THINNING
