"""`RunController`: the button that starts a run, its progress, Cancel, and its end in the scene."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from CardiacMTLLib.job.client import JobEnd, JobOutcome
from CardiacMTLLib.job.folder import Job
from CardiacMTLPanel.chosen_input import ChosenInput
from CardiacMTLPanel.messages import StatusLine
from CardiacMTLPanel.python_environment import require_packages, worker_python
from CardiacMTLPanel.scene_results import show_analysis
from CardiacMTLPanel.study_run import RunListener, StudyRun
from CardiacMTLScene.results import StoredResults
from CardiacMTLScene.segmentations import ColorSet

_STEPS = 1000


class RunController:
    """At most one run at a time. `on_results` gets what a run put into the scene, `on_state` is called at start and end."""

    def __init__(
        self,
        ui: Any,
        parent: Any,
        status: StatusLine,
        on_results: Callable[[StoredResults], None],
        on_state: Callable[[], None],
    ) -> None:
        self._ui, self._parent, self._status = ui, parent, status
        self._on_results, self._on_state = on_results, on_state
        self._run: StudyRun | None = None
        self._chosen, self._colors = ChosenInput(), ColorSet.STANDARD
        self._sentence, self._notes, self._why_cancelled = "", [""], ""
        ui.progressBar.setVisible(False)
        ui.cancelButton.setVisible(False)

    @property
    def running(self) -> bool:
        """Whether a run has started and not ended."""
        return self._run is not None

    def start(self, chosen: ChosenInput, job_of: Callable[[], Job], colors: ColorSet) -> None:
        """Start the worker on what `job_of` makes of the scene; errors are told in the panel."""
        if self.running:
            return
        with self._status.telling():
            require_packages()
            job = job_of()
            self._chosen, self._colors = chosen, colors
            self._sentence, self._notes, self._why_cancelled = _("starting"), [], ""
            listener = RunListener(self._progress, self._notes.append, self._elapsed, self._finished)
            self._run = StudyRun(job, worker_python(), self._parent, listener)
            self._progress(self._sentence, 0.0)
            self._ui.progressBar.setVisible(True)
            self._ui.cancelButton.setVisible(True)
            self._ui.cancelButton.setEnabled(True)
        self._on_state()

    def cancel(self, why: str = "") -> None:
        """Stop the run; `why` is said beside it."""
        if self._run is not None:
            self._why_cancelled = why
            self._ui.cancelButton.setEnabled(False)
            self._status.say(_("Cancelling..."))
            self._run.cancel()

    def end_now(self) -> None:
        """Stop the run because the panel goes."""
        if self._run is not None:
            self._run.end_now()
            self._run = None

    def _progress(self, text: str, fraction: float) -> None:
        self._sentence = text
        self._ui.progressBar.setValue(round(_STEPS * fraction))
        if self._run is not None:
            self._elapsed(self._run.seconds)

    def _elapsed(self, seconds: float) -> None:
        if self._ui.cancelButton.isEnabled():
            text = _("{doing}, {seconds} s").format(doing=self._sentence.capitalize(), seconds=int(seconds))
            self._status.say("\n".join([text, *self._notes]))

    def _finished(self, outcome: JobOutcome) -> None:
        run, self._run = self._run, None
        seconds = 0.0 if run is None else run.seconds
        self._ui.progressBar.setVisible(False)
        self._ui.cancelButton.setVisible(False)
        if outcome.end is JobEnd.CANCELLED:
            self._status.say(_("Cancelled; the scene is unchanged. {why}").format(why=self._why_cancelled).strip())
        elif outcome.analysis is None:
            self._status.fail(outcome.text)
        else:
            with self._status.telling():
                results = show_analysis(outcome.analysis, self._chosen, self._colors)
                self._status.say("\n".join([_("Done in {seconds} s.").format(seconds=round(seconds)), *self._notes]))
                self._on_results(results)
        self._on_state()
