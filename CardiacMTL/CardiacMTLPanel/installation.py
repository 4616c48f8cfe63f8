"""`Installation`: which packages are missing and how they are installed, which models there are and how one is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from CardiacMTLLib.network.archive import import_model
from CardiacMTLLib.network.store import available_models
from CardiacMTLPanel.installing import install_packages
from CardiacMTLPanel.messages import StatusLine
from CardiacMTLPanel.python_environment import PYTORCH, missing_packages, require_packages, why_never


class Installation:
    """The frame at the panel's top, and the controls of Advanced that install and import; `requirements` lists packages."""

    def __init__(self, ui: Any, status: StatusLine, requirements: Path) -> None:
        self._ui, self._status, self._requirements = ui, status, requirements
        self.show_missing()

    def show_missing(self) -> None:
        """Say what has to be installed, where something has, and that there is no model, where there is none."""
        missing, sentences = missing_packages(), []
        never = why_never() if PYTORCH in missing else None
        if never is not None:
            sentences.append(_("Not to be used here: {reason}.").format(reason=never))
        elif missing:
            text = _("Not installed in Slicer: {packages}. Install once, with a network; the README says how without one.")
            sentences.append(text.format(packages=_(" and ").join(missing)))
        if not available_models():
            sentences.append(
                _("There is no model in this installation. Import one under Advanced, or install the extension again.")
            )
        self._ui.setupFrame.setVisible(bool(sentences))
        self._ui.setupButton.setVisible(bool(missing) and never is None)
        self._ui.setupLabel.setText("\n".join(sentences))

    def install(self) -> None:
        """Install what is missing; Slicer asks before it installs."""
        with self._status.telling():
            self._status.say(install_packages(self._requirements))
        self.show_missing()

    def show_models(self, wanted: str) -> None:
        """List the models there are, with `wanted` as the current one, or the default where it is not there."""
        box = self._ui.modelComboBox
        blocked = box.blockSignals(True)
        box.clear()
        with self._status.telling():
            for entry in available_models():
                box.addItem(entry.name)
        box.setCurrentIndex(max(box.findText(wanted), 0))
        box.blockSignals(blocked)

    def import_model(self) -> str | None:
        """Import a model from an archive that the user names; its name, or None where nothing came of it."""
        path = qt.QFileDialog.getOpenFileName(None, _("Import a model"), "", _("Model archives (*.zip)"))
        if not path:
            return None
        imported: str | None = None
        with self._status.telling():
            require_packages()
            entry = import_model(Path(path))
            self.show_models(entry.name)
            self.show_missing()
            self._status.say(_("Model {name} imported.").format(name=entry.name))
            imported = entry.name
        return imported  # noqa: RET504 - an error that was told ends the block above before its end
