"""`PhantomAnatomy`: a beating heart as two shapes, and its measurements in closed form."""

from __future__ import annotations

from dataclasses import dataclass

from CardiacMTLLib.measure.constants import MYOCARDIAL_DENSITY_G_PER_ML
from CardiacMTLLib.phantom.shape import HeartShape, between
from CardiacMTLLib.volume import Patient


@dataclass(frozen=True, slots=True)
class PhantomAnatomy:
    """Heart of a phantom: its shape at ED and at ES, and the patient it belongs to.

    `regional_angle_deg` is where the shapes' regional bumps are centred (0 septum, 90 anterior, 180 lateral, -90 inferior).
    All volumes are closed forms, exact for the continuous anatomy; masks agree with them up to partial-volume error.
    """

    ed: HeartShape
    es: HeartShape
    patient: Patient
    regional_angle_deg: float = 0.0

    def shape_at(self, contraction: float) -> HeartShape:
        """Shape between ED (`contraction` 0) and ES (1)."""
        return between(self.ed, self.es, contraction)

    @property
    def lv_edv_ml(self) -> float:
        """End-diastolic volume of the left cavity."""
        return self.ed.lv_ml

    @property
    def lv_esv_ml(self) -> float:
        """End-systolic volume of the left cavity."""
        return self.es.lv_ml

    @property
    def lv_ef_percent(self) -> float:
        """Left ventricular ejection fraction."""
        return 100 * (1 - self.lv_esv_ml / self.lv_edv_ml)

    @property
    def rv_edv_ml(self) -> float:
        """End-diastolic volume of the right cavity."""
        return self.ed.rv_ml

    @property
    def rv_esv_ml(self) -> float:
        """End-systolic volume of the right cavity."""
        return self.es.rv_ml

    @property
    def rv_ef_percent(self) -> float:
        """Right ventricular ejection fraction."""
        return 100 * (1 - self.rv_esv_ml / self.rv_edv_ml)

    @property
    def lv_mass_g(self) -> float:
        """Mass of the left ventricular wall at ED."""
        return MYOCARDIAL_DENSITY_G_PER_ML * self.ed.myocardium_ml
