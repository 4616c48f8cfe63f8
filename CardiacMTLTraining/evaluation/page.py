"""The HTML page of an evaluation: one self-contained file, pictures included, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from CardiacMTLLib.diagnosis.diagnosis import MEANING, RESEARCH_USE
from CardiacMTLLib.labels import Group
from CardiacMTLLib.report.html import ACDC_CITATION, TEMPLATES
from CardiacMTLTraining.evaluation.case_figures import COMPARED, CaseFigures
from CardiacMTLTraining.evaluation.origin import Origin
from CardiacMTLTraining.evaluation.plots_diagnosis import calibration_plot, confusion_and_roc_plot
from CardiacMTLTraining.evaluation.plots_masks import estimate_plot, mask_plot
from CardiacMTLTraining.evaluation.plots_masks import title_of as structure_title
from CardiacMTLTraining.evaluation.plots_measurements import bland_altman_plot, correlation_plot
from CardiacMTLTraining.evaluation.plots_measurements import title_of as measurement_title
from CardiacMTLTraining.evaluation.summary import Summary
from CardiacMTLTraining.evaluation.terminal import number, span
from CardiacMTLTraining.evaluation.worst import WorstPicture

FEW_PATIENTS = 20
"""With fewer patients the page warns of its own intervals."""


@dataclass(frozen=True, slots=True)
class Plots:
    """The plots as PNG files; None where there is nothing to show."""

    masks: bytes | None
    bland_altman: bytes | None
    correlation: bytes | None
    confusion: bytes | None
    calibration: bytes | None
    estimates: bytes | None


def draw_plots(figures: Sequence[CaseFigures], summary: Summary) -> Plots:
    """All plots that the figures allow."""
    masks = summary.n_with_masks > 0
    diagnosis = summary.diagnosis
    return Plots(
        mask_plot(figures) if masks else None,
        bland_altman_plot(figures, summary.errors) if masks else None,
        correlation_plot(figures, summary.errors) if masks else None,
        None if diagnosis is None else confusion_and_roc_plot(figures, diagnosis),
        None if diagnosis is None or not diagnosis.selective else calibration_plot(diagnosis),
        None if summary.predicted_dice is None else estimate_plot(figures),
    )


def render_page(
    figures: Sequence[CaseFigures], summary: Summary, origin: Origin, plots: Plots, worst: Sequence[WorstPicture] = ()
) -> str:
    """The page as HTML, every text in it escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([Path(__file__).with_name("templates"), TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "span": span, "png": _png_uri, "jpeg": _jpeg_uri}
    return environment.get_template("evaluation.html.j2").render(
        figures=sorted(figures, key=lambda case: (case.mean_dice is None, case.mean_dice, case.name)),
        summary=summary,
        origin=origin,
        plots=plots,
        worst=worst,
        groups=list(Group),
        structure_title=structure_title,
        measurement_title=measurement_title,
        units=COMPARED,
        few=len(figures) < FEW_PATIENTS,
        research_use=RESEARCH_USE,
        meaning=MEANING,
        citation=ACDC_CITATION,
    )


def _png_uri(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}"


def _jpeg_uri(picture: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode('ascii')}"
