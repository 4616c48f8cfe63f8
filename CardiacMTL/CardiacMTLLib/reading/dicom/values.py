"""Values of header elements, read so that a damaged or foreign value counts as absent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pydicom.dataset import Dataset


class View:
    """Several datasets looked through in order, as the header of one frame.

    A classic image has one dataset; a frame of an enhanced one has its own functional groups, the shared ones, and the rest of
    the header. The first dataset that gives a keyword a value wins.
    """

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self._datasets = tuple(datasets)

    def value(self, keyword: str) -> Any:
        """The value at `keyword`, or None where it is absent, empty or cannot be decoded."""
        for data in self._datasets:
            found = _decoded(data, keyword)
            if found is not None and not (isinstance(found, str | Sequence) and len(found) == 0):
                return found
        return None

    def has(self, keyword: str) -> bool:
        """Whether any dataset has an element of that name, whatever its value."""
        return any(keyword in data for data in self._datasets)

    def private(self, group: int, creator: str, offset: int) -> float | None:
        """The first number at a private element of the `creator`'s block, or None."""
        found = self.private_numbers(group, creator, offset)
        return found[0] if found else None

    def private_numbers(self, group: int, creator: str, offset: int) -> tuple[float, ...]:
        """All values at a private element of the `creator`'s block as finite numbers; empty where one of them is none."""
        for data in self._datasets:
            try:
                found = as_numbers(data.private_block(group, creator)[offset].value)
            except Exception:  # noqa: BLE001, S112 - pydicom raises many kinds for a block that is absent or damaged
                continue
            if found:
                return found
        return ()

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """All values at `keyword` as finite numbers; empty where one of them is none."""
        return as_numbers(self.value(keyword))

    def number(self, keyword: str) -> float | None:
        """The first value at `keyword` as a finite number, or None."""
        found = self.numbers(keyword)
        return found[0] if found else None

    def whole(self, keyword: str) -> int | None:
        """The first value at `keyword` as an integer, or None."""
        found = self.number(keyword)
        return None if found is None else int(found)

    def text(self, keyword: str) -> str:
        """The value at `keyword` as text, empty where it is absent; several values are joined by backslashes."""
        found = self.value(keyword)
        return "" if found is None else "\\".join(self._listed(found))

    def words(self, keyword: str) -> tuple[str, ...]:
        """All values at `keyword` as upper-case words."""
        found = self.value(keyword)
        return () if found is None else tuple(word.strip().upper() for word in self._listed(found))

    def seconds(self, keyword: str) -> float | None:
        """The time of day at `keyword` (DICOM TM or DT) in seconds, or None."""
        digits = re.fullmatch(r"(?:\d{8})?(\d{2})(\d{2})(\d{2}(?:\.\d+)?)(?:[+-]\d{4})?", self.text(keyword).strip())
        return None if digits is None else int(digits[1]) * 3600 + int(digits[2]) * 60 + float(digits[3])

    @staticmethod
    def _listed(found: Any) -> list[str]:
        several = isinstance(found, Sequence) and not isinstance(found, str)
        return [str(value) for value in (found if several else [found])]


def as_numbers(value: Any) -> tuple[float, ...]:
    """`value`, one or several, as finite numbers; empty where it is None or one of them is no such number."""
    if value is None:
        return ()
    listed = value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [value]
    try:
        numbers = tuple(float(single) for single in listed)
    except (TypeError, ValueError):
        return ()
    return numbers if all(math.isfinite(number) for number in numbers) else ()


def _decoded(data: Dataset, keyword: str) -> Any:
    try:
        return data.get(keyword)
    except Exception:  # noqa: BLE001 - pydicom raises many kinds for a damaged value, and absent is what it then is
        return None
