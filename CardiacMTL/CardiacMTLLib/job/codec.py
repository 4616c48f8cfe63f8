"""Dataclasses <-> JSON with arrays beside it, led by the type hints: a new field of a dataclass travels without a line here.

No pickle. A value of a type that is not listed in `encode` is an error, so that nothing is lost in silence.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import InputError

Arrays = MutableMapping[str, NDArray[Any]]
"""Arrays by their names, which are those of the fields that led to them, joined by dots."""

_ARRAY_KEY = "array"


def encode(value: object, arrays: Arrays, name: str = "", leave_out: Collection[str] = ()) -> Any:
    """`value` as plain JSON; arrays go into `arrays` and are named in their place.

    Dataclasses become objects with a key a field, the fields `leave_out` of the outermost excepted. Enums become their values,
    mappings objects, other collections lists (sets sorted). Raises `TypeError` for anything else.
    """
    if is_dataclass(value) and not isinstance(value, type):
        kept = [field.name for field in fields(value) if field.name not in leave_out]
        return {key: encode(getattr(value, key), arrays, _joined(name, key)) for key in kept}
    if isinstance(value, Mapping):
        plain = {_plain(key, "a key"): item for key, item in value.items()}
        return {key: encode(item, arrays, _joined(name, str(key))) for key, item in plain.items()}
    if isinstance(value, frozenset | set):
        return sorted(_plain(item, name) for item in value)
    if isinstance(value, tuple | list):
        return [encode(item, arrays, _joined(name, str(index))) for index, item in enumerate(value)]
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        arrays[name] = value
        return {_ARRAY_KEY: name}
    return _plain(value, name)


def _plain(value: object, name: str) -> str | bool | int | float | None:
    """A single value as JSON has it."""
    plain = value.value if isinstance(value, Enum) else value.item() if isinstance(value, np.generic) else value
    if plain is not None and not isinstance(plain, str | bool | int | float):
        raise TypeError(f"{name or 'the value'} is of type {type(value).__name__}, which does not travel")
    return plain


def decode(value: Any, hint: Any, arrays: Mapping[str, NDArray[Any]], where: str, **given: object) -> Any:
    """What `encode` was given, from its JSON, as the type `hint`; `given` are the fields that were left out.

    A field that is missing takes its default. Raises `InputError`, beginning with `where`, for a key that is unknown, a field
    that is missing without a default, an array that is missing, and a value that does not fit its type.
    """
    try:
        return _decoded(value, hint, arrays, where, given)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InputError(f"{where} cannot be rebuilt ({error}); expected what this software version writes") from error


def _decoded(value: Any, hint: Any, arrays: Mapping[str, NDArray[Any]], where: str, given: Mapping[str, object]) -> Any:
    kind, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
    if kind in {types.UnionType, typing.Union}:
        return _one_of(value, arguments, arrays, where)
    if kind is np.ndarray:
        return arrays[value[_ARRAY_KEY]]
    if is_dataclass(kind):
        return _dataclass(value, kind, arrays, where, given)
    if isinstance(kind, type) and issubclass(kind, tuple | list | set | frozenset):
        if not isinstance(value, list):
            raise TypeError(f"{where} is {value!r:.80}; expected a list")
        many = kind is not tuple or arguments[-1:] == (Ellipsis,)
        hints = [arguments[0]] * len(value) if many else list(arguments)
        items = zip(value, hints, strict=True)
        return kind(_decoded(item, hint, arrays, f"{where}[{index}]", {}) for index, (item, hint) in enumerate(items))
    if isinstance(kind, type) and issubclass(kind, Mapping):
        of_key, of_item = arguments
        return {
            _decoded(_key(key, of_key), of_key, arrays, where, {}): _decoded(item, of_item, arrays, f"{where}.{key}", {})
            for key, item in value.items()
        }
    return _scalar(value, kind, where)


def _one_of(value: Any, hints: tuple[Any, ...], arrays: Mapping[str, NDArray[Any]], where: str) -> Any:
    """As the first of `hints` that fits; one alone, beside None, says what is wrong with it."""
    if value is None and types.NoneType in hints:
        return None
    others = [hint for hint in hints if hint is not types.NoneType]
    for hint in others[:-1]:
        try:
            return _decoded(value, hint, arrays, where, {})
        except (TypeError, ValueError, KeyError, AttributeError):
            continue
    return _decoded(value, others[-1], arrays, where, {})


def _dataclass(value: Any, kind: Any, arrays: Mapping[str, NDArray[Any]], where: str, given: Mapping[str, object]) -> Any:
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(value) - {field.name for field in fields(kind)})
    if unknown:
        raise ValueError(f"{where} has unknown keys {unknown}")
    values = {key: _decoded(item, hints[key], arrays, f"{where}.{key}", {}) for key, item in value.items()}
    return kind(**values, **given)


def _scalar(value: Any, kind: Any, where: str) -> Any:
    if kind is Any:
        return value
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{where} is {value!r:.80}; expected {kind.__name__}")
    return kind(value)


def _key(key: str, hint: Any) -> Any:
    """A key of a JSON object as it was: numbers come back from their text."""
    is_number = isinstance(hint, type) and issubclass(hint, int)
    return int(key) if is_number else key


def _joined(name: str, part: str) -> str:
    return f"{name}.{part}" if name else part
