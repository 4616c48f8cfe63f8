"""`NetworkClock`: how much of a job the network took, measured from outside the library."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import TracebackType
from typing import Any

from CardiacMTLLib.network.model import MultiTaskNetwork

_METHODS = ("locate", "segment", "embed")


class NetworkClock:
    """While it is open, the network's calls are timed; parts of the job can be timed beside them."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._originals: dict[str, Callable[..., Any]] = {}

    def __enter__(self) -> NetworkClock:
        for name in _METHODS:
            self._originals[name] = getattr(MultiTaskNetwork, name)
            setattr(MultiTaskNetwork, name, self._clocked(self._originals[name]))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for name, method in self._originals.items():
            setattr(MultiTaskNetwork, name, method)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the seconds of a block to `name`."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self._add(f"{name}_s", time.perf_counter() - wall)
        self._add(f"{name}_cpu_s", time.process_time() - cpu)

    def taken(self) -> dict[str, float]:
        """Seconds since the last call, by name."""
        taken, self._seconds = self._seconds, {}
        return {name: round(seconds, 4) for name, seconds in taken.items()}

    def _clocked(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def clocked(*values: Any, **options: Any) -> Any:
            with self.part("network"):
                return method(*values, **options)

        return clocked

    def _add(self, name: str, seconds: float) -> None:
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds
