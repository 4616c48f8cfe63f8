"""Configurations on disk: versioned JSON, in which keys may be left out and an unknown one is an error."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from CardiacMTLLib.errors import InputError, ModelError
from CardiacMTLLib.network.json_values import checked_values


def read_json(path: Path) -> object:
    """What a configuration file holds; raises `InputError` for one that cannot be read or is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); expected a configuration in JSON; correct it") from error


def without_version(values: object, version: int, where: str) -> dict[str, Any]:
    """The keys beside `version`; raises `InputError`, beginning with `where`, for another one."""
    found = values.get("version") if isinstance(values, dict) else None
    if not isinstance(values, dict) or found != version:
        raise InputError(f"{where} has version {found}; expected {version}; write it anew")
    return {key: value for key, value in values.items() if key != "version"}


def settings(values: dict[str, Any], kind: type[Any], where: str) -> dict[str, Any]:
    """All arguments of the dataclass `kind`: those in `values`, checked, and the defaults.

    Raises `InputError`, beginning with `where`, for unknown keys and values of another type.
    """
    known = {field.name for field in fields(kind)}
    if unknown := sorted(set(values) - known):
        raise InputError(f"{where} has unknown keys {unknown}; expected some of {sorted(known)}; correct the spelling")
    try:
        return checked_values(asdict(kind()) | values, kind, where)
    except ModelError as error:
        what, _, _ = str(error).rpartition(";")
        raise InputError(f"{what}; correct the value") from error
