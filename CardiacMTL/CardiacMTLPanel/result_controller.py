"""`ResultController`: shows a result in the panel and in the views, and follows corrections of its masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from typing import Any

import slicer
from slicer.i18n import tr as _

from CardiacMTLLib.diagnosis.diagnosis import RESEARCH_USE
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.slices import numbers_text
from CardiacMTLPanel import result_texts
from CardiacMTLPanel.measurements_table import fill_measurements_table
from CardiacMTLPanel.messages import StatusLine
from CardiacMTLPanel.probability_bars import ProbabilityBars
from CardiacMTLPanel.reading_layout import ReadingLayout, shown_slice
from CardiacMTLPanel.scene_results import is_stale, recolor, recompute_results, slice_selection, stored_results
from CardiacMTLScene.edit_watch import EditWatch, edit_watch
from CardiacMTLScene.results import StoredResults, results_in
from CardiacMTLScene.segmentations import ColorSet


class ResultController:
    """At most one result is shown; `ui` are the controls of the panel."""

    def __init__(self, ui: Any, status: StatusLine) -> None:
        self._ui, self._status = ui, status
        self._bars, self._layout = ProbabilityBars(ui.probabilitiesFrame), ReadingLayout(self._name_layout_button)
        self._results: StoredResults | None = None
        self._watches: list[EditWatch] = []
        self.on_show: Callable[[], None] = lambda: None
        """Called when another result is shown, or none."""
        self._edits = {Phase.ED: ui.leftOutEdLineEdit, Phase.ES: ui.leftOutEsLineEdit}
        ui.researchLabel.setText(RESEARCH_USE)
        self.show(None)

    @property
    def shown(self) -> StoredResults | None:
        """The result that is shown."""
        return self._results

    @property
    def study_name(self) -> str:
        """The name of the result that is shown; empty without one."""
        return "" if self._results is None else self._results.study_name

    def show(self, results: StoredResults | None) -> None:
        """Show `results` in the panel, or that there are none."""
        self.stop_watching()
        self._results = results
        record = None if results is None else results.corrected_record or results.record
        original = None if results is None or results.corrected_record is None else results.record
        ui = self._ui
        ui.studyLabel.setText("" if results is None else f"<b>{escape(results.study_name)}</b>")
        ui.diagnosisLabel.setText(_("No result yet.") if record is None else self._headline(record, original))
        self._bars.show(record, original)
        fill_measurements_table(ui.measurementsTable, record, original)
        ui.flagsLabel.setText("" if record is None else result_texts.flags(record))
        ui.explanationLabel.setText("" if record is None else result_texts.arguments(record))
        ui.meaningLabel.setText("" if record is None else result_texts.meaning(record))
        ui.foundFramesLabel.setText("" if record is None else result_texts.found_frames(record))
        for control in (ui.studyLabel, ui.measurementsTable, ui.flagsLabel, ui.slicesSection, ui.meaningSection):
            control.setVisible(record is not None)
        for control, label in ((ui.explanationSection, ui.explanationLabel), (ui.foundFramesLabel, ui.foundFramesLabel)):
            control.setVisible(bool(label.text))
        has_cine = results is not None and results.nodes.cine is not None and results.nodes.cine.browser is not None
        ui.playButton.setEnabled(has_cine)
        for button in (ui.show3DButton, ui.layoutButton):
            button.setEnabled(results is not None)
        for phase, edit in self._edits.items():
            left_out = frozenset() if results is None else results.latest.left_out.excluded(phase)
            edit.setText("" if results is None else numbers_text(left_out, results.analysis.study))
        self.set_stale(False)
        for node in () if results is None else results.nodes.segmentations.values():
            self._watches.append(edit_watch(node, self._edited))
        self.on_show()

    def restore(self, study_name: str) -> None:
        """Show what the scene holds under this name, or nothing; so do our views where they show another study."""
        before = self._results
        try:
            results = results_in(slicer.mrmlScene, study_name) if study_name else None
        except InputError:
            self.show(None)
            raise
        self.show(results)
        if results is not None:
            self.set_stale(is_stale(results))
        if before is not None and before.study_name != study_name and self._layout.is_shown:
            self._layout.leave(before)
            if results is not None:
                self._layout.show(results, three_d=bool(self._ui.show3DButton.checked))
            self._name_layout_button()

    def reading(self, results: StoredResults) -> Iterator[None]:
        """Show a new result in the panel, and then arrange the views for reading it: a step each."""
        self.show(results)
        yield
        self._ui.show3DButton.setChecked(False)
        self._layout.show(results)
        self._name_layout_button()

    def recompute(self) -> None:
        """Let the numbers follow the masks as they are now."""
        if self._results is None:
            return
        with self._status.telling():
            results = stored_results(self._results.study_name)
            texts = [str(edit.text) for edit in self._edits.values()]
            self.show(recompute_results(results, slice_selection(results, *texts)))
            self._status.say(_("Recomputed from the masks as they are now; below a number that changed stands what it was."))

    def toggle_slice(self, phase: Phase) -> None:
        """Take the slice that the view of `phase` shows out of the measurement, or in again; Recompute then follows it."""
        if self._results is None:
            return
        with self._status.telling():
            z = shown_slice(phase, self._results)
            if z is None:
                raise InputError(
                    _("the view of {phase} shows no slice of the stack; scroll to one, or type its number").format(phase=phase)
                )
            edit, study = self._edits[phase], self._results.analysis.study
            texts = [str(edit.text) if each is phase else "" for each in self._edits]
            chosen = slice_selection(self._results, *texts).excluded(phase) ^ {z}
            edit.setText(numbers_text(chosen, study))
            self.set_stale(True)

    def toggle_layout(self) -> None:
        """Switch between our views and the layout that was there before."""
        if self._results is not None:
            with self._status.telling():
                if self._layout.is_shown:
                    self._layout.leave(self._results)
                else:
                    self._layout.show(stored_results(self._results.study_name), three_d=bool(self._ui.show3DButton.checked))
        self._name_layout_button()

    def leave_layout(self) -> None:
        """Show the layout that was there before ours, as when the scene or the panel goes."""
        self._layout.leave(self._results)

    def adopt_layout(self) -> None:
        """Follow the layout that a loaded scene brings."""
        if self._results is not None:
            self._layout.adopt(self._results)
        self._name_layout_button()

    def show_3d(self, shown: bool) -> None:
        """Show the surfaces of ED beside the slices, or no longer."""
        if self._results is not None:
            with self._status.telling():
                self._layout.show(stored_results(self._results.study_name), three_d=shown)
        self._name_layout_button()

    def play(self, playing: bool) -> None:
        """Play the cine with its masks, or stop."""
        cine = None if self._results is None else self._results.nodes.cine
        if cine is not None and cine.browser is not None:
            cine.browser.SetPlaybackActive(playing)

    def color(self, high_contrast: bool) -> None:
        """Give the segments the colours of the chosen set."""
        if self._results is not None:
            with self._status.telling():
                recolor(self._results, ColorSet.HIGH_CONTRAST if high_contrast else ColorSet.STANDARD)

    def set_stale(self, stale: bool) -> None:
        """Say whether the numbers are older than the masks."""
        text = _("The masks or the choice of slices have changed: the numbers below are of before. Recompute to update them.")
        self._ui.staleLabel.setText(text if stale else "")
        self._ui.staleLabel.setVisible(stale)
        self._ui.recomputeButton.setEnabled(self._results is not None)

    def stop_watching(self) -> None:
        """Let go of the segmentations."""
        watches, self._watches = self._watches, []
        for watch in watches:
            watch.stop()

    def _edited(self) -> None:
        self.set_stale(True)

    def _headline(self, record: result_texts.Record, original: result_texts.Record | None) -> str:
        text = result_texts.headline(record)
        return text if original is None else f"{text}<br>{result_texts.correction(original)}"

    def _name_layout_button(self) -> None:
        self._ui.layoutButton.setText(_("Former &layout") if self._layout.is_shown else _("Result &layout"))
