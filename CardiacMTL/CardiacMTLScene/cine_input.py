"""`cine_input`: the sequence, browser and volume that belong together, found from any one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import vtk

from CardiacMTLLib.errors import InputError
from CardiacMTLScene.nodes import browsers_of, nodes_of_class


@dataclass(frozen=True, slots=True)
class CineInput:
    """A cine in the scene; `browser` and `shown`, the volume that it fills, are None where nothing plays the sequence."""

    sequence: Any
    browser: Any
    shown: Any


def cine_input(node: Any) -> CineInput:
    """The cine that `node` is or shows: a sequence, a sequence browser, or the volume that a browser fills.

    A sequence that several browsers play is taken with the oldest. Raises `InputError` for anything else.
    """
    if node is None:
        raise InputError("no cine is chosen; expected a volume sequence; load a short-axis cine and choose it")
    if node.IsA("vtkMRMLSequenceNode"):
        browsers = [] if node.GetScene() is None else browsers_of(node.GetScene(), node)
        return _of(node, browsers[0] if browsers else None)
    if node.IsA("vtkMRMLSequenceBrowserNode"):
        return _of(_images_of(node), node)
    for browser in nodes_of_class(node.GetScene(), "vtkMRMLSequenceBrowserNode") if node.GetScene() else ():
        sequence = browser.GetSequenceNode(node)
        if sequence is not None:
            return _of(sequence, browser)
    raise InputError(
        f"{node.GetName()} belongs to no sequence; expected a volume sequence, its browser, or the volume that it shows; "
        "choose a cine, or give it as ED or ES volume"
    )


def _of(sequence: Any, browser: Any) -> CineInput:
    return CineInput(sequence, browser, None if browser is None else browser.GetProxyNode(sequence))


def _images_of(browser: Any) -> Any:
    """The sequence of images among those that `browser` plays: the master, or the first other one where that holds none."""
    found = vtk.vtkCollection()
    browser.GetSynchronizedSequenceNodes(found, True)
    sequences = [found.GetItemAsObject(position) for position in range(found.GetNumberOfItems())]
    if not sequences:
        raise InputError(f"the browser {browser.GetName()} plays no sequence; expected a volume sequence; choose a cine")
    return next((sequence for sequence in sequences if _holds_volumes(sequence)), sequences[0])


def _holds_volumes(sequence: Any) -> bool:
    first = sequence.GetNthDataNode(0) if sequence.GetNumberOfDataNodes() else None
    return first is not None and first.IsA("vtkMRMLScalarVolumeNode") and not first.IsA("vtkMRMLLabelMapVolumeNode")
