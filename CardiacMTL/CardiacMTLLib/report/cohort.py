"""`write_cohort_index`: one page over all cases of a batch, self-contained, with a link to the report of each."""

from __future__ import annotations

import base64
import hashlib
import math
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from CardiacMTLLib import __version__
from CardiacMTLLib.diagnosis.diagnosis import MEANING, RESEARCH_USE
from CardiacMTLLib.errors import MissingPackageError, OutputError
from CardiacMTLLib.report.cohort_cases import SHOWN, Case, Cohort, read_cohort
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.report.diagnosis_view import percent_text
from CardiacMTLLib.report.html import ACDC_CITATION
from CardiacMTLLib.report.picture import png_uri
from CardiacMTLLib.report.record import SOFTWARE_NAME
from CardiacMTLLib.report.templating import TEMPLATES, render
from CardiacMTLLib.report.wording import measurement_title, number_text

INDEX_FILE = "index.html"


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How many cases have a label, with its share of all in percent."""

    label: str
    count: int
    percent: float


@dataclass(frozen=True, slots=True)
class FlagCount:
    """A flag that was raised: its code, in how many cases, and what it said in the first of them."""

    code: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Spread:
    """One measurement over all cases, as text: number of cases, median, quartiles and range."""

    title: str
    unit: str
    count: int
    median: str
    quartiles: str
    ends: str


def write_cohort_index(out: Path) -> Path:
    """Write `out/index.html` over the batch results in the folder `out`, and return its path.

    Failed cases are named first, then come those with flags or without a label, then the others. Without Matplotlib the page
    has no histograms and says so. It is there whole or as before. Raises `InputError` where `out` holds no results.csv,
    `MissingPackageError` without Jinja2, `OutputError` where the page cannot be written.
    """
    page = render_cohort(read_cohort(out))
    target = out / INDEX_FILE
    partial = out / f".index-{uuid.uuid4().hex}.partial"
    try:
        partial.write_text(page, encoding="utf-8", errors="backslashreplace")
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise OutputError(
            f"{target} cannot be written ({error.strerror or error}); expected a writable folder with room; make room"
        ) from error
    return target


def render_cohort(cohort: Cohort) -> str:
    """The page of a cohort as HTML, every text in it escaped."""
    cases = sorted(cohort.cases, key=lambda case: not case.needs_look)
    script = (TEMPLATES / "cohort.js").read_text(encoding="utf-8")
    pictures, reason = _histograms(cases)
    return render(
        "cohort.html.j2",
        cases=cases,
        n_to_check=sum(case.needs_look for case in cases),
        failures=cohort.failures,
        percent_text=percent_text,
        columns=[(name, title, unit) for name, (title, unit) in SHOWN.items()],
        counts=label_counts(cases),
        flag_counts=flag_counts(cases),
        spreads=spreads(cases),
        pictures=[png_uri(png) for png in pictures],
        no_pictures=reason,
        models=cohort.models,
        script=script,
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode('utf-8')).digest()).decode('ascii')}",
        research_use=RESEARCH_USE,
        meaning=MEANING,
        software=f"{SOFTWARE_NAME} {__version__}",
        made_at=ReportContext().made_at.strftime("%Y-%m-%d %H:%M %Z"),
        citation=ACDC_CITATION,
    )


def label_counts(cases: Sequence[Case]) -> list[LabelCount]:
    """The labels that occur, in class order, then those without one."""
    counts = Counter(case.label for case in cases)
    order = sorted(counts, key=Case.LABELS.index)
    return [LabelCount(label, counts[label], 100 * counts[label] / len(cases)) for label in order]


def flag_counts(cases: Sequence[Case]) -> list[FlagCount]:
    """The flags that were raised, the most frequent first."""
    found = [flag for case in cases for flag in case.flags]
    examples = {flag.code: flag.text for flag in reversed(found)}
    return [FlagCount(code, count, examples[code]) for code, count in Counter(flag.code for flag in found).most_common()]


def spreads(cases: Sequence[Case]) -> list[Spread]:
    """The measurements of the table over all cases, without those that no case has."""
    found = []
    for name, (_, unit) in SHOWN.items():
        values = known_values(cases, name)
        if values:
            low, first, median, third, high = (
                number_text(float(value), unit) for value in np.percentile(values, (0, 25, 50, 75, 100))
            )
            title = measurement_title(name)
            found.append(Spread(title, unit, len(values), median, f"{first} to {third}", f"{low} to {high}"))
    return found


def known_values(cases: Sequence[Case], name: str) -> list[float]:
    """The values of one measurement that are there."""
    return [value for case in cases if (value := case.values.get(name)) is not None and math.isfinite(value)]


def _histograms(cases: Sequence[Case]) -> tuple[list[bytes], str | None]:
    """The pictures of the distributions, or the reason why there are none."""
    groups: Mapping[str, Sequence[Case]] = {"All": cases} | {
        entry.label: [case for case in cases if case.label == entry.label] for entry in label_counts(cases)
    }
    by_group = {
        name: {label: values for label, members in groups.items() if (values := known_values(members, name))} for name in SHOWN
    }
    drawn = {name: values for name, values in by_group.items() if values}
    if not drawn:
        return [], "no case has measurements"
    try:
        from CardiacMTLLib.report.cohort_drawing import render_histograms  # noqa: PLC0415 - Matplotlib is optional

        return render_histograms(drawn, list(groups)), None
    except ImportError as error:
        reason = MissingPackageError(f"the package matplotlib cannot be imported ({type(error).__name__}); install matplotlib")
        return [], str(reason)
