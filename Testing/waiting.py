"""Waiting for what another process or thread does."""

from __future__ import annotations

import time
from collections.abc import Callable

_PAUSE_S = 0.005


def wait_until(condition: Callable[[], object], patience_s: float = 200.0) -> None:
    """Return once `condition()` is true; fail where it is not within `patience_s` seconds."""
    end_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(_PAUSE_S)
