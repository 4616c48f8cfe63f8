"""`ExportController`: the buttons that write the shown result, as a report with its files and as DICOM."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from CardiacMTLLib.outputs import REPORT_FILE
from CardiacMTLPanel.exporting import add_to_database, install_for, loading, writing_dicom_files, writing_report_files
from CardiacMTLPanel.messages import StatusLine
from CardiacMTLPanel.ticks import TickWork
from CardiacMTLScene.results import StoredResults

DICOM_FOLDER = "cardiacmtl_dicom"
"""Below the folder that the user chooses: what is added to the database is a folder, and the chosen one may hold much else."""


class ExportController:
    """`shown` gives the result that is shown, or None; `resources` is the folder with the lists of packages."""

    def __init__(
        self, ui: Any, parent: Any, status: StatusLine, shown: Callable[[], StoredResults | None], resources: Path
    ) -> None:
        self._ui, self._status, self._shown, self._resources = ui, status, shown, resources
        self._work = TickWork(parent)
        self._report: Path | None = None
        ui.openReportButton.setVisible(False)
        self.show_state()

    @property
    def busy(self) -> bool:
        """Whether something is being written."""
        return self._work.busy

    def write_report(self) -> None:
        """Write report and files into a folder that the user chooses."""
        self._start(_("Folder for the report"), self._report_steps)

    def write_dicom(self) -> None:
        """Write DICOM below a folder that the user chooses, and add it to the DICOM database."""
        self._start(_("Folder for the DICOM files"), self._dicom_steps)

    def open_report(self) -> None:
        """Show the report that was written last in the browser."""
        if self._report is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self._report)))

    def show_state(self) -> None:
        """Enable what can be used now."""
        for button in (self._ui.reportButton, self._ui.exportDicomButton):
            button.setEnabled(self._shown() is not None and not self.busy)

    def stop(self) -> None:
        """Begin nothing more, because the panel goes."""
        self._work.stop()

    def _start(self, title: str, steps: Callable[[StoredResults, Path], Iterator[None]]) -> None:
        results = self._shown()
        if results is None or self.busy:
            return
        folder = qt.QFileDialog.getExistingDirectory(None, title)
        if folder:
            self._work.start(steps(results, Path(folder)), self.show_state)
            self.show_state()

    def _report_steps(self, results: StoredResults, folder: Path) -> Iterator[None]:
        """Begins with a turn of the event loop in which the panel says what it does."""
        with self._status.telling():
            self._status.say(_("{study}: writing the report...").format(study=results.study_name))
            yield
            install_for("report", self._resources)
            yield from loading("report")
            files = yield from writing_report_files(results, folder, patient_data=bool(self._ui.patientDataCheckBox.checked))
            self._report = folder / REPORT_FILE if REPORT_FILE in files.names else None
            self._ui.openReportButton.setVisible(self._report is not None)
            said = _("{study}: report and files are in {folder}")
            self._status.say("\n".join([said.format(study=results.study_name, folder=folder), *files.notes]))

    def _dicom_steps(self, results: StoredResults, folder: Path) -> Iterator[None]:
        with self._status.telling():
            self._status.say(_("{study}: writing DICOM...").format(study=results.study_name))
            yield
            install_for("dicom", self._resources)
            yield from loading("dicom")
            files = yield from writing_dicom_files(results, folder / DICOM_FOLDER)
            yield
            added = add_to_database(files.folder)
            text = (
                _("{study}: DICOM is in {folder} and in Slicer's DICOM database")
                if added
                else _(
                    "{study}: DICOM is in {folder}, but not in Slicer's DICOM database: none is open, or it did not take them"
                )
            )
            self._status.say("\n".join([text.format(study=results.study_name, folder=files.folder), *files.notes]))
