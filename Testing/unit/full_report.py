"""A report with all that can be in one: a correction, the patient's identity, and every picture."""

from __future__ import annotations

from pathlib import Path

from CardiacMTLLib.report.bullseye import draw_bullseye
from CardiacMTLLib.report.contact_sheet import draw_contact_sheet
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.report.curve_plot import draw_curves
from CardiacMTLLib.report.html import Picture, render_report
from CardiacMTLLib.report.identity import PatientIdentity
from Testing.unit.corrections import corrected_analysis, phantom_analysis

JANE = PatientIdentity("Doe, Jane", "4711", "1950-01-31", "2026-02-03", "A 99")
NOTHING = Picture(None, "not wanted")


def full_report(folder: Path, *, view: bool) -> str:
    """The HTML of a corrected phantom's report, its pictures drawn into `folder`; with `view` one is the 3D view too."""
    original = phantom_analysis()
    pictures = {}
    for name, draw in (("sheet", draw_contact_sheet), ("bullseye", draw_bullseye), ("curves", draw_curves)):
        draw(original, folder / f"{name}.png")
        pictures[name] = Picture(folder / f"{name}.png")
    context = ReportContext(original=original, identity=JANE)
    shown = pictures["sheet"] if view else NOTHING
    return render_report(corrected_analysis(original), view=shown, context=context, **pictures)
