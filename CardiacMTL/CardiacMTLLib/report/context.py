"""`ReportContext`: what a report says beyond the analysis itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.report.identity import PatientIdentity


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, eq=False)
class ReportContext:
    """The analysis before a correction (None: nothing was corrected), the patient (None: not asked for), and when it is made.

    `original` and the analysis that is reported stand on the same study.
    """

    original: Analysis | None = None
    identity: PatientIdentity | None = None
    made_at: datetime = field(default_factory=_now)
