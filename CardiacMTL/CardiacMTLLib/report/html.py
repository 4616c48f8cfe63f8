"""`write_report`: one self-contained HTML page for a reader, pictures included, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib import __version__
from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.diagnosis.diagnosis import MEANING, RESEARCH_USE, Contribution, Diagnosis
from CardiacMTLLib.errors import MissingPackageError
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.measure.reference import reference_of
from CardiacMTLLib.report.conventions import CONVENTIONS
from CardiacMTLLib.report.explanation_view import STRIP_WIDTH, explanation_view
from CardiacMTLLib.report.record import SOFTWARE_NAME
from CardiacMTLLib.report.reference_view import SourceNote, ranges_text, source_key, source_notes
from CardiacMTLLib.report.segments_view import orientation_is_assumed, segment_rows
from CardiacMTLLib.report.wording import measurement_title, number_text, sentence_case

TEMPLATES = Path(__file__).with_name("templates")

SHOWN_CONTRIBUTIONS = 6
"""At most so many features for and so many against the leading group are listed."""

ACDC_CITATION = (
    "O. Bernard, A. Lalande, C. Zotti, F. Cervenansky, et al., Deep Learning Techniques for Automatic MRI Cardiac "
    "Multi-structures Segmentation and Diagnosis: Is the Problem Solved?, IEEE Transactions on Medical Imaging "
    "37(11):2514-2525, 2018, doi 10.1109/TMI.2018.2837502"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture for the report, or the reason why there is none."""

    path_png: Path | None
    reason: str | None = None

    @property
    def data_uri(self) -> str | None:
        """The picture itself as a `data:` address."""
        if self.path_png is None:
            return None
        return f"data:image/png;base64,{base64.b64encode(self.path_png.read_bytes()).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: a title, a number with its unit, and a remark (why there is no number) or a signed share.

    A measurement has its reference `ranges` as text, the number of the `note` about their source, and whether it lies `outside`
    them: "below", "above" or None.
    """

    title: str
    number: str | None
    unit: str
    remark: str | None = None
    logits: float = 0.0
    ranges: str = ""
    outside: str | None = None
    note: int | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """The probability of one group in percent."""

    code: str
    title: str
    percent: float
    is_label: bool


NOT_ASKED = Picture(None, "it was not asked for")
"""Stands for a picture that nobody wanted."""


def write_report(
    analysis: Analysis,
    path_html: Path,
    *,
    sheet: Picture,
    view: Picture,
    bullseye: Picture = NOT_ASKED,
    curves: Picture = NOT_ASKED,
) -> None:
    """Write the report of `analysis` with the contact sheet, the 3D view, the bull's-eye plots and the volume-time curves.

    It holds no path, name or identifier of the patient, and every text in it is escaped. Raises `MissingPackageError` without
    Jinja2.
    """
    path_html.write_text(render_report(analysis, sheet=sheet, view=view, bullseye=bullseye, curves=curves), encoding="utf-8")


def render_report(
    analysis: Analysis, *, sheet: Picture, view: Picture, bullseye: Picture = NOT_ASKED, curves: Picture = NOT_ASKED
) -> str:
    """The report as HTML; see `write_report`."""
    try:
        import jinja2  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingPackageError(
            f"the report needs the package jinja2, which cannot be imported ({error}); install jinja2"
        ) from error
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    diagnosis = analysis.diagnosis
    favouring, opposing = contribution_rows(diagnosis)
    return environment.get_template("report.html.j2").render(
        analysis=analysis,
        research_use=RESEARCH_USE,
        meaning=MEANING,
        leading=leading_group(diagnosis),
        bars=probability_bars(diagnosis),
        favouring=favouring,
        opposing=opposing,
        explanation=explanation_view(diagnosis),
        strip_width=STRIP_WIDTH,
        measurements=measurement_rows(analysis),
        sources=measurement_sources(analysis),
        phases=[(phase, analysis.frames.get(phase)) for phase in Phase],
        sheet=sheet,
        view=view,
        bullseye=bullseye,
        curve_picture=curves,
        wall=analysis.segments,
        wall_rows=segment_rows(analysis.segments),
        orientation_assumed=orientation_is_assumed(analysis.segments),
        conventions=CONVENTIONS,
        total_seconds=sum(analysis.seconds.values()),
        software=f"{SOFTWARE_NAME} {__version__}",
        citation=ACDC_CITATION,
    )


def leading_group(diagnosis: Diagnosis) -> Group | None:
    """The label, or the most probable group where the label is withheld; None without probabilities."""
    if diagnosis.label is not None or diagnosis.probabilities is None:
        return diagnosis.label
    return max(Group, key=diagnosis.probabilities.__getitem__)


def probability_bars(diagnosis: Diagnosis) -> list[Bar]:
    """A bar for each of the five groups, in class order; none where the probabilities are undefined."""
    if diagnosis.probabilities is None:
        return []
    shares = diagnosis.probabilities
    return [Bar(group.value, group.full_name, 100 * shares[group], group is diagnosis.label) for group in Group]


def contribution_rows(diagnosis: Diagnosis) -> tuple[list[Row], list[Row]]:
    """The strongest features for the leading group and those against it, each by falling weight."""
    by_weight = sorted(diagnosis.contributions, key=lambda contribution: -abs(contribution.logits))
    favouring = [_contribution_row(item) for item in by_weight if item.logits > 0]
    opposing = [_contribution_row(item) for item in by_weight if item.logits < 0]
    return favouring[:SHOWN_CONTRIBUTIONS], opposing[:SHOWN_CONTRIBUTIONS]


def _contribution_row(item: Contribution) -> Row:
    return Row(sentence_case(item.feature), number_text(item.value, item.unit), item.unit, logits=item.logits)


def measurement_sources(analysis: Analysis) -> list[SourceNote]:
    """The notes about the sources of the reference ranges, in the order in which the measurements need them."""
    return source_notes(analysis.measurements)


def measurement_rows(analysis: Analysis) -> list[Row]:
    """All measurements in their order, each with its reference ranges, those without a number with the reason."""
    notes = {note.key: note.number for note in measurement_sources(analysis)}
    rows = []
    for name, measurement in analysis.measurements.items():
        reference = reference_of(name, measurement.value, analysis.study.patient.sex)
        row = Row(
            measurement_title(name),
            None if measurement.value is None else number_text(measurement.value, measurement.unit),
            measurement.unit,
            measurement.reason,
            ranges=ranges_text(reference.ranges),
            outside=reference.outside,
            note=notes[source_key(reference.ranges[0])] if reference.ranges else None,
        )
        rows.append(row)
    return rows
