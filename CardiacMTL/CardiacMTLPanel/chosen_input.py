"""`ChosenInput`: the nodes that the user wants analysed, as a study, and by which name their results go."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import slicer

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.volume import CineStudy, Patient
from CardiacMTLScene.cine_input import cine_input
from CardiacMTLScene.inputs import study_from_sequence, study_from_volumes
from CardiacMTLScene.nodes import nodes_of_class
from CardiacMTLScene.ownership import study_of
from CardiacMTLScene.patient_facts import TagReader, patient_facts
from CardiacMTLScene.results import nodes_of_results, studies_in


@dataclass(frozen=True, slots=True)
class ChosenInput:
    """A cine (sequence, browser, or the volume that it shows), or the volumes of ED and ES; the others are None."""

    cine: Any = None
    ed: Any = None
    es: Any = None

    @property
    def volumes(self) -> dict[Phase, Any]:
        """The chosen volumes; none where a cine is chosen."""
        chosen = {} if self.cine is not None else {Phase.ED: self.ed, Phase.ES: self.es}
        return {phase: node for phase, node in chosen.items() if node is not None}

    @property
    def nodes(self) -> list[Any]:
        """All chosen nodes that count."""
        return [self.cine] if self.cine is not None else list(self.volumes.values())

    @property
    def key(self) -> str:
        """Tells one choice from another."""
        return " ".join(node.GetID() or "" for node in self.nodes)

    def study(
        self, patient: Patient, ed_frame: int | None = None, es_frame: int | None = None, tag_value: TagReader | None = None
    ) -> CineStudy:
        """The images, copied out of the scene; frames count from 0. Raises `InputError` as `study_from_sequence` does."""
        if self.cine is not None:
            return study_from_sequence(self.cine, ed_frame, es_frame, patient, tag_value)
        return study_from_volumes(self.ed, self.es, patient, tag_value)

    def frame_count(self) -> int:
        """How many frames a cine has; 0 for volumes and for what is no cine."""
        try:
            return 0 if self.cine is None else int(cine_input(self.cine).sequence.GetNumberOfDataNodes())
        except InputError:
            return 0

    def patient(self) -> Patient:
        """What the DICOM headers and the subject hierarchy say of the patient."""
        for node in self.nodes:
            image = node if node.IsA("vtkMRMLVolumeNode") else self._shown_image()
            if image is not None:
                return patient_facts(image, dicom_tag_reader())
        return Patient()

    def is_in(self, scene: Any) -> bool:
        """Whether every chosen node, and the frames of a cine, are still there."""
        return all(scene.IsNodePresent(node) for node in self.nodes) and (self.cine is None or self.frame_count() > 0)

    def results_name(self, scene: Any) -> str:
        """The name under which the results go: that of the images, with a number where it belongs to other images already."""
        base = f"{self._image_name()} results"
        name, number = base, 1
        while name in studies_in(scene) and not self._made(scene, name):
            number += 1
            name = f"{base} {number}"
        return name

    def results_in(self, scene: Any) -> str:
        """The name of the latest results of these images in `scene`; empty where there are none."""
        with suppress(InputError):
            return next((name for name in reversed(studies_in(scene)) if self.nodes and self._made(scene, name)), "")
        return ""

    def _made(self, scene: Any, name: str) -> bool:
        """Whether the results of this name are of these images."""
        made = nodes_of_results(scene, name)
        if made is None:
            return True
        if self.cine is not None:
            return made.cine is not None and made.cine.sequence is cine_input(self.cine).sequence
        return made.cine is None and all(made.volumes.get(phase) is node for phase, node in self.volumes.items())

    def _image_name(self) -> str:
        node = cine_input(self.cine).sequence if self.cine is not None else self.nodes[0]
        return str(node.GetName())

    def _shown_image(self) -> Any:
        try:
            cine = cine_input(self.cine)
        except InputError:
            return None
        first = cine.sequence.GetNthDataNode(0) if cine.sequence.GetNumberOfDataNodes() else None
        if first is None or not first.IsA("vtkMRMLScalarVolumeNode"):
            return None
        return first if first.GetAttribute("DICOM.instanceUIDs") or cine.shown is None else cine.shown


def input_of(first: Any, second: Any = None) -> ChosenInput:
    """What a call with one cine, or with the volumes of ED and ES, means."""
    if second is None and first is not None and (not first.IsA("vtkMRMLVolumeNode") or _is_played(first)):
        return ChosenInput(cine=first)
    return ChosenInput(ed=first, es=second)


def first_cine(scene: Any) -> Any:
    """The oldest volume sequence in `scene` that no run made; None where there is none."""
    for node in nodes_of_class(scene, "vtkMRMLSequenceNode"):
        first = node.GetNthDataNode(0) if node.GetNumberOfDataNodes() > 1 else None
        is_image = first is not None and first.IsA("vtkMRMLScalarVolumeNode") and not first.IsA("vtkMRMLLabelMapVolumeNode")
        if is_image and study_of(node) is None:
            return node
    return None


def dicom_tag_reader() -> TagReader | None:
    """The application's DICOM database as a reader of tags; None where it has none open."""
    database = getattr(slicer, "dicomDatabase", None)
    return database.instanceValue if database and database.isOpen else None


def _is_played(volume: Any) -> bool:
    try:
        cine_input(volume)
    except InputError:
        return False
    return True
