"""JSON of a manifest -> arguments of a dataclass, with every key and type checked."""

from __future__ import annotations

import sys
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from CardiacMTLLib.errors import ModelError

_MAX_INT = 2**53
"""Greater whole numbers are not exact in other readers of JSON, and overflow here."""


def checked_values(values: object, kind: type, where: str) -> dict[str, Any]:
    """`values` as keyword arguments of the dataclass `kind`: lists as tuples, nested records as they are.

    Raises `ModelError`, beginning with `where`, unless it is a dictionary with exactly the fields of `kind`, each of its type.
    """
    known = {field.name for field in fields(kind)}
    if not isinstance(values, dict) or set(values) != known:
        found = sorted(values) if isinstance(values, dict) else type(values).__name__
        raise ModelError(f"{where} has {found}; expected {sorted(known)}; install the model made for this software version")
    hints = get_type_hints(kind)
    for key, value in values.items():
        if not _fits(value, hints[key]):
            raise ModelError(f"{where} has {key} {str(value)[:80]!r}; expected {_words(hints[key])}; install the model again")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _fits(value: object, hint: Any) -> bool:
    kind = get_origin(hint) or hint
    if kind is UnionType:
        return any(_fits(value, choice) for choice in get_args(hint))
    if kind is NoneType:
        return value is None
    if kind is tuple:
        return isinstance(value, list | tuple) and all(_fits(item, get_args(hint)[0]) for item in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_INT
    return isinstance(value, kind if kind is str else dict)


def _words(hint: Any) -> str:
    if get_origin(hint) is UnionType:
        return " or ".join(_words(choice) for choice in get_args(hint))
    if get_origin(hint) is tuple:
        return f"a list, each item {_words(get_args(hint)[0])}"
    return {NoneType: "null", str: "text", int: "a whole number", float: "a finite number"}.get(hint, "a record")
