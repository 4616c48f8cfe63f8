"""`add_sample_cine`: the synthetic sample study as a cine, as if it had been loaded."""

from __future__ import annotations

from typing import Any

from CardiacMTLLib.phantom import sample_phantom
from CardiacMTLScene.cine import CineNodes, add_cine

SAMPLE_NAME = "CardiacMTL phantom cine"


def add_sample_cine(scene: Any) -> CineNodes:
    """Make the sample study and add it to `scene` as a sequence with a browser; ED is shown first.

    No network and no file is needed. A second call adds a second cine, under a name of its own. A vtkSlicerSequencesLogic must
    observe the scene, as in the application.
    """
    study = sample_phantom().study
    cine = add_cine(scene, scene.GenerateUniqueName(SAMPLE_NAME), study, study.ed_frame or 0)
    cine.shown.CreateDefaultDisplayNodes()
    return cine
