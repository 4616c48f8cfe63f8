"""`patient_facts`: height, weight, sex and heart rate, where the application knows the DICOM headers of an image.

Names and numbers of a patient are never read.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.volume import Patient, Sex
from CardiacMTLScene.hierarchy import hierarchy_of

TagReader = Callable[[str, str], str]
"""Told the SOP instance UID and a tag such as "0010,1020", gives its value as text, or an empty text; in the application
`slicer.dicomDatabase.instanceValue`."""

_INSTANCES = "DICOM.instanceUIDs"
_SEX_ATTRIBUTE = "DICOM.PatientSex"

_SIZE_M, _WEIGHT_KG, _SEX, _HEART_RATE, _INTERVAL_MS = "0010,1020", "0010,1030", "0010,0040", "0018,1088", "0018,1062"


def patient_facts(node: Any, tag_value: TagReader | None = None) -> Patient:
    """What is known of the patient whose image `node` is; what is missing, zero or cannot be true stays None.

    `tag_value` is asked about the first of the node's `DICOM.instanceUIDs`. Without it, or where the header has none, the sex
    may stand on an item above the node in the subject hierarchy.
    """
    instances = (node.GetAttribute(_INSTANCES) or "").split()

    def text(tag: str) -> str:
        return tag_value(instances[0], tag).strip() if tag_value and instances else ""

    def number(tag: str, factor: float = 1.0) -> float | None:
        try:
            value = float(text(tag).split("\\")[0])
        except ValueError:
            return None
        return round(value * factor, 6) if math.isfinite(value) and value > 0 else None

    interval_ms = number(_INTERVAL_MS)
    rate = number(_HEART_RATE) or (None if interval_ms is None else round(60_000 / interval_ms, 1))
    sex = text(_SEX) or _sex_in_tree(node)
    return Patient(
        _believed("height_cm", number(_SIZE_M, 100.0)),
        _believed("weight_kg", number(_WEIGHT_KG)),
        Sex(sex) if sex in set(Sex) else None,
        _believed("heart_rate_bpm", rate),
    )


def _believed(field: str, value: float | None) -> float | None:
    try:
        Patient(**{field: value})  # type: ignore[arg-type]  # never the field of the sex
    except InputError:
        return None
    return value


def _sex_in_tree(node: Any) -> str:
    if node.GetScene() is None:
        return ""
    tree = hierarchy_of(node.GetScene())
    item = tree.GetItemByDataNode(node)
    while item and item != tree.GetSceneItemID():
        if tree.HasItemAttribute(item, _SEX_ATTRIBUTE):
            return str(tree.GetItemAttribute(item, _SEX_ATTRIBUTE)).strip()
        item = tree.GetItemParent(item)
    return ""
