"""Body size."""

import math

from CardiacMTLLib.volume import Patient


def body_surface_area_m2(patient: Patient) -> float | None:
    """Body surface area in square metres, sqrt(height_cm * weight_kg / 3600); None without height and weight.

    Source: Mosteller, N Engl J Med 1987;317:1098.
    """
    if patient.height_cm is None or patient.weight_kg is None:
        return None
    return math.sqrt(patient.height_cm * patient.weight_kg / 3600.0)


def body_size_missing(patient: Patient) -> str:
    """What `body_surface_area_m2` lacks where it is None, as the beginning of a sentence."""
    if patient.height_cm is None and patient.weight_kg is None:
        return "height and weight are not known"
    return f"the {'height' if patient.height_cm is None else 'weight'} is not known"
