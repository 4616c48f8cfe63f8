"""Nodes of a scene become a `CineStudy`: `study_from_volumes` and `study_from_sequence`.

Voxels and IJK-to-RAS matrix are handed over in memory; no file comes in between. Parent transforms: see `transforms`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from CardiacMTLLib.errors import GeometryError, InputError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.reading.assemble import assemble_study
from CardiacMTLLib.reading.options import ReadOptions
from CardiacMTLLib.reading.slice_spacing import resolve_slices
from CardiacMTLLib.reading.stored_image import StoredImage
from CardiacMTLLib.volume import CineStudy, Patient
from CardiacMTLScene.cine_input import CineInput, cine_input
from CardiacMTLScene.input_volumes import grid_of, require_grey_volume, voxels_of
from CardiacMTLScene.patient_facts import TagReader, patient_facts
from CardiacMTLScene.sequence_times import frame_times_ms, gap_warnings
from CardiacMTLScene.transforms import rigid_to_world


def study_from_volumes(
    ed_volume: Any, es_volume: Any, patient: Patient | None = None, tag_value: TagReader | None = None
) -> CineStudy:
    """The study of an ED and an ES vtkMRMLScalarVolumeNode (frames 0 and 1); either may be None: then it has one frame.

    Fields of `patient` that are not None take precedence over what `tag_value` (see `patient_facts`) finds. Raises
    `InputError`, in one line, for nothing chosen, one node for both, anything but grey voxels, two grids or places, and
    transforms that are not rigid; `GeometryError` for a grid that is none, and for a slice spacing that is missing.
    """
    chosen = {phase: node for phase, node in ((Phase.ED, ed_volume), (Phase.ES, es_volume)) if node is not None}
    if not chosen:
        raise InputError("no volume is chosen; expected an ED and an ES volume; load a short-axis study and choose them")
    if len(chosen) == 2 and ed_volume.GetID() == es_volume.GetID():
        raise InputError(f"{ed_volume.GetName()} is chosen for ED and for ES; expected two volumes; choose the other one")
    for node in chosen.values():
        require_grey_volume(node, node.GetName())
    grids = {phase: grid_of(node, node.GetName()) for phase, node in chosen.items()}
    places = {phase: _in_world(grids[phase], node) for phase, node in chosen.items()}
    if len(chosen) == 2 and not (grids[Phase.ED].matches(grids[Phase.ES]) and places[Phase.ED].matches(places[Phase.ES])):
        raise InputError(
            f"ED and ES lie on different grids ({_words(places[Phase.ED])} in {ed_volume.GetName()}, "
            f"{_words(places[Phase.ES])} in {es_volume.GetName()}); expected one geometry; choose two frames of one series"
        )
    first = next(iter(chosen.values()))
    numbers = {phase: number for number, phase in enumerate(chosen)}
    options = ReadOptions(numbers.get(Phase.ED), numbers.get(Phase.ES), patient=patient)
    image = StoredImage(np.stack([voxels_of(node) for node in chosen.values()]), next(iter(grids.values())))
    return _assembled(image, first.GetName(), options, patient_facts(first, tag_value))


def study_from_sequence(
    cine: Any,
    ed_frame: int | None = None,
    es_frame: int | None = None,
    patient: Patient | None = None,
    tag_value: TagReader | None = None,
) -> CineStudy:
    """The study of a sequence node, its browser, or the volume that shows it; frames count from 0, None is not known.

    One frame alone is a study, too. `patient` and `tag_value` as in `study_from_volumes`; times as `frame_times_ms` finds them.
    Raises `InputError`, in one line, for nothing chosen, a node that is no cine, a sequence without frames, frames that are no
    grey volumes or do not share one grid, frame numbers that are not there, and transforms that are not rigid; `GeometryError`
    as `study_from_volumes`.
    """
    found = cine_input(cine)
    name, items = found.sequence.GetName(), _items(found)
    if found.shown is not None:
        rigid_to_world(found.shown)
    grids = [grid_of(node, f"frame {number} of {name}") for number, node in enumerate(items, 1)]
    odd = [str(number) for number, grid in enumerate(grids, 1) if not grid.matches(grids[0])]
    if odd:
        raise InputError(
            f"frame {', '.join(odd[:5])} of {name} lies on another grid ({_words(grids[int(odd[0]) - 1])}) than frame 1 "
            f"({_words(grids[0])}); expected one geometry; take the frames of one series"
        )
    frames = np.stack([voxels_of(node) for node in items])
    image = StoredImage(frames, grids[0], frame_times_ms=frame_times_ms(found, tag_value), warnings=gap_warnings(found))
    options = ReadOptions(ed_frame, es_frame, patient=patient)
    named = next(
        (node for node in (found.shown, items[0]) if node is not None and node.GetAttribute("DICOM.instanceUIDs")), None
    )
    return _assembled(image, name, options, patient_facts(named or found.shown or items[0], tag_value))


def _items(cine: CineInput) -> list[Any]:
    name, count = cine.sequence.GetName(), cine.sequence.GetNumberOfDataNodes()
    if not count:
        raise InputError(f"{name} has no frames; expected at least one; load the cine again")
    items = [cine.sequence.GetNthDataNode(number) for number in range(count)]
    for number, node in enumerate(items, 1):
        require_grey_volume(node, f"frame {number} of {name}")
    return items


def _assembled(image: StoredImage, name: str, options: ReadOptions, known: Patient) -> CineStudy:
    try:
        _, slice_axis, _ = resolve_slices(image.geometry, None)
    except GeometryError as error:
        raise GeometryError(
            f"{name}: slice spacing is missing (the voxels measure {_spacing(image.geometry)} mm, a default); expected the "
            "distance between slice centres; set it in the module Volumes, under Volume Information"
        ) from error
    return assemble_study(image, Path(name), options, known, slice_axis=slice_axis)


def _in_world(grid: Geometry, node: Any) -> Geometry:
    return Geometry.from_ijk_to_ras(rigid_to_world(node) @ grid.ijk_to_ras, grid.size_xyz)


def _words(geometry: Geometry) -> str:
    size = " x ".join(str(count) for count in geometry.size_xyz)
    origin = ", ".join(f"{value:.4g}" for value in geometry.origin_xyz_mm)
    return f"{size} voxels of {_spacing(geometry)} mm from ({origin})"


def _spacing(geometry: Geometry) -> str:
    return " x ".join(f"{value:.4g}" for value in geometry.spacing_xyz_mm)
