"""`scene_missing_reason`: why scenes cannot be made in this Python, in words."""

from __future__ import annotations

from importlib import import_module

_REQUIRED = {"vtk": "vtkRenderWindow", "slicer": "vtkMRMLScene"}
"""Module -> a class without which it is something else of the same name (another `slicer` exists on PyPI)."""


def scene_missing_reason() -> str | None:
    """None where VTK and the MRML library can be imported, otherwise one sentence that says what is missing and what to do."""
    for name, landmark in _REQUIRED.items():
        try:
            module = import_module(name)
        except ImportError as error:
            return f"the package {name} cannot be imported ({error}); install slicer-core to get scenes and 3D pictures"
        if not hasattr(module, landmark):
            return f"the installed package {name} is not 3D Slicer's ({landmark} is missing); install slicer-core in its place"
    return None
