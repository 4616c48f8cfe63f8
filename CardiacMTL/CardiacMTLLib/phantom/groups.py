"""Group-typical anatomies: the mean patient of each ACDC group, solved for its volumes."""

from __future__ import annotations

from dataclasses import dataclass

from CardiacMTLLib.labels import Group
from CardiacMTLLib.measure.constants import MYOCARDIAL_DENSITY_G_PER_ML
from CardiacMTLLib.phantom.anatomy import PhantomAnatomy
from CardiacMTLLib.phantom.shape import BASE_ABOVE_EQUATOR, HeartShape, radius_of_volume_mm
from CardiacMTLLib.volume import Patient, Sex


@dataclass(frozen=True, slots=True)
class _Instant:
    """What is asked of a shape; lengths in mm, volumes in mL."""

    lv_ml: float
    rv_ml: float
    base_height_mm: float
    apex_wall_mm: float
    rv_apex_mm: float
    endo_bump: float = 0.0
    epi_bump: float = 0.0


@dataclass(frozen=True, slots=True)
class _Case:
    mass_g: float
    ed: _Instant
    es: _Instant
    patient: Patient
    regional_angle_deg: float = 0.0


_CASES = {
    Group.NOR: _Case(
        102.0,
        _Instant(130.0, 153.0, 88.0, 6.0, 18.0),
        _Instant(52.0, 68.9, 72.0, 9.0, 18.0),
        Patient(172.0, 72.0, Sex.MALE, 68.0),
    ),
    Group.MINF: _Case(
        123.0,
        _Instant(172.0, 119.0, 88.0, 5.5, 20.0, endo_bump=0.02, epi_bump=-0.10),
        _Instant(118.7, 52.4, 80.0, 7.0, 22.0, endo_bump=0.18, epi_bump=-0.07),
        Patient(172.0, 80.0, Sex.MALE, 70.0),
        regional_angle_deg=105.0,
    ),
    Group.DCM: _Case(
        170.0,
        _Instant(285.0, 178.0, 96.0, 6.0, 20.0),
        _Instant(233.7, 121.0, 88.0, 7.0, 20.0),
        Patient(174.0, 78.0, Sex.MALE, 82.0),
    ),
    Group.HCM: _Case(
        177.0,
        _Instant(129.0, 118.0, 88.0, 10.0, 22.0, endo_bump=-0.10, epi_bump=0.12),
        _Instant(42.6, 47.2, 80.0, 16.0, 26.0, endo_bump=-0.12, epi_bump=0.14),
        Patient(171.0, 78.0, Sex.MALE, 66.0),
    ),
    Group.RV: _Case(
        77.0,
        _Instant(107.0, 196.0, 80.0, 5.5, 6.0),
        _Instant(48.2, 135.2, 72.0, 7.5, 7.0),
        Patient(168.0, 68.0, Sex.FEMALE, 76.0),
    ),
}
"""Volumes and masses: means of the expert masks of the ACDC training groups (Bernard et al., doi 10.1109/TMI.2018.2837502).

Base planes lie on multiples of 8 mm, so that the default grid's slices do not cut through them. MINF: a thin anterior
region that hardly moves. HCM: a thick septum.
"""


def anatomy_of(group: Group) -> PhantomAnatomy:
    """The typical anatomy of an ACDC group; volumes and mass are the group's means, the wall's volume is equal at ED and ES."""
    case = _CASES[group]
    wall_ml = case.mass_g / MYOCARDIAL_DENSITY_G_PER_ML
    return PhantomAnatomy(_solve(case.ed, wall_ml), _solve(case.es, wall_ml), case.patient, case.regional_angle_deg)


def _solve(instant: _Instant, wall_ml: float) -> HeartShape:
    height_mm = instant.base_height_mm
    lv_length_mm = height_mm - instant.apex_wall_mm
    semi_axis_mm = lv_length_mm / (1 + BASE_ABOVE_EQUATOR)
    lv_radius_mm = radius_of_volume_mm(instant.lv_ml, semi_axis_mm, lv_length_mm, instant.endo_bump)
    epi_semi_axis_mm = semi_axis_mm + instant.apex_wall_mm
    epi_radius_mm = radius_of_volume_mm(instant.lv_ml + wall_ml, epi_semi_axis_mm, height_mm, instant.epi_bump)
    rv_length_mm = height_mm - instant.rv_apex_mm
    return HeartShape(
        lv_length_mm=lv_length_mm,
        lv_radius_mm=lv_radius_mm,
        wall_mm=epi_radius_mm - lv_radius_mm,
        apex_wall_mm=instant.apex_wall_mm,
        rv_length_mm=rv_length_mm,
        rv_base_area_mm2=2000 * instant.rv_ml / rv_length_mm,
        endo_bump=instant.endo_bump,
        epi_bump=instant.epi_bump,
    )
