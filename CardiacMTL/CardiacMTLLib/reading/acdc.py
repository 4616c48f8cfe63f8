"""ACDC patient folders: `Info.cfg`, one file a phase or a 4D cine, and for training the experts' masks.

Data set: Bernard et al., IEEE TMI 37(11):2514-2525, 2018, doi 10.1109/TMI.2018.2837502.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group, Label, Phase
from CardiacMTLLib.reading.acdc_info import INFO_NAME, AcdcInfo, read_info
from CardiacMTLLib.reading.assemble import assemble_study
from CardiacMTLLib.reading.image_file import read_image
from CardiacMTLLib.reading.options import ReadOptions
from CardiacMTLLib.reading.phases import read_two_phases
from CardiacMTLLib.volume import CineStudy, Mask


@dataclass(frozen=True, slots=True, eq=False)
class AcdcCase:
    """A study with the experts' truth: masks (z, y, x) on the study's axes, and the group; None where not given.

    `masks` holds the phases that have one.
    """

    study: CineStudy
    masks: Mapping[Phase, Mask] | None
    group: Group | None


def is_acdc_folder(path: Path) -> bool:
    """Whether `path` is a folder with an `Info.cfg`."""
    return (path / INFO_NAME).is_file()


def read_acdc_folder(folder: Path, options: ReadOptions) -> CineStudy:
    """The study of an ACDC patient: the files of ED and ES, or all frames of the 4D cine.

    The cine is read where `options.whole_cycle` asks for it, or a phase has no file of its own. Frames in `options`
    number the cycle from 0; a study of two files keeps their numbers in the cycle. Raises `InputError` where neither is there.
    """
    return _read_folder(folder, options, read_info(folder / INFO_NAME))


def read_acdc_case(folder: Path) -> AcdcCase:
    """The ACDC patient in `folder` with expert masks and group, for training and evaluation.

    Raises `InputError` for a mask whose values are not those of `Label` or whose grid is not the study's, and for a
    group that is none of `Group`.
    """
    info = read_info(folder / INFO_NAME)
    study = _read_folder(folder, ReadOptions(), info)
    masks = {}
    for phase, frame in ((Phase.ED, info.ed_frame), (Phase.ES, info.es_frame)):
        path = None if frame is None else _find(folder, rf"frame{frame + 1:02d}_gt")
        if path is not None:
            masks[phase] = _read_mask(path, study)
    return AcdcCase(study, masks or None, _group(info, folder))


def _read_folder(folder: Path, options: ReadOptions, info: AcdcInfo) -> CineStudy:
    ed_frame = info.ed_frame if options.ed_frame is None else options.ed_frame
    es_frame = info.es_frame if options.es_frame is None else options.es_frame
    ed = None if ed_frame is None else _find(folder, rf"frame{ed_frame + 1:02d}")
    es = None if es_frame is None else _find(folder, rf"frame{es_frame + 1:02d}")
    cine = _find(folder, "4d")
    if cine is not None and (options.whole_cycle or ed is None or es is None):
        options = replace(options, ed_frame=ed_frame, es_frame=es_frame)
        return assemble_study(read_image(cine), cine, options, info.patient, info.warnings)
    if options.whole_cycle:
        raise InputError(f"{folder} holds no whole cycle; expected a file ending in _4d.nii.gz; ask for ED and ES only")
    if ed is None or es is None or ed_frame is None or es_frame is None:
        missing = "ED" if ed is None else "ES"
        frame = ed_frame if ed is None else es_frame
        number = "that Info.cfg does not name" if frame is None else f"_frame{frame + 1:02d}.nii.gz"
        raise InputError(f"{folder} has no {missing} image {number} and no _4d.nii.gz; expected one of them; add the file")
    if ed == es:
        raise InputError(f"ED and ES are both {ed}; expected two frames; correct {INFO_NAME}")
    study = read_two_phases(ed, es, options, info.patient, info.warnings)
    return replace(study, frame_numbers=(ed_frame + 1, es_frame + 1))


def _find(folder: Path, ending: str) -> Path | None:
    """The NIfTI file of `folder` whose name ends in `_` and `ending`; the first by name where there are more."""
    pattern = re.compile(rf"[^.].*_{ending}\.nii(\.gz)?", re.IGNORECASE)
    return next((path for path in sorted(folder.iterdir()) if pattern.fullmatch(path.name)), None)


def _read_mask(path: Path, study: CineStudy) -> Mask:
    image = read_image(path)
    if len(image.frames) != 1 or not image.geometry.matches(study.stored.geometry):
        raise InputError(f"{path} does not lie on the grid of its image; expected the same geometry; export the mask again")
    strange = np.setdiff1d(image.frames, list(Label))
    if strange.size:
        raise InputError(
            f"{path} holds the values {strange[:5].tolist()}; expected 0 background, 1 RV, 2 myocardium, 3 LV; recode the mask"
        )
    return study.stored.order.apply(image.frames[0].astype(np.uint8))


def _group(info: AcdcInfo, folder: Path) -> Group | None:
    if info.group is None:
        return None
    try:
        return Group(info.group)
    except ValueError as error:
        raise InputError(
            f"Group in {folder / INFO_NAME} is {info.group!r}; expected one of {', '.join(Group)}; correct the line"
        ) from error
