"""Which nodes of a scene are ours: a failed run removes what it made, a later run replaces what an earlier one made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import vtk

from CardiacMTLScene.hierarchy import all_items, hierarchy_of, remove_item

_STUDY = "CardiacMTL.Study"
_NODE_ID = "CardiacMTL.NodeID"
"""The node's own ID, so that a copy that the user made (attributes are copied with it) is not taken for ours."""


@contextmanager
def replacing(scene: Any, study: str) -> Iterator[None]:
    """What is added to `scene` inside replaces what an earlier run added under the same `study` name.

    Where the inside raises, everything it added is removed, the earlier nodes stay, and the error goes on. Nodes that
    others made are never touched.
    """
    hierarchy_of(scene)
    nodes_before, items_before = set(_node_ids(scene)), set(all_items(scene))
    earlier = [node for node in _nodes(scene) if _is_ours(node, study)]
    earlier += [shown for node in earlier for shown in _shown_by(node)]
    try:
        yield
    except BaseException:
        _remove(scene, [node for node in _nodes(scene) if node.GetID() not in nodes_before])
        for item in set(all_items(scene)) - items_before:
            remove_item(scene, item)
        raise
    for node in _nodes(scene):
        if node.GetID() not in nodes_before:
            node.SetAttribute(_STUDY, study)
            node.SetAttribute(_NODE_ID, node.GetID())
    _remove(scene, earlier)


def _nodes(scene: Any) -> list[Any]:
    return [scene.GetNthNode(position) for position in range(scene.GetNumberOfNodes())]


def _node_ids(scene: Any) -> list[str]:
    return [node.GetID() for node in _nodes(scene)]


def _is_ours(node: Any, study: str) -> bool:
    return bool(node.GetAttribute(_STUDY) == study and node.GetAttribute(_NODE_ID) == node.GetID())


def _shown_by(node: Any) -> list[Any]:
    """The volumes that a sequence browser fills: their attributes are overwritten with every frame, ours included."""
    if not node.IsA("vtkMRMLSequenceBrowserNode"):
        return []
    shown = vtk.vtkCollection()
    node.GetAllProxyNodes(shown)
    return [shown.GetItemAsObject(position) for position in range(shown.GetNumberOfItems())]


def _remove(scene: Any, nodes: list[Any]) -> None:
    """Remove `nodes`, the last made first, with their storage nodes and their places in the tree.

    Sequence browsers go before all others: while a browser is there, the volume that it fills is made anew when removed.
    """
    hierarchy = hierarchy_of(scene)
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
