"""Results into the scene, and from it again: `show_analysis`, `recompute_results`, `is_stale`."""

from __future__ import annotations

import numpy as np
import slicer

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import InputError, MissingPackageError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.slices import SliceSelection, parse_slices
from CardiacMTLLib.recompute import recompute
from CardiacMTLLib.steps import Steps, finished
from CardiacMTLPanel.chosen_input import ChosenInput
from CardiacMTLScene.build import SceneOptions, build_scene, preparing
from CardiacMTLScene.cine_input import cine_input
from CardiacMTLScene.corrections import corrected_masks
from CardiacMTLScene.results import StoredResults, results_in, results_of_run, update_results
from CardiacMTLScene.segmentations import ColorSet, segment_id, segment_style


def show_analysis(analysis: Analysis, chosen: ChosenInput, colors: ColorSet = ColorSet.STANDARD) -> StoredResults:
    """Fill the scene with the results of `chosen`, in place of those of an earlier run on the same images.

    Raises `InputError` where the images are not there any more; the scene is then as it was.
    """
    return finished(showing(analysis, chosen, colors))


def showing(analysis: Analysis, chosen: ChosenInput, colors: ColorSet) -> Steps[StoredResults]:
    """As `show_analysis`, in steps: the scene is changed in the last one only, all at once."""
    _require_images(chosen)
    cine = None if chosen.cine is None else cine_input(chosen.cine)
    terminologies = slicer.modules.terminologies.logic()
    prepared = yield from preparing(analysis, terminologies, SceneOptions(colors=colors), cine)
    yield
    _require_images(chosen)
    options = SceneOptions(chosen.results_name(slicer.mrmlScene), colors)
    volumes = chosen.volumes if cine is None else None
    nodes = build_scene(analysis, slicer.mrmlScene, terminologies, options, volumes, cine, prepared)
    return results_of_run(options.study_name, analysis, nodes)


def _require_images(chosen: ChosenInput) -> None:
    if not chosen.is_in(slicer.mrmlScene):
        raise InputError(
            "the images that were analysed are not in the scene any more, so that their results are not shown; "
            "load them and run again"
        )


def stored_results(study_name: str) -> StoredResults:
    """The results of this name in the scene; raises `InputError` where there are none."""
    results = results_in(slicer.mrmlScene, study_name)
    if results is None:
        raise InputError(f"there are no results {study_name!r} in the scene any more; expected them there; run the study again")
    return results


def recompute_results(results: StoredResults, left_out: SliceSelection) -> StoredResults:
    """Measurements and diagnosis anew from the segmentations as they are now, without the slices `left_out`.

    They stand beside the originals, in the scene too. Raises `CardiacMTLError` with what is missing or wrong.
    """
    try:
        from CardiacMTLLib.network.heads import load_heads  # noqa: PLC0415 - safetensors may be missing
    except ModuleNotFoundError as error:
        raise MissingPackageError(f"the package {error.name} is not installed; install it under Advanced") from error

    corrected = corrected_masks(results.nodes, results.analysis.study)
    missing = [phase for phase in results.analysis.masks if phase not in corrected]
    if missing:
        raise InputError(
            f"the segmentation of {' and '.join(missing)} is not in the scene any more; expected it there; run the study again"
        )
    analysis = recompute(results.analysis, corrected, load_heads(results.analysis.model.name), left_out)
    return update_results(results, analysis)


def slice_selection(results: StoredResults, ed: str, es: str) -> SliceSelection:
    """The slices that two texts such as "1,2,10-12" leave out at ED and at ES; raises `UsageError` for anything else."""
    study, texts = results.analysis.study, {Phase.ED: ed.strip(), Phase.ES: es.strip()}
    parts = [
        parse_slices(text, f"the list of slices left out at {phase}", study) if text else frozenset()
        for phase, text in texts.items()
    ]
    return SliceSelection(*parts)


def is_stale(results: StoredResults) -> bool:
    """Whether the segmentations in the scene differ from the masks that the numbers stand on; True where they are gone."""
    latest = results.latest
    try:
        current = latest.left_out.apply(corrected_masks(results.nodes, latest.study))
    except InputError:
        return True
    return any(phase not in current or not np.array_equal(current[phase], mask) for phase, mask in latest.masks.items())


def recolor(results: StoredResults, colors: ColorSet) -> None:
    """Give the segments of ED and ES, and of the shown frame of a cine, the colours of another set."""
    style = segment_style(slicer.modules.terminologies.logic(), colors)
    nodes = list(results.nodes.segmentations.values())
    cine = results.nodes.cine_masks
    if cine is not None and cine.sequence is not None:
        nodes += [cine.sequence.GetNthDataNode(number) for number in range(cine.sequence.GetNumberOfDataNodes())]
        nodes += [cine.shown] if cine.shown is not None else []
    for node in nodes:
        for label, color in style.colors.items():
            segment = node.GetSegmentation().GetSegment(segment_id(label))
            if segment is not None:
                segment.SetColor(*(value / 255 for value in color))
