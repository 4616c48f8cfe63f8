"""A small data set in ACDC's form, made of our own phantom, and smaller cached cases of plain discs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import Group, Label, Phase
from CardiacMTLLib.phantom import PhantomGrid, PhantomStudy, anatomy_of, make_phantom
from CardiacMTLLib.preprocess.resample import Window, centre_of
from CardiacMTLLib.volume import Mask
from CardiacMTLTraining.cache import CachedCase, CaseScale, NativeGrid

GRID = PhantomGrid(size_xyz=(96, 84, 6), spacing_xyz_mm=(2.0, 2.2, 17.0), heart_xy_mm=(-16.0, 6.0), above_base_mm=10.0)
"""Oblong pixels, an oblong matrix and a heart off the middle: exchanged axes show."""

GROUPS = {
    "patient001": Group.NOR,
    "patient002": Group.NOR,
    "patient003": Group.MINF,
    "patient004": Group.MINF,
    "patient005": Group.MINF,
    "patient006": Group.DCM,
    "patient007": Group.DCM,
    "patient008": Group.RV,
    "patient009": Group.HCM,
    "patient010": Group.HCM,
    "patient011": Group.RV,
    "patient012": Group.RV,
    "patient014": Group.NOR,
    "patient015": Group.DCM,
    "patient016": Group.MINF,
    "patient017": Group.HCM,
    "patient019": Group.RV,
}
"""Without those that the hold-out rule 3/5 keeps out (003 and 008), each group has three patients, one for each of three
folds."""


@cache
def phantom_of(group: Group) -> PhantomStudy:
    """ED and ES of a group's typical heart, as the scanner saw them."""
    return make_phantom(anatomy_of(group), GRID, n_frames=2, seed=list(Group).index(group))


def masks_of(group: Group) -> dict[Phase, Mask]:
    """The true masks (z, y, x)."""
    return dict(zip(Phase, phantom_of(group).masks, strict=True))


def spacing_of(name: str) -> tuple[float, float, float]:
    """A patient's voxels: in plane a little larger or smaller than the grid's, so that no two hearts of a group are alike."""
    dx, dy, dz = GRID.spacing_xyz_mm
    factor = 1 + 0.01 * (int(name[-3:]) % 5 - 2)
    return dx * factor, dy * factor, dz


def write_patient(root: Path, name: str) -> Path:
    """One patient folder as ACDC has it: frames 1 and 9 with masks, `Info.cfg`, and files without orientation.

    The RV's blood is darkened, so that a network of a few thousand weights learns in seconds to tell it from the LV's.
    """
    folder = root / name
    folder.mkdir(parents=True)
    phantom = phantom_of(GROUPS[name])
    body = phantom.study.patient
    for frame, number in enumerate((1, 9)):
        mask = phantom.masks[frame]
        seen = np.where(mask == Label.RV, phantom.study.frames[frame] * 0.7, phantom.study.frames[frame]).astype(np.int16)
        for voxels, ending in ((seen, ""), (mask, "_gt")):
            image = sitk.GetImageFromArray(np.ascontiguousarray(voxels))
            image.SetSpacing(spacing_of(name))
            sitk.WriteImage(image, str(folder / f"{name}_frame{number:02d}{ending}.nii.gz"))
    text = f"ED: 1\nES: 9\nGroup: {GROUPS[name]}\nHeight: {body.height_cm}\nNbFrame: 25\nWeight: {body.weight_kg}\n"
    (folder / "Info.cfg").write_text(text, encoding="utf-8")
    return folder


def write_acdc_folder(root: Path, *names: str) -> Path:
    """The patients called `names`, or all of `GROUPS`, below `root`."""
    for name in names or GROUPS:
        write_patient(root, name)
    return root


def discs_case(
    name: str = "patient001", group: Group | None = Group.NOR, heart_xy: tuple[float, float] = (52.0, 43.0)
) -> CachedCase:
    """A cached case of 2 x 3 slices of 96 x 88 samples at 2 mm: an LV in its wall, an RV to its left; grey value is the label.

    Normalised intensities are the labels as numbers, so that images can be compared with masks. The LV's size tells the
    group, and shrinks to 70 % at ES.
    """
    place = 0 if group is None else list(Group).index(group)
    masks = np.zeros((2, 3, 88, 96), dtype=np.uint8)
    y, x = np.mgrid[:88, :96]
    for phase, shrink in enumerate((1.0, 0.7)):
        radius = (9 + 1.5 * place) * shrink
        masks[phase, :, np.hypot(x - heart_xy[0] + radius + 5, y - heart_xy[1]) < 9] = Label.RV
        masks[phase, :, np.hypot(x - heart_xy[0], y - heart_xy[1]) < radius + 4] = Label.MYOCARDIUM
        masks[phase, :, np.hypot(x - heart_xy[0], y - heart_xy[1]) < radius] = Label.LV
    scale = CaseScale(spacing_mm=2.0, slice_distance_mm=10.0, height_cm=170.0, weight_kg=60.0 + 5 * place)
    geometry = Geometry((96, 88, 3), (2.0, 2.0, 10.0))
    native = NativeGrid(geometry, Window(centre_of(geometry), 96, 2.0), AxisOrder())
    return CachedCase(
        name, masks * np.uint8(85), masks, (0.0, 0.0), (3.0, 3.0), heart_xy, scale, group, f"sha of {name}", native
    )
