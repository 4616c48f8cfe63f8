"""Which nodes of a scene a node selector offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class NodeFilter:
    """Classes, derived classes, attributes and hiding, as in Slicer: Libs/MRML/Widgets/qMRMLSortFilterProxyModel.h."""

    node_types: tuple[str, ...] = ()
    hidden_child_types: tuple[str, ...] = ()
    show_children: bool = True
    show_hidden: bool = False
    attributes: dict[tuple[str, str], Any] = field(default_factory=dict)

    def matching(self, scene: Any) -> list[Any]:
        """The nodes of the scene that are offered, in its order."""
        nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
        return [node for node in nodes if self._offers(node)]

    def _offers(self, node: Any) -> bool:
        if node.GetHideFromEditors() and not self.show_hidden:
            return False
        return any(self._is_of(node, kind) for kind in self.node_types)

    def _is_of(self, node: Any, kind: str) -> bool:
        if self.show_children:
            if not node.IsA(kind) or any(node.IsA(hidden) for hidden in self.hidden_child_types):
                return False
        elif node.GetClassName() != kind:
            return False
        return all(
            node.GetAttribute(name) is not None if value is None else node.GetAttribute(name) == value
            for (owner, name), value in self.attributes.items()
            if owner == kind
        )
