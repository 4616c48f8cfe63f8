"""The whole cycle as a sequence node with a browser, so that the heart can be played on the slices."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import slicer

from CardiacMTLLib.volume import CineStudy
from CardiacMTLScene.volumes import new_volume

_LEAST_STEP_MS = 0.01
"""Times closer than this would get the same index value."""


@dataclass(frozen=True, slots=True)
class CineNodes:
    """The frames, what plays them, and the volume that shows the chosen frame."""

    sequence: Any
    browser: Any
    shown: Any


def add_cine(scene: Any, name: str, study: CineStudy, shown_frame: int) -> CineNodes:
    """Add all frames of `study` to `scene`; `shown_frame` (from 0) is shown first.

    Frames are indexed by their time after the R wave in milliseconds where the study has times that rise, otherwise by
    their number from 1. A vtkSlicerSequencesLogic must observe the scene (in the application it does): it makes the volume
    that shows the frames.
    """
    sequence = _sequence(name, study)
    for value, frame in zip(_index_values(study), study.frames, strict=True):
        sequence.SetDataNodeAtValue(new_volume(name, frame, study.geometry), value)
    scene.AddNode(sequence)
    return add_browser(scene, sequence, shown_frame)


def add_browser(scene: Any, sequence: Any, shown_frame: int) -> CineNodes:
    """Add a browser that plays `sequence`, a node of `scene`; `shown_frame` (from 0) is shown first."""
    browser = slicer.vtkMRMLSequenceBrowserNode()
    browser.SetName(f"{sequence.GetName()} browser")
    scene.AddNode(browser)
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    browser.SetSelectedItemNumber(shown_frame)
    return _shown_only(browser, sequence)


def add_to_browser(browser: Any, sequence: Any) -> CineNodes:
    """Let `browser` play `sequence`, a node of the same scene, beside its master."""
    browser.AddSynchronizedSequenceNode(sequence)
    return _shown_only(browser, sequence)


def _shown_only(browser: Any, sequence: Any) -> CineNodes:
    """The sequence in its browser, for looking: nothing is recorded into it, and changes of the shown node are not kept."""
    browser.SetRecording(sequence, False)
    browser.SetSaveChanges(sequence, False)
    browser.SetOverwriteProxyName(sequence, False)
    return CineNodes(sequence, browser, browser.GetProxyNode(sequence))


def _sequence(name: str, study: CineStudy) -> Any:
    sequence = slicer.vtkMRMLSequenceNode()
    sequence.SetName(name)
    sequence.SetIndexType(slicer.vtkMRMLSequenceNode.NumericIndex)
    by_time = _rising_times(study)
    sequence.SetIndexName("time" if by_time else "frame")
    sequence.SetIndexUnit("ms" if by_time else "")
    return sequence


def _index_values(study: CineStudy) -> list[str]:
    if study.frame_times_ms is not None and _rising_times(study):
        return [f"{time:.3f}" for time in study.frame_times_ms]
    return [str(number + 1) for number in range(len(study.frames))]


def _rising_times(study: CineStudy) -> bool:
    times = study.frame_times_ms
    return times is not None and all(later - earlier >= _LEAST_STEP_MS for earlier, later in pairwise(times))
