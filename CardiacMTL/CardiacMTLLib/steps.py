"""Work in steps: a generator that stops for breath between them, and has a value at its end."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

Value = TypeVar("Value")

Steps = Generator[None, None, Value]


def finished(steps: Steps[Value]) -> Value:
    """Take all steps at once; the value at their end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: Value = end.value
            return value
