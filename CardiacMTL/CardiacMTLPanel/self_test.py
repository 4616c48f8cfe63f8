"""What the module's self-test checks inside the application, with PyTorch or without."""

from __future__ import annotations

from typing import Any

import slicer

from CardiacMTLLib.errors import MissingPackageError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom import make_phantom
from CardiacMTLLib.phantom.grid import PhantomGrid
from CardiacMTLLib.phantom.groups import anatomy_of
from CardiacMTLPanel.python_environment import missing_packages
from CardiacMTLScene.nodes import nodes_of_class
from CardiacMTLScene.volumes import add_volume

GRID = PhantomGrid(size_xyz=(128, 128, 11), spacing_xyz_mm=(2.0, 2.0, 10.0))


def check_sample_study(test: Any, logic: Any) -> None:
    """ED and ES of a phantom are segmented, measured and corrected; without PyTorch the error says what to install.

    `test` is the module's test case, `logic` its logic.
    """
    test.delayDisplay("Making the synthetic study")
    study = make_phantom(anatomy_of(Group.DCM), grid=GRID).study
    phases = (("ED", study.ed_frame), ("ES", study.es_frame))
    volumes = [add_volume(slicer.mrmlScene, name, study.frames[frame or 0], study.geometry) for name, frame in phases]
    if missing_packages():
        with test.assertRaisesRegex(MissingPackageError, "PyTorch"):
            logic.segmentAndDiagnose(*volumes)
        test.delayDisplay("PyTorch is missing, and the module says so")
        return
    test.delayDisplay("Analysing ED and ES")
    record = logic.segmentAndDiagnose(*volumes, heightCm=174, weightKg=78, sex="M")
    measured = record["measurements"]
    test.assertEqual(record["input"]["patient"]["sex"], "M")
    test.assertGreater(measured["lv_edv_ml"]["value"], measured["lv_esv_ml"]["value"])
    test.assertEqual(len(nodes_of_class(slicer.mrmlScene, "vtkMRMLSegmentationNode")), 2)
    test.assertEqual(logic.recompute()["measurements"]["lv_edv_ml"]["value"], measured["lv_edv_ml"]["value"])
