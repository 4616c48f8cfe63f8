"""The studies that are measured: synthetic hearts as files, as a user would have them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom.grid import PhantomGrid
from CardiacMTLLib.phantom.groups import anatomy_of
from CardiacMTLLib.phantom.phantom import PhantomStudy, make_phantom
from CardiacMTLLib.phantom.writing import write_phantom

FIELD_MM = 350.0
"""Edge of the images: 1.367 mm a sample at 256 x 256, a usual value of ACDC. On nnU-Net's grid of 1.5625 mm it is 224 samples,
so that one of its patches holds the whole image: the kindest size for it."""

STACK_MM = 100.0


@dataclass(frozen=True, slots=True)
class StudySize:
    """How large a study is."""

    phases: int = 2
    slices: int = 10
    matrix: int = 256

    def phantom(self) -> PhantomStudy:
        """The same dilated heart at every size: only the sampling differs."""
        pixel_mm, distance_mm = FIELD_MM / self.matrix, STACK_MM / self.slices
        grid = PhantomGrid(
            size_xyz=(self.matrix, self.matrix, self.slices),
            spacing_xyz_mm=(pixel_mm, pixel_mm, distance_mm),
            above_base_mm=10.0,
        )
        return make_phantom(anatomy_of(Group.DCM), grid, n_frames=self.phases)

    def write(self, folder: Path) -> Path:
        """The study's path below `folder`, written where it is not there yet: two phases as ACDC has them, more as a cine."""
        path = folder / f"{self.phases}x{self.slices}x{self.matrix}"
        target = path if self.phases == 2 else path.with_suffix(".nii.gz")
        if target.exists():
            return target
        phantom = self.phantom()
        if self.phases == 2:
            _write_patient(phantom, path)
        else:
            write_phantom(phantom, target)
        return target


CASE = StudySize()
CINE = StudySize(phases=30)


def _write_patient(phantom: PhantomStudy, folder: Path) -> None:
    """ED and ES in two files beside an Info.cfg."""
    folder.mkdir(parents=True)
    patient = phantom.study.patient
    for frame in (0, 1):
        study = replace(phantom.study, frames=phantom.study.frames[frame : frame + 1], frame_times_ms=None, es_frame=None)
        write_phantom(replace(phantom, study=study), folder / f"{folder.name}_frame{frame + 1:02d}.nii.gz")
    text = f"ED: 1\nES: 2\nGroup: DCM\nHeight: {patient.height_cm}\nNbFrame: 2\nWeight: {patient.weight_kg}\n"
    (folder / "Info.cfg").write_text(text, encoding="utf-8")
