"""`NodeFields`: the controls that name the DICOM node to send to, kept in the application's settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import qt

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.pacs.node import CALLING_AE, Node, node_text, parse_node

SETTING = "CardiacMTL/Node"
"""The node as JSON (docs/pacs.md); timeouts and TLS that somebody wrote there count, too."""


class NodeFields:
    """Host, port and both titles; filled from the settings, and written there when they are used."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        known = _stored()
        ui.callingAeLineEdit.setText(CALLING_AE)
        if known is not None:
            ui.nodeHostLineEdit.setText(known.host)
            ui.nodePortSpinBox.setValue(known.port)
            ui.calledAeLineEdit.setText(known.called_ae)
            ui.callingAeLineEdit.setText(known.calling_ae)

    def node(self) -> Node:
        """The node that the fields name, which is stored; raises `InputError` for one that cannot be."""
        ui = self._ui
        host, called, calling = (
            str(edit.text).strip() for edit in (ui.nodeHostLineEdit, ui.calledAeLineEdit, ui.callingAeLineEdit)
        )
        port, known = int(ui.nodePortSpinBox.value), _stored()
        if known is None:
            node = Node(host, port, called, calling)
        else:
            node = replace(known, host=host, port=port, called_ae=called, calling_ae=calling)
        qt.QSettings().setValue(SETTING, node_text(node))
        return node


def _stored() -> Node | None:
    """The node in the settings; None where there is none, or one that cannot be read."""
    text = qt.QSettings().value(SETTING, "")
    try:
        return parse_node(str(text)) if text else None
    except InputError:
        return None
