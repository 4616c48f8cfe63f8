"""Annotations of parameters: bounds, choices, defaults, spin box settings.

Public names after Slicer: Base/Python/slicer/parameterNodeWrapper/validators.py, default.py, guiConnectors.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Default:
    """The value before any is set."""

    value: Any


@dataclass
class Decimals:
    """Digits after the point in a spin box."""

    value: int


@dataclass
class SingleStep:
    """Step of a spin box."""

    value: float


class Validator:
    """Base of what refuses values."""

    def validate(self, value: Any) -> None:
        """Raise ValueError where the value is refused."""


@dataclass
class WithinRange(Validator):
    """Both ends belong to the range."""

    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


@dataclass
class Minimum(Validator):
    """No less than this."""

    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"Value must be at least {self.minimum}, is {value}")


@dataclass
class Maximum(Validator):
    """No more than this."""

    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"Value must be at most {self.maximum}, is {value}")


@dataclass
class Choice(Validator):
    """One of these."""

    choices: list[Any]

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"Value is {value}, but must be in one of the following: {self.choices}")


def first(annotations: tuple[Any, ...], kind: type) -> Any:
    """The first annotation of a kind, or None."""
    return next((annotation for annotation in annotations if isinstance(annotation, kind)), None)
