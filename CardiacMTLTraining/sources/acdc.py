"""ACDC's layout: one folder a patient with `Info.cfg`, `*_frameNN.nii.gz` and `*_frameNN_gt.nii.gz`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.reading.acdc import is_acdc_folder, read_acdc_case
from CardiacMTLTraining.sources.anatomy import check_anatomy
from CardiacMTLTraining.sources.case import SourceCase, SourceEntry, refused
from CardiacMTLTraining.sources.coding import LabelCoding

CODING = LabelCoding(Label.RV, Label.MYOCARDIUM, Label.LV, "the ACDC layout")


def recognises(root: Path) -> bool:
    """Whether any folder in `root` has an `Info.cfg`."""
    return next(root.glob("*/Info.cfg"), None) is not None


def entries(root: Path) -> list[SourceEntry]:
    """The patient folders in `root`; one with frames but without `Info.cfg` is refused by name."""
    found = []
    for folder in (path for path in root.iterdir() if path.is_dir()) if root.is_dir() else ():
        if is_acdc_folder(folder):
            found.append(SourceEntry(folder.name, partial(read_case, folder)))
        elif next(folder.glob("*_frame*.nii*"), None) is not None:
            found.append(refused(folder.name, f"{folder} has no Info.cfg; expected ED, ES and Group in it; add the file"))
    return found


def read_case(folder: Path) -> SourceCase:
    """One patient folder; raises `InputError` where it lacks a phase or a mask, or its masks are coded otherwise."""
    case = read_acdc_case(folder)
    if case.masks is None or any(phase not in case.masks for phase in Phase):
        raise InputError(f"{folder.name} lacks masks of ED and ES; training needs both; add the _gt file of each phase")
    check_anatomy(case.masks, CODING)
    kinds = ["*.cfg", "*_frame*.nii.gz", "*_frame*.nii"] + (["*_4d.nii*"] if len(case.study.frames) > 2 else [])
    files = tuple(path for kind in kinds for path in sorted(folder.glob(kind)))
    return SourceCase(folder.name, case.study, case.masks, case.group, files)
