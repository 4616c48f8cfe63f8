"""`Info.cfg`, the text file beside the images of an ACDC patient.

Format: Bernard et al., IEEE TMI 37(11):2514-2525, 2018, doi 10.1109/TMI.2018.2837502; one `Key: value` a line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.volume import Patient

INFO_NAME = "Info.cfg"


@dataclass(frozen=True, slots=True)
class AcdcInfo:
    """What `Info.cfg` says; None where it says nothing. Frames count from 0 here, from 1 in the file."""

    ed_frame: int | None = None
    es_frame: int | None = None
    group: str | None = None
    patient: Patient = field(default_factory=Patient)
    warnings: tuple[str, ...] = ()


def read_info(path: Path) -> AcdcInfo:
    """Parse the `Info.cfg` at `path`; raises `InputError` for frame numbers that are none.

    A height or weight that no patient can have is left out, with a warning.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); expected a text file; check its permissions") from error
    values = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}
    height_cm, height_warnings = _body_value(values, "height")
    weight_kg, weight_warnings = _body_value(values, "weight")
    return AcdcInfo(
        ed_frame=_frame(values, "ed", path),
        es_frame=_frame(values, "es", path),
        group=values.get("group") or None,
        patient=Patient(height_cm=height_cm, weight_kg=weight_kg),
        warnings=(*height_warnings, *weight_warnings),
    )


def info_beside(path: Path) -> AcdcInfo:
    """The `Info.cfg` in the folder of the file `path`, or an empty one."""
    beside = path.parent / INFO_NAME
    return read_info(beside) if beside.is_file() else AcdcInfo()


def _frame(values: dict[str, str], key: str, path: Path) -> int | None:
    text = values.get(key)
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{key.upper()} in {path} is {text!r}; expected a frame number counted from 1; correct the line")
    return int(text) - 1


def _body_value(values: dict[str, str], key: str) -> tuple[float | None, tuple[str, ...]]:
    text = values.get(key)
    if not text:
        return None, ()
    try:
        value = float(text)
        Patient(height_cm=value) if key == "height" else Patient(weight_kg=value)
    except (ValueError, InputError):
        return None, (f"The {key} in {INFO_NAME} is not believable and was left out.",)
    return value, ()
