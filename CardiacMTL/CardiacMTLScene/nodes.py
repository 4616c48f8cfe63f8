"""Finding nodes of a class in a scene."""

from __future__ import annotations

from typing import Any


def nodes_of_class(scene: Any, class_name: str) -> list[Any]:
    """The nodes of `scene` that are of this class or one derived from it, the oldest first."""
    return [scene.GetNthNodeByClass(position, class_name) for position in range(scene.GetNumberOfNodesByClass(class_name))]


def browsers_of(scene: Any, sequence: Any) -> list[Any]:
    """The sequence browsers of `scene` that play `sequence`, be it as their master or beside it."""
    browsers = nodes_of_class(scene, "vtkMRMLSequenceBrowserNode")
    return [browser for browser in browsers if browser.IsSynchronizedSequenceNode(sequence, True)]
