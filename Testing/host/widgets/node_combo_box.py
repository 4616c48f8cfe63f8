"""Stand-in for qMRMLNodeComboBox: the nodes of a scene that match, to choose from."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QWidget

from Testing.host.pythonqt import dialogs, signals
from Testing.host.pythonqt.class_spec import stand_in
from Testing.host.widgets.node_filter import NodeFilter
from Testing.host.widgets.observing import Observations

_SCENE_EVENTS = ("NodeAddedEvent", "NodeRemovedEvent", "EndBatchProcessEvent", "EndCloseEvent", "EndImportEvent")


def _switch(name: str) -> Property:
    def read(self: NodeComboBox) -> bool:
        return bool(self.switches[name])

    def write(self: NodeComboBox, value: bool) -> None:
        self.switches[name] = bool(value)
        self.refresh()

    return Property(bool, read, write)


def _filter(name: str, kind: type | str) -> Property:
    def read(self: NodeComboBox) -> Any:
        value = getattr(self.filter, name)
        return list(value) if isinstance(value, tuple) else value

    def write(self: NodeComboBox, value: Any) -> None:
        setattr(self.filter, name, tuple(value) if kind == "QStringList" else bool(value))
        self.refresh()

    return Property(kind, read, write)


@stand_in("qMRMLNodeComboBox")
class NodeComboBox(QWidget):
    """Greyed out until it has a scene. Without `noneEnabled` the first node is chosen by itself, as QComboBox does."""

    nodeTypes = _filter("node_types", "QStringList")
    hideChildNodeTypes = _filter("hidden_child_types", "QStringList")
    showChildNodeTypes = _filter("show_children", bool)
    showHidden = _filter("show_hidden", bool)
    noneEnabled = _switch("none")
    addEnabled = _switch("add")
    removeEnabled = _switch("remove")
    renameEnabled = _switch("rename")
    editEnabled = _switch("edit")
    selectNodeUponCreation = _switch("select")

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.switches = {"none": False, "add": True, "remove": True, "rename": False, "edit": False, "select": True}
        self.filter = NodeFilter()
        self._names = {"none": "None", "base": ""}
        self._scene: Any = None
        self._current_id = ""
        self._refreshing = False
        self._of_scene, self._of_nodes = Observations(self), Observations(self)
        self.box = QComboBox(self)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.activated.connect(self._activated)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box)
        self.setFocusProxy(self.box)
        self.setEnabled(False)
        self.refresh()

    def _read_none_display(self) -> str:
        return self._names["none"]

    def setNoneDisplay(self, text: str) -> None:
        """Set the words that stand for no node."""
        self._names["none"] = text
        self.refresh()

    noneDisplay = Property(str, _read_none_display, setNoneDisplay)

    def _read_base_name(self) -> str:
        return self._names["base"]

    def setBaseName(self, text: str, _node_type: str = "") -> None:
        """Set the name that new nodes get."""
        self._names["base"] = text

    baseName = Property(str, _read_base_name, setBaseName)

    def setNodeTypes(self, types: list[str]) -> None:
        """Set the classes of nodes to choose from."""
        self.setProperty("nodeTypes", types)

    def setNoneEnabled(self, enabled: bool) -> None:
        """Let no node be a choice."""
        self.setProperty("noneEnabled", enabled)

    def setAddEnabled(self, enabled: bool) -> None:
        """Let new nodes be created."""
        self.setProperty("addEnabled", enabled)

    def setRemoveEnabled(self, enabled: bool) -> None:
        """Let the current node be deleted."""
        self.setProperty("removeEnabled", enabled)

    def setRenameEnabled(self, enabled: bool) -> None:
        """Let the current node be renamed."""
        self.setProperty("renameEnabled", enabled)

    def setShowChildNodeTypes(self, enabled: bool) -> None:
        """Offer nodes of derived classes too."""
        self.setProperty("showChildNodeTypes", enabled)

    def setShowHidden(self, enabled: bool) -> None:
        """Offer nodes that are hidden from editors too."""
        self.setProperty("showHidden", enabled)

    def setHideChildNodeTypes(self, types: list[str]) -> None:
        """Set the derived classes not to offer."""
        self.setProperty("hideChildNodeTypes", types)

    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        """Offer nodes of a class only if they have the attribute, and the value where one is given."""
        self.filter.attributes[node_type, name] = value
        self.refresh()

    def removeAttribute(self, node_type: str, name: str) -> None:
        """Undo `addAttribute`."""
        self.filter.attributes.pop((node_type, name), None)
        self.refresh()

    def mrmlScene(self) -> Any:
        """The scene, or None."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Take another scene and follow it."""
        if scene is self._scene:
            return
        self._of_scene.clear()
        self._scene = scene
        for event in _SCENE_EVENTS if scene is not None else ():
            self._of_scene.add(scene, event, NodeComboBox.refresh)
        self.setEnabled(scene is not None)
        self.refresh()

    def nodes(self) -> list[Any]:
        """The nodes to choose from."""
        return self.filter.matching(self._scene) if self._scene is not None else []

    def nodeCount(self) -> int:
        """How many nodes there are to choose from."""
        return len(self.nodes())

    def nodeFromIndex(self, index: int) -> Any:
        """The node at a place in the list, or None."""
        nodes = self.nodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    def currentNode(self) -> Any:
        """The chosen node, or None."""
        return self._scene.GetNodeByID(self._current_id) if self._scene is not None and self._current_id else None

    def _read_current_id(self) -> str:
        return self._current_id

    def setCurrentNodeID(self, node_id: str) -> None:
        """Choose the node of this ID; another ID chooses none."""
        self._choose(node_id if any(node.GetID() == node_id for node in self.nodes()) else "")

    currentNodeID = Property(str, _read_current_id, setCurrentNodeID)

    def setCurrentNode(self, node: Any) -> None:
        """Choose a node, given itself or by its ID; a node that does not match chooses none."""
        self.setCurrentNodeID(node if isinstance(node, str) else "" if node is None else node.GetID() or "")

    def setCurrentNodeIndex(self, index: int) -> None:
        """Choose the node at a place in the list."""
        self.setCurrentNode(self.nodeFromIndex(index))

    def addNode(self, node_type: str = "") -> Any:
        """Create a node of the given class, or of the first, in the scene."""
        kind = node_type or self.filter.node_types[0]
        name = self._names["base"] or self._scene.GetTagByClassName(kind)
        node = self._scene.AddNewNodeByClass(kind, self._scene.GenerateUniqueName(name))
        for (owner, attribute), value in self.filter.attributes.items():
            if owner == kind and value is not None:
                node.SetAttribute(attribute, value)
        if self.switches["select"]:
            self.setCurrentNode(node)
        return node

    def removeCurrentNode(self) -> None:
        """Delete the chosen node from the scene."""
        if self.currentNode() is not None:
            self._scene.RemoveNode(self.currentNode())

    def renameCurrentNode(self) -> None:
        """Ask for a new name of the chosen node."""
        name = dialogs.ask(QInputDialog.__name__, ["New name:"], "")
        if name and self.currentNode() is not None:
            self.currentNode().SetName(name)

    def refresh(self) -> None:
        """Fill the list anew; keep the chosen node if it still matches."""
        if self._refreshing or (self._scene is not None and (self._scene.IsBatchProcessing() or self._scene.IsClosing())):
            return
        self._refreshing = True
        nodes = self.nodes()
        self._of_nodes.clear()
        self.box.clear()
        if self.switches["none"]:
            self.box.addItem(self._names["none"], "")
        for node in nodes:
            self.box.addItem(node.GetName() or node.GetID(), node.GetID())
            self._of_nodes.add(node, "ModifiedEvent", NodeComboBox._rename)
        for title, function in self._actions():
            self.box.addItem(title, function)
        self._refreshing = False
        known = {node.GetID() for node in nodes}
        first = nodes[0].GetID() if nodes and not self.switches["none"] else ""
        self._choose(self._current_id if self._current_id in known else first)

    def _actions(self) -> list[tuple[str, Any]]:
        kinds = self.filter.node_types if self.switches["add"] and self._scene is not None else ()
        actions: list[tuple[str, Any]] = [
            (f"Create new {self._scene.GetTagByClassName(kind)}", lambda kind=kind: self.addNode(kind)) for kind in kinds
        ]
        if self.switches["rename"]:
            actions.append(("Rename current node...", self.renameCurrentNode))
        if self.switches["remove"]:
            actions.append(("Delete current node", self.removeCurrentNode))
        return actions

    def _rename(self) -> None:
        for index in range(self.box.count()):
            held = self.box.itemData(index)
            node = self._scene.GetNodeByID(held) if self._scene is not None and isinstance(held, str) and held else None
            if node is not None and self.box.itemText(index) != node.GetName():
                self.box.setItemText(index, node.GetName() or node.GetID())

    def _activated(self, index: int) -> None:
        held = self.box.itemData(index)
        if callable(held):
            self._choose(self._current_id)
            held()
            return
        self._choose(held or "")
        signals.emit(self, "nodeActivated(vtkMRMLNode*)", self.currentNode())

    def _choose(self, node_id: str) -> None:
        self.box.setCurrentIndex(self.box.findData(node_id) if node_id or self.switches["none"] else -1)
        if node_id == self._current_id:
            return
        self._current_id = node_id
        node = self.currentNode()
        signals.emit(self, "currentNodeChanged(vtkMRMLNode*)", node)
        signals.emit(self, "currentNodeChanged(bool)", node is not None)
        signals.emit(self, "currentNodeIDChanged(QString)", node_id)
