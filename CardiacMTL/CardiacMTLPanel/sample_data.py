"""The sample study among those that the module Sample Data offers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

from CardiacMTLScene.sample import SAMPLE_NAME, add_sample_cine


def register_sample_data(thumbnail: Path) -> None:
    """Offer the synthetic cine; it is made on this computer, without a network."""
    import SampleData  # noqa: PLC0415 - a module of the application, which comes up in any order

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Cardiac",
        sampleName=SAMPLE_NAME,
        thumbnailFileName=str(thumbnail),
        customDownloader=load_sample_cine,
    )


def load_sample_cine(_source: Any = None) -> list[Any]:
    """Make the cine and show it; returns the volume that shows it, as Sample Data expects."""
    shown = add_sample_cine(slicer.mrmlScene).shown
    if slicer.app.layoutManager():
        slicer.util.setSliceViewerLayers(background=shown, fit=True)
    return [shown]
