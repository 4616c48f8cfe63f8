"""`cardiacmtl` as the tests give it: a call, and an engine that stands in for model and network."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.cli import main
from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.curve import cycle_curves
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.measure.segments import measure_segments
from CardiacMTLLib.network.store import available_models
from Testing.unit.analyses import CERTAIN, MODEL, heart_mask


def run(*arguments: object) -> int:
    """The exit status of `cardiacmtl` with these arguments, in this process."""
    return main([str(argument) for argument in arguments])


@dataclass
class Engine:
    """Stands in for model and network: notes how it was called and gives masks of known shape."""

    calls: list = field(default_factory=list)
    failure: BaseException | None = None
    masks_of: object = None

    def load_model(self, name=None):
        self.calls.append({"model": name})
        return name

    def analyse(self, study, model, *, device="auto", whole_cycle=False, left_out=None, progress=None):
        self.calls[-1] |= {"study": study, "device": device, "whole_cycle": whole_cycle, "left_out": left_out}
        progress("segmenting", 0.4)
        if self.failure:
            raise self.failure
        frames = {Phase.ED: study.ed_frame or 0, Phase.ES: study.es_frame or min(1, len(study.frames) - 1)}
        masks = {Phase.ED: heart_mask(study.geometry, 24.0), Phase.ES: heart_mask(study.geometry, 18.0)}
        if self.masks_of:
            frames, masks = self.masks_of(study)
        cine = np.stack([masks[Phase.ED]] * len(study.frames)) if whole_cycle else None
        measured = measure_function(masks, study.geometry, study.patient)
        segments = measure_segments(masks, study.geometry)
        curves = None if cine is None else cycle_curves(cine, study)
        return Analysis(
            study, frames, masks, cine, measured, CERTAIN, (), MODEL, {"segment": 1.0}, segments=segments, curves=curves
        )


def installed_models():
    try:
        return available_models()
    except CardiacMTLError:
        return []


needs_model = pytest.mark.skipif(not installed_models(), reason="no model is installed in CardiacMTL/Resources/Models")
