"""`write_report`: one self-contained HTML page for a reader, pictures included, nothing loaded from elsewhere."""

from __future__ import annotations

from pathlib import Path

from CardiacMTLLib import __version__
from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.diagnosis.diagnosis import MEANING, RESEARCH_USE
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.report.conventions import CONVENTIONS
from CardiacMTLLib.report.correction import corrected_phases
from CardiacMTLLib.report.diagnosis_view import contribution_rows, finding, leading_group, probability_bars
from CardiacMTLLib.report.explanation_view import STRIP_WIDTH, explanation_view
from CardiacMTLLib.report.measurements_view import expected_dice, key_tables, measurement_rows, measurement_sources
from CardiacMTLLib.report.picture import NOT_ASKED, Picture
from CardiacMTLLib.report.record import SOFTWARE_NAME
from CardiacMTLLib.report.reference_view import people_text
from CardiacMTLLib.report.segments_view import orientation_is_assumed, segment_rows
from CardiacMTLLib.report.templating import TEMPLATES, css_string, render
from CardiacMTLLib.report.versions import software_versions

__all__ = ["ACDC_CITATION", "NOT_ASKED", "TEMPLATES", "Picture", "render_report", "write_report"]

ACDC_CITATION = (
    "O. Bernard, A. Lalande, C. Zotti, F. Cervenansky, et al., Deep Learning Techniques for Automatic MRI Cardiac "
    "Multi-structures Segmentation and Diagnosis: Is the Problem Solved?, IEEE Transactions on Medical Imaging "
    "37(11):2514-2525, 2018, doi 10.1109/TMI.2018.2837502"
)


def write_report(
    analysis: Analysis,
    path_html: Path,
    *,
    sheet: Picture,
    view: Picture,
    bullseye: Picture = NOT_ASKED,
    curves: Picture = NOT_ASKED,
    context: ReportContext | None = None,
) -> None:
    """Write the report of `analysis` with the contact sheet, the 3D view, the bull's-eye plots and the volume-time curves.

    It holds no path, and no name or identifier of the patient but those of `context.identity`; every text in it is escaped.
    With `context.original`, the numbers before the correction stand beside those of `analysis`. Raises `MissingPackageError`
    without Jinja2.
    """
    page = render_report(analysis, sheet=sheet, view=view, bullseye=bullseye, curves=curves, context=context)
    path_html.write_text(page, encoding="utf-8")


def render_report(
    analysis: Analysis,
    *,
    sheet: Picture,
    view: Picture,
    bullseye: Picture = NOT_ASKED,
    curves: Picture = NOT_ASKED,
    context: ReportContext | None = None,
) -> str:
    """The report as HTML; see `write_report`."""
    context = context or ReportContext()
    diagnosis, original = analysis.diagnosis, context.original
    favouring, opposing = contribution_rows(diagnosis)
    rows = measurement_rows(analysis, original)
    identity = None if context.identity is None else context.identity.entries
    return render(
        "report.html.j2",
        analysis=analysis,
        identity=identity,
        page_foot=css_string("; ".join(text for _, text in (identity or ())[:3])),
        original=original,
        original_finding=None if original is None else finding(original.diagnosis),
        corrected=[phase.value for phase in corrected_phases(analysis)],
        research_use=RESEARCH_USE,
        meaning=MEANING,
        leading=leading_group(diagnosis),
        bars=probability_bars(diagnosis, None if original is None else original.diagnosis),
        favouring=favouring,
        opposing=opposing,
        explanation=explanation_view(diagnosis),
        strip_width=STRIP_WIDTH,
        key_tables=key_tables(rows),
        measurements=list(rows.values()),
        people=people_text(analysis.study.patient.sex),
        sources=measurement_sources(analysis),
        phases=[(phase, analysis.frames.get(phase)) for phase in Phase],
        expected_dice=expected_dice(analysis),
        sheet=sheet,
        view=view,
        bullseye=bullseye,
        curve_picture=curves,
        wall=analysis.segments,
        wall_rows=segment_rows(analysis.segments, None if original is None else original.segments),
        orientation_assumed=orientation_is_assumed(analysis.segments),
        conventions=CONVENTIONS,
        total_seconds=sum(analysis.seconds.values()),
        software=f"{SOFTWARE_NAME} {__version__}",
        versions=software_versions(),
        made_at=context.made_at.strftime("%Y-%m-%d %H:%M %Z").strip(),
        citation=ACDC_CITATION,
    )
