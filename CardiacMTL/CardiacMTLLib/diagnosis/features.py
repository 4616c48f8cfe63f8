"""Names, units and order of the clinical features on which the diagnosis head stands."""

from __future__ import annotations

from dataclasses import dataclass

WALL_SECTORS = 12
"""Sectors of a slice in which wall thickness is measured for the diagnosis."""

MIN_WALL_SLICE_MM2 = 100.0
"""A slice counts for wall thickness where cavity and myocardium each cover at least this area ..."""

MIN_SECTOR_THICKNESS_MM = 1.0
"""... and the myocardium closes the ring: no sector is thinner than this."""


LOW_SHARE = 0.1
"""Share of the sectors, over all slices, that move least: the feature `excursion_low` is the motion of the best of them."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the diagnosis head; `by_size` marks those that are divided by body surface area when it is known."""

    name: str
    unit: str
    title: str
    by_size: bool = False


_SECTOR_WALL = f"wall thickness in {WALL_SECTORS} sectors a slice"
"""Not that of the 16 segments, which the measurement table has."""

FEATURES = (
    Feature("lv_edv", "mL", "LV volume at ED", by_size=True),
    Feature("lv_esv", "mL", "LV volume at ES", by_size=True),
    Feature("lv_ef", "%", "LV ejection fraction"),
    Feature("rv_edv", "mL", "RV volume at ED", by_size=True),
    Feature("rv_esv", "mL", "RV volume at ES", by_size=True),
    Feature("rv_ef", "%", "RV ejection fraction"),
    Feature("lv_mass", "g", "LV mass", by_size=True),
    Feature("lv_to_rv_edv", "", "LV to RV volume at ED"),
    Feature("rv_to_lv_esv", "", "RV to LV volume at ES"),
    Feature("mass_to_lv_edv", "g/mL", "LV mass to volume at ED"),
    Feature("wall_mean_ed", "mm", f"{_SECTOR_WALL} at ED, mean"),
    Feature("wall_max_ed", "mm", f"{_SECTOR_WALL} at ED, thickest slice"),
    Feature("wall_mean_es", "mm", f"{_SECTOR_WALL} at ES, mean"),
    Feature("wall_max_es", "mm", f"{_SECTOR_WALL} at ES, thickest slice"),
    Feature("wall_sd_mean_ed", "mm", "unevenness of the wall at ED, mean of slices"),
    Feature("wall_sd_max_ed", "mm", "unevenness of the wall at ED, most uneven slice"),
    Feature("wall_sd_mean_es", "mm", "unevenness of the wall at ES, mean of slices"),
    Feature("wall_sd_max_es", "mm", "unevenness of the wall at ES, most uneven slice"),
    Feature("wall_between_ed", "mm", "unevenness of the wall between slices at ED"),
    Feature("wall_between_es", "mm", "unevenness of the wall between slices at ES"),
    Feature("excursion_mean", "", "inward motion of the wall, mean of sectors"),
    Feature("excursion_sd", "", "unevenness of the inward motion, mean of slices"),
    Feature("excursion_low", "", "inward motion of the stillest tenth of sectors"),
    Feature("thickening_sd", "", "unevenness of the wall's thickening, mean of slices"),
)
"""The features, in the order of the diagnosis head's weights."""
