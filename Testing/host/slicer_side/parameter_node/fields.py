"""How a typed value is kept in a vtkMRMLScriptedModuleNode: as text under its name, a node as a reference beside an empty text.

The texts are those of Slicer: Base/Python/slicer/parameterNodeWrapper/serializers.py, so that scenes saved by one are read by
the other. Offered here: int, float, str, bool, pathlib paths, enums, MRML nodes, and unions of these with None; lists, dicts
and parameter packs are in the real API too, but not here.
"""

from __future__ import annotations

import enum
import pathlib
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import slicer

from Testing.host.slicer_side.parameter_node.validators import Default, Validator, first

_NO_DEFAULT = object()


@dataclass(slots=True)
class Field:
    """One parameter: its type and how it is read and written."""

    name: str
    kind: Any
    annotations: tuple[Any, ...] = ()
    default: Any = field(default=_NO_DEFAULT)

    def __post_init__(self) -> None:
        """Find the default: given by `=`, by `Default(...)`, or by the type."""
        _texts(self.members[0])
        given = first(self.annotations, Default)
        if self.default is _NO_DEFAULT:
            self.default = given.value if given is not None else self._default_of_type()

    @property
    def members(self) -> tuple[Any, ...]:
        """The types of a union, or the type alone."""
        is_union = typing.get_origin(self.kind) in (typing.Union, types.UnionType)
        return typing.get_args(self.kind) if is_union else (self.kind,)

    @property
    def is_node(self) -> bool:
        """Whether every member is a class of nodes, None aside."""
        return all(_is_node(kind) for kind in self.members if kind is not type(None))

    def node_types(self) -> tuple[str, ...]:
        """Names of the classes of nodes."""
        return tuple(kind().GetClassName() for kind in self.members if _is_node(kind))

    def check(self, value: Any) -> None:
        """Raise where the value does not fit the type or an annotation."""
        if value is None and not self.is_node and type(None) not in self.members:
            raise ValueError("Value must not be None")
        allowed = tuple((int, float) if kind is float else kind for kind in self.members)
        if value is not None and not any(isinstance(value, kind) for kind in allowed):
            raise TypeError(f"Value must be of type '{self.kind}', is type '{type(value)}' value '{value}'")
        for validator in self.annotations:
            if isinstance(validator, Validator):
                validator.validate(value)

    def is_in(self, node: Any) -> bool:
        """Whether the node has a value."""
        return any(node.HasParameter(name) for name in self._keys())

    def write(self, node: Any, value: Any) -> None:
        """Put a value into the node."""
        self.check(value)
        with slicer.util.NodeModify(node):
            index = next((i for i, kind in enumerate(self.members) if _holds(kind, value)), 0)
            for key in self._keys():
                if key != self._keys()[index]:
                    node.UnsetParameter(key)
                    node.RemoveNodeReferenceIDs(key)
            key, kind = self._keys()[index], self.members[index]
            node.SetParameter(key, "" if _is_node(kind) else "True" if kind is type(None) else _texts(kind)[0](value))
            if _is_node(kind):
                node.SetNodeReferenceID(key, value.GetID() if value is not None else None)

    def read(self, node: Any) -> Any:
        """Get the value from the node, the default where it has none."""
        for key, kind in zip(self._keys(), self.members, strict=True):
            if node.HasParameter(key):
                if _is_node(kind):
                    return node.GetNodeReference(key)
                return None if kind is type(None) else _texts(kind)[1](node.GetParameter(key))
        self.write(node, self.default)
        return self.read(node)

    def _keys(self) -> tuple[str, ...]:
        count = len(self.members)
        return (self.name,) if count == 1 else tuple(f"{self.name}_{index}" for index in range(count))

    def _default_of_type(self) -> Any:
        if type(None) in self.members or self.is_node:
            return None
        kind = self.members[0]
        return next(iter(kind)) if issubclass(kind, enum.Enum) else kind()


def fields_of(cls: type) -> dict[str, Field]:
    """The parameters that a class declares by its annotations."""
    found = {}
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        is_annotated = typing.get_origin(hint) is Annotated
        kind, annotations = (typing.get_args(hint)[0], typing.get_args(hint)[1:]) if is_annotated else (hint, ())
        found[name] = Field(name, kind, tuple(annotations), getattr(cls, name, _NO_DEFAULT))
    return found


def _is_node(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)


def _holds(kind: Any, value: Any) -> bool:
    if kind is type(None):
        return value is None
    return isinstance(value, int | float if kind is float else kind) and not (kind is int and isinstance(value, bool))


def _texts(kind: Any) -> tuple[Callable[[Any], str], Callable[[str], Any]]:
    if kind is bool:
        return lambda value: "True" if value else "False", lambda text: text == "True"
    if kind in (int, float, str) or (isinstance(kind, type) and issubclass(kind, pathlib.PurePath)):
        return str, kind
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return lambda value: str(value.name), lambda text: kind[text]
    if _is_node(kind) or kind is type(None):
        return str, str
    raise TypeError(f"Unable to create serializer for type {kind}: unknown, or in the real API and not offered by this host")
