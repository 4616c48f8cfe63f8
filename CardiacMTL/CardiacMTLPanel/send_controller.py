"""`SendController`: sends the shown result as DICOM to a node, and asks a node whether it answers; in a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from CardiacMTLLib.job.handover import new_handover_folder
from CardiacMTLLib.job.worker_client import JobEnd
from CardiacMTLLib.pacs.client import SendClient, SendListener, SendOutcome
from CardiacMTLLib.pacs.node import Node
from CardiacMTLLib.pacs.outcome import SendResult
from CardiacMTLLib.pacs.send_job import SendJob
from CardiacMTLLib.steps import Steps
from CardiacMTLPanel.exporting import install_for, loading, writing_dicom_files
from CardiacMTLPanel.messages import StatusLine
from CardiacMTLPanel.node_fields import NodeFields
from CardiacMTLPanel.process_runner import LAST_WAIT_MS, QProcessRunner
from CardiacMTLPanel.python_environment import worker_python
from CardiacMTLPanel.ticks import TickWork
from CardiacMTLScene.results import StoredResults

_TICK_MS, _STEPS = 100, 1000


class SendController:
    """At most one send, or one question, at a time; `shown` and `resources` as for `ExportController`."""

    def __init__(
        self, ui: Any, parent: Any, status: StatusLine, shown: Callable[[], StoredResults | None], resources: Path
    ) -> None:
        self._ui, self._parent, self._status, self._shown, self._resources = ui, parent, status, shown, resources
        self._fields, self._preparing = NodeFields(ui), TickWork(parent)
        self._client: SendClient | None = None
        self._runner: QProcessRunner | None = None
        self._folder: Path | None = None
        self._node: Node | None = None
        self._study = ""
        self._notes: list[str] = []
        self._timer = qt.QTimer(parent)
        self._timer.setInterval(_TICK_MS)
        self._timer.connect("timeout()", self._tick)
        self.show_state()

    @property
    def running(self) -> bool:
        """Whether a send has begun and not ended."""
        return self._client is not None or self._preparing.busy

    def send(self) -> None:
        """Write the DICOM of the shown result into a temporary folder and send it; the same result has the same UIDs."""
        results = self._shown()
        if results is not None and not self.running:
            self._preparing.start(self._steps(results), self.show_state)
            self.show_state()

    def echo(self) -> None:
        """Ask the node whether it answers."""
        if not self.running:
            self._preparing.start(self._steps(None), self.show_state)
            self.show_state()

    def cancel(self) -> None:
        """End it within two seconds."""
        if self._client is not None:
            self._ui.cancelSendButton.setEnabled(False)
            self._status.say(_("Cancelling..."))
            self._client.cancel()

    def end_now(self) -> None:
        """End it and wait, because the panel goes."""
        self._preparing.stop()
        client, runner = self._client, self._runner
        if client is not None and runner is not None:
            client.cancel()
            runner.wait(LAST_WAIT_MS)
            runner.kill()
            runner.wait(LAST_WAIT_MS)
        if self._timer:
            self._timer.stop()
        self._forget()

    def show_state(self) -> None:
        """Enable what can be used now."""
        self._ui.sendButton.setEnabled(self._shown() is not None and not self.running)
        self._ui.echoButton.setEnabled(not self.running)
        self._ui.cancelSendButton.setVisible(self._client is not None)
        self._ui.cancelSendButton.setEnabled(self._client is not None)
        self._ui.sendProgressBar.setVisible(self._client is not None)

    def _steps(self, results: StoredResults | None) -> Iterator[None]:
        """Prepare the files of `results`, or none for a question, and start the process."""
        with self._status.telling():
            node = self._fields.node()
            self._study = "" if results is None else results.study_name
            writing = _("{study}: writing DICOM...").format(study=self._study)
            self._status.say(_("Asking {node}...").format(node=node) if results is None else writing)
            yield
            install_for("pacs", self._resources)
            python = worker_python()
            paths: tuple[str, ...] = ()
            if results is not None:
                install_for("dicom", self._resources)
                yield from loading("dicom")
                self._folder = new_handover_folder()
                paths = (str((yield from self._written(results, self._folder))),)
                yield
            self._begin(SendJob(paths, node), python)

    def _written(self, results: StoredResults, folder: Path) -> Steps[Path]:
        try:
            return (yield from writing_dicom_files(results, folder / "dicom")).folder
        except BaseException:
            self._forget()
            raise

    def _begin(self, job: SendJob, python: str) -> None:
        self._node, self._notes = job.node, []
        self._runner = QProcessRunner(self._parent)
        client = SendClient(job, self._runner, SendListener(self._progress, self._notes.append, self._finished), python)
        try:
            client.begin()
        except BaseException:
            self._forget()
            raise
        self._client = client
        self._progress(_("starting"), 0.0)
        self._timer.start()

    def _tick(self) -> None:
        if self._client is not None:
            self._client.tick()

    def _progress(self, text: str, fraction: float) -> None:
        self._ui.sendProgressBar.setValue(round(_STEPS * fraction))
        if self._ui.cancelSendButton.isEnabled() or not fraction:
            self._status.say(_("{doing} ({node})").format(doing=text.capitalize(), node=self._node))

    def _finished(self, outcome: SendOutcome) -> None:
        self._timer.stop()
        self._forget()
        if outcome.result is not None:
            self._tell(outcome.result)
        elif outcome.end is JobEnd.CANCELLED:
            self._status.say(_("Cancelled. Sending again doubles nothing."))
        else:
            self._status.fail(outcome.text)
        self.show_state()

    def _tell(self, result: SendResult) -> None:
        node, total = self._node, len(result.files)
        if not total:
            self._status.say(_("{node} answers.").format(node=node))
        elif result.complete:
            text = _("{study}: {node} has all {total} files.").format(study=self._study, node=node, total=total)
            self._status.say("\n".join([text, *self._notes]))
        else:
            text = _("{study}: {node} has {safe} of {total} files; send again: what it has is not doubled").format(
                study=self._study, node=node, safe=result.n_safe, total=total
            )
            self._status.fail("\n".join([text, *([result.problem] if result.problem else []), *self._notes]))

    def _forget(self) -> None:
        """The process has gone, or was never there: its files go, too."""
        self._client = self._runner = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
