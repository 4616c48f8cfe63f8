"""`RunController`: the button that starts a run, its progress, Cancel, and its end in the scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from slicer.i18n import tr as _

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import MissingPackageError
from CardiacMTLLib.job.client import JobOutcome
from CardiacMTLLib.job.folder import Job
from CardiacMTLLib.job.handover import remove_abandoned
from CardiacMTLLib.job.process import warm_command
from CardiacMTLLib.job.warm_runner import WarmRunner
from CardiacMTLLib.job.worker_client import JobEnd
from CardiacMTLPanel.chosen_input import ChosenInput
from CardiacMTLPanel.messages import StatusLine
from CardiacMTLPanel.process_runner import LAST_WAIT_MS, QProcessRunner
from CardiacMTLPanel.python_environment import missing_packages, require_packages, worker_python
from CardiacMTLPanel.scene_results import showing
from CardiacMTLPanel.study_run import RunListener, StudyRun
from CardiacMTLPanel.ticks import TickWork
from CardiacMTLScene.results import StoredResults
from CardiacMTLScene.segmentations import ColorSet

_STEPS = 1000


class RunController:
    """At most one run at a time. `on_results` shows in steps what a run put into the scene; `on_state` hears of both ends.

    A worker that has loaded its libraries may wait for the next run: `warm_up`, `cool_down`.
    """

    def __init__(
        self,
        ui: Any,
        parent: Any,
        status: StatusLine,
        on_results: Callable[[StoredResults], Iterator[None]],
        on_state: Callable[[], None],
    ) -> None:
        self._ui, self._parent, self._status = ui, parent, status
        self._on_results, self._on_state = on_results, on_state
        self._run: StudyRun | None = None
        self._workers = WarmRunner(lambda: QProcessRunner(parent))
        self._going = False
        self._showing = TickWork(parent)
        self._chosen, self._colors = ChosenInput(), ColorSet.STANDARD
        self._sentence, self._notes, self._why_cancelled = "", [""], ""
        ui.progressBar.setVisible(False)
        ui.cancelButton.setVisible(False)
        remove_abandoned()

    @property
    def running(self) -> bool:
        """Whether a run has started, and neither failed nor been shown."""
        return self._run is not None or self._showing.busy

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
            self._run = StudyRun(job, worker_python(), self._parent, self._workers, listener)
            self._progress(self._sentence, 0.0)
            self._ui.progressBar.setVisible(True)
            self._ui.cancelButton.setVisible(True)
            self._ui.cancelButton.setEnabled(True)
        self._on_state()

    def cancel(self, why: str = "") -> None:
        """Stop the run; `why` is said beside it."""
        self._why_cancelled = why
        if self._run is not None:
            self._ui.cancelButton.setEnabled(False)
            self._status.say(_("Cancelling..."))
            self._run.cancel()
        elif self._showing.busy:
            self._showing.stop()
            self._finished(JobOutcome(JobEnd.CANCELLED))

    def end_now(self) -> None:
        """Stop the run because the panel goes."""
        self._going = True
        self._showing.stop()
        if self._run is not None:
            self._run.end_now()
            self._run = None
        self.cool_down()

    def warm_up(self) -> None:
        """Let a worker wait for the next run, where all that it needs is installed; it ends by itself when none comes."""
        if not self.running and not self._going and not missing_packages():
            with suppress(MissingPackageError):
                self._workers.warm_up(warm_command(worker_python()))

    def cool_down(self) -> None:
        """End the worker that waits."""
        idle = self._workers.idle
        self._workers.stop()
        if idle is not None:
            idle.wait(LAST_WAIT_MS)

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
        if outcome.analysis is not None:
            self._ui.cancelButton.setEnabled(False)
            self._showing.start(self._shown(outcome.analysis, seconds), self._ended)
            return
        if outcome.end is JobEnd.CANCELLED:
            self._status.say(_("Cancelled; the scene is unchanged. {why}").format(why=self._why_cancelled).strip())
        else:
            self._status.fail(outcome.text)
        self._ended()

    def _shown(self, analysis: Analysis, seconds: float) -> Iterator[None]:
        """Fill the scene and show the result: the steps are short, for the panel is live in between."""
        with self._status.telling():
            results = yield from showing(analysis, self._chosen, self._colors)
            yield
            self._status.say("\n".join([_("Done in {seconds} s.").format(seconds=round(seconds)), *self._notes]))
            yield from self._on_results(results)

    def _ended(self) -> None:
        self._ui.progressBar.setVisible(False)
        self._ui.cancelButton.setVisible(False)
        self._on_state()
        self.warm_up()
