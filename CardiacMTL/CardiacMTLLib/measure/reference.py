"""Reference ranges of healthy adults by sex, each with its source, and whether a value lies outside them.

All sources count papillary muscles and trabeculae to the cavity, as the masks here do (docs/decisions/0022).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from CardiacMTLLib.volume import Sex


class Evidence(StrEnum):
    """How far the figures of a range could be confirmed."""

    ABSTRACT = "limits computed as mean ± 1.96 SD from the abstract"
    SECOND_HAND = "second-hand: as others quote the paper, whose tables were not at hand"


class Side(StrEnum):
    """On which side of its reference range a value lies outside."""

    BELOW = "below"
    ABOVE = "above"


@dataclass(frozen=True, slots=True)
class ReferenceSource:
    """A publication: `key` for the record, `short` for a line on the terminal, what to cite, who was measured, which ages."""

    key: str
    short: str
    citation: str
    ages: str
    cohort: str


@dataclass(frozen=True, slots=True)
class ReferenceRange:
    """The range of one sex, limits included, in the measurement's unit and in whole units, as they are published.

    Raises `ValueError` unless `low` lies below `high`.
    """

    sex: Sex
    low: int
    high: int
    source: ReferenceSource
    evidence: Evidence

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError("the lower limit of a reference range lies below its upper limit")

    def side(self, value: float) -> Side | None:
        """Where `value`, in whole units as the report shows it, lies; None inside and at the limits."""
        shown = round(value)
        if shown < self.low:
            return Side.BELOW
        return Side.ABOVE if shown > self.high else None


@dataclass(frozen=True, slots=True)
class Reference:
    """The ranges to be shown beside one measurement, none where no source is known, and on which side of all it lies."""

    ranges: tuple[ReferenceRange, ...] = ()
    outside: Side | None = None


PETERSEN_2017 = ReferenceSource(
    "petersen_2017",
    "Petersen 2017, 45-74 years",
    "S. E. Petersen, N. Aung, M. M. Sanghvi, et al., Reference ranges for cardiac structure and function using cardiovascular "
    "magnetic resonance (CMR) in Caucasians from the UK Biobank population cohort, J Cardiovasc Magn Reson 2017;19:18, "
    "doi 10.1186/s12968-017-0327-9",
    "45 to 74 years",
    "UK Biobank, Caucasians without cardiovascular disease or risk factors, 368 men and 432 women, 1.5 T",
)

KAWEL_BOEHM_2025 = ReferenceSource(
    "kawel_boehm_2025",
    "Kawel-Boehm 2025, adults",
    "N. Kawel-Boehm, S. J. Hetzel, B. Ambale-Venkatesh, et al., Society for Cardiovascular Magnetic Resonance reference values "
    '("normal values") in cardiovascular magnetic resonance: 2025 update, J Cardiovasc Magn Reson 2025;27:101853, '
    "doi 10.1016/j.jocmr.2025.101853",
    "adults; the span could not be confirmed",
    "healthy men and women pooled over several published cohorts",
)

SOURCES = (PETERSEN_2017, KAWEL_BOEHM_2025)


def _both(
    men: tuple[int, int], women: tuple[int, int], source: ReferenceSource, evidence: Evidence = Evidence.SECOND_HAND
) -> tuple[ReferenceRange, ReferenceRange]:
    return ReferenceRange(Sex.MALE, *men, source, evidence), ReferenceRange(Sex.FEMALE, *women, source, evidence)


RANGES = {
    "lv_edv_ml": _both((93, 232), (80, 175), PETERSEN_2017),
    "lv_esv_ml": _both((34, 103), (25, 73), PETERSEN_2017),
    "lv_sv_ml": _both((49, 140), (47, 110), PETERSEN_2017),
    "lv_ef_percent": _both((48, 68), (51, 71), PETERSEN_2017, Evidence.ABSTRACT),
    "lv_edv_ml_per_m2": _both((52, 117), (50, 101), PETERSEN_2017),
    "lv_esv_ml_per_m2": _both((19, 52), (16, 43), PETERSEN_2017),
    "lv_sv_ml_per_m2": _both((28, 70), (29, 63), PETERSEN_2017),
    "lv_mass_g_per_m2": _both((35, 71), (28, 56), PETERSEN_2017, Evidence.ABSTRACT),
    "rv_edv_ml": _both((74, 231), (59, 172), KAWEL_BOEHM_2025),
    "rv_esv_ml": _both((26, 104), (17, 75), KAWEL_BOEHM_2025),
    "rv_sv_ml": _both((33, 146), (32, 109), KAWEL_BOEHM_2025),
    "rv_ef_percent": _both((44, 72), (47, 75), KAWEL_BOEHM_2025),
    "rv_edv_ml_per_m2": _both((47, 116), (44, 99), KAWEL_BOEHM_2025),
    "rv_esv_ml_per_m2": _both((16, 52), (13, 43), KAWEL_BOEHM_2025),
    "rv_sv_ml_per_m2": _both((30, 69), (29, 61), PETERSEN_2017),
}
"""Ranges by the measurement's name in the result record, men first. LV mass that is not indexed has none: no source could be
confirmed."""


def reference_of(name: str, value: float | None, sex: Sex | None) -> Reference:
    """The ranges of the measurement called `name`, those of both sexes where `sex` is None, and on which side `value` lies.

    A value is outside where it lies on the same side of every range that is shown. None for `value` is never outside, nor is a
    value below zero, an ejection fraction say: that is no heart's, and a quality flag tells what is wrong with it.
    """
    ranges = tuple(entry for entry in RANGES.get(name, ()) if sex is None or entry.sex is sex)
    return Reference(ranges, None if value is None or value < 0 else _common_side(entry.side(value) for entry in ranges))


def _common_side(sides: Iterable[Side | None]) -> Side | None:
    found = set(sides)
    return found.pop() if len(found) == 1 else None
