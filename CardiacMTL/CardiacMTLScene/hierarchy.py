"""Where nodes stand in the subject hierarchy, the tree of the Data module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
import vtk

_PLUGINS = {
    "vtkMRMLScalarVolumeNode": "Volumes",
    "vtkMRMLSegmentationNode": "Segmentations",
    "vtkMRMLTableNode": "Tables",
    "vtkMRMLPlotSeriesNode": "Plots",
    "vtkMRMLPlotChartNode": "Plots",
    "vtkMRMLTextNode": "Texts",
}
"""Node class -> the application's plugin that shows it in the tree."""

_STUDY_ATTRIBUTE = "CardiacMTL.Study"


def hierarchy_of(scene: Any) -> Any:
    """The one vtkMRMLSubjectHierarchyNode of `scene`."""
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def study_item(scene: Any, name: str) -> int:
    """The study item that an earlier run made under this name, or a new one."""
    hierarchy = hierarchy_of(scene)
    for item in all_items(scene):
        if hierarchy.HasItemAttribute(item, _STUDY_ATTRIBUTE) and hierarchy.GetItemAttribute(item, _STUDY_ATTRIBUTE) == name:
            return item
    item = int(hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), name))
    hierarchy.SetItemOwnerPluginName(item, "Folder")
    hierarchy.SetItemAttribute(item, _STUDY_ATTRIBUTE, name)
    return item


def parent_item(scene: Any, node: Any) -> int:
    """The item beside which `node` stands: its parent, or the scene's item where it stands nowhere."""
    hierarchy = hierarchy_of(scene)
    item = hierarchy.GetItemByDataNode(node)
    return int(hierarchy.GetItemParent(item) if item else hierarchy.GetSceneItemID())


def place(scene: Any, parent: int, nodes: Sequence[Any]) -> None:
    """Put `nodes` under the item `parent`, in this order.

    Inside the application nodes have got an item already; without it the item is made here.
    """
    hierarchy = hierarchy_of(scene)
    for node in nodes:
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.SetItemParent(item, parent)
        elif node.GetClassName() in _PLUGINS:
            hierarchy.CreateItem(parent, node, _PLUGINS[node.GetClassName()])


def all_items(scene: Any) -> list[int]:
    """IDs of all items of the tree, virtual ones included."""
    hierarchy = hierarchy_of(scene)
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    return [int(items.GetId(position)) for position in range(items.GetNumberOfIds())]


def remove_item(scene: Any, item: int) -> None:
    """Remove an item alone: its data node stays, and children move up to its parent."""
    hierarchy_of(scene).RemoveItem(item, False, False)
