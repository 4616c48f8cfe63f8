"""Which nodes of a scene are ours: a failed run removes what it made, a later run replaces what an earlier one made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import vtk

from CardiacMTLScene.hierarchy import all_items, hierarchy_of, remove_item
from CardiacMTLScene.nodes import browsers_of

_STUDY = "CardiacMTL.Study"
_SELF = "CardiacMTL.Self"
"""The node's reference to itself: a copy that the user made refers to the original, so it is not taken for ours, and where a
scene is read into another one and the node gets a new ID, the reference follows."""


@contextmanager
def undone_on_error(scene: Any) -> Iterator[None]:
    """Where the inside raises, every node and item of the tree that it added to `scene` is removed, and the error goes on."""
    hierarchy_of(scene)
    nodes_before, items_before = set(_node_ids(scene)), set(all_items(scene))
    try:
        yield
    except BaseException:
        _remove(scene, [node for node in _nodes(scene) if node.GetID() not in nodes_before])
        for item in set(all_items(scene)) - items_before:
            remove_item(scene, item)
        raise


@contextmanager
def replacing(scene: Any, study: str) -> Iterator[None]:
    """What is added to `scene` inside replaces what an earlier run added under the same `study` name.

    Where the inside raises, everything it added is removed, the earlier nodes stay, and the error goes on. Nodes that
    others made are never touched.
    """
    with undone_on_error(scene):
        nodes_before = set(_node_ids(scene))
        earlier = [node for node in _nodes(scene) if is_ours(node, study)]
        earlier += [shown for node in earlier for shown in _shown_by(scene, node) if shown not in earlier]
        yield
    for node in _nodes(scene):
        if node.GetID() not in nodes_before:
            node.SetAttribute(_STUDY, study)
            node.SetNodeReferenceID(_SELF, node.GetID())
    _remove(scene, earlier)


def _nodes(scene: Any) -> list[Any]:
    return [scene.GetNthNode(position) for position in range(scene.GetNumberOfNodes())]


def _node_ids(scene: Any) -> list[str]:
    return [node.GetID() for node in _nodes(scene)]


def is_ours(node: Any, study: str) -> bool:
    """Whether a run made `node` for the results of this name."""
    return bool(node.GetAttribute(_STUDY) == study and node.GetNodeReferenceID(_SELF) == node.GetID())


def study_of(node: Any) -> str | None:
    """The name of the results that a run made `node` for; None where it is not ours."""
    study = node.GetAttribute(_STUDY)
    return study if study is not None and is_ours(node, study) else None


def _shown_by(scene: Any, node: Any) -> list[Any]:
    """The nodes that sequence browsers fill for our `node`: every frame overwrites their attributes, ours included."""
    if node.IsA("vtkMRMLSequenceBrowserNode"):
        shown = vtk.vtkCollection()
        node.GetAllProxyNodes(shown)
        return [shown.GetItemAsObject(position) for position in range(shown.GetNumberOfItems())]
    if node.IsA("vtkMRMLSequenceNode"):
        return [shown for browser in browsers_of(scene, node) if (shown := browser.GetProxyNode(node)) is not None]
    return []


def _remove(scene: Any, nodes: list[Any]) -> None:
    """Remove `nodes`, the last made first, with their storage nodes and their places in the tree.

    Sequence browsers go before all others, and browsers of others let go of our sequences: while a browser plays a sequence,
    the node that it fills is made anew when removed.
    """
    hierarchy = hierarchy_of(scene)
    for node in nodes:
        if node.IsA("vtkMRMLSequenceNode"):
            for browser in browsers_of(scene, node):
                browser.RemoveSynchronizedSequenceNode(node.GetID())
    in_turn = nodes[::-1]
    in_turn.sort(key=lambda node: not node.IsA("vtkMRMLSequenceBrowserNode"))
    for node in in_turn:
        if not scene.IsNodePresent(node):
            continue
        item = hierarchy.GetItemByDataNode(node)
        storage = node.GetStorageNode() if node.IsA("vtkMRMLStorableNode") else None
        scene.RemoveNode(node)
        if storage is not None and scene.IsNodePresent(storage):
            scene.RemoveNode(storage)
        if item and item in all_items(scene):
            remove_item(scene, item)
