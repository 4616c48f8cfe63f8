"""`Pace`: how far a batch is, how fast it goes, and how long the rest will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_WINDOW = 100
"""The rate is that of so many last cases: it follows a machine that becomes slower, and does not jump with each case."""


class Pace:
    """Counts the cases of a batch, those of the runs before included; only those of this run make its rate."""

    def __init__(self, total: int, done: int, failed: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._done, self._failed, self._clock = total, done, failed, clock
        self._ends = deque([clock()], maxlen=_WINDOW + 1)

    def count(self, *, failed: bool) -> None:
        """One more case has ended."""
        self._done += not failed
        self._failed += failed
        self._ends.append(self._clock())

    @property
    def fraction(self) -> float:
        """The part of all cases that has ended, 0 to 1."""
        return (self._done + self._failed) / self._total

    def text(self) -> str:
        """One line: `12 of 500 done, 1 failed, 3.2 a minute, 2 h 33 min left`."""
        words = [f"{self._done} of {self._total} done", f"{self._failed} failed"]
        count, seconds = len(self._ends) - 1, self._clock() - self._ends[0]
        if count and seconds > 0:
            rate = count / seconds
            words += [_rate_text(rate), f"{duration_text((self._total - self._done - self._failed) / rate)} left"]
        return ", ".join(words)


def duration_text(seconds: float) -> str:
    """A time in the two largest units that matter: `45 s`, `12 min`, `2 h 5 min`, `3 d 4 h`."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    if minutes < 100:
        return f"{minutes} min"
    hours = round(seconds / 3600)
    if hours < 48:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{hours // 24} d {hours % 24} h"


def _rate_text(per_second: float) -> str:
    per_minute = 60 * per_second
    return f"{per_minute:.1f} a minute" if per_minute >= 1 else f"{60 * per_minute:.1f} an hour"
