"""Stand-ins for the Sequences module's widgets: play buttons and a slider for a sequence browser node."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Qt
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QSlider, QStyle, QToolButton, QWidget

from Testing.host.pythonqt.class_spec import stand_in
from Testing.host.widgets.mrml_widget import MrmlWidget
from Testing.host.widgets.observing import Observations

_BUTTONS = {
    "onVcrFirst": QStyle.StandardPixmap.SP_MediaSkipBackward,
    "onVcrPrevious": QStyle.StandardPixmap.SP_MediaSeekBackward,
    "onVcrPlayPause": QStyle.StandardPixmap.SP_MediaPlay,
    "onVcrNext": QStyle.StandardPixmap.SP_MediaSeekForward,
    "onVcrLast": QStyle.StandardPixmap.SP_MediaSkipForward,
}


class _BrowserWidget(MrmlWidget):
    """Follows one sequence browser node; greyed out without."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.browser: Any = None
        self._observations = Observations(self)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)

    def setMRMLSequenceBrowserNode(self, node: Any) -> None:
        """Follow another browser node, or none."""
        if node is not None and not node.IsA("vtkMRMLSequenceBrowserNode"):
            raise TypeError(f"expected a vtkMRMLSequenceBrowserNode, got {node.GetClassName()}")
        self._observations.clear()
        self.browser = node
        if node is not None:
            self._observations.add(node, "ModifiedEvent", type(self).show_browser)
        self.show_browser()

    def show_browser(self) -> None:
        """Show the browser's state."""
        self.setEnabled(self.browser is not None)


@stand_in("qMRMLSequenceBrowserPlayWidget")
class PlayWidget(_BrowserWidget):
    """First, previous, play or pause, next, last, loop, frames per second."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recording_visible = True
        self._buttons = {}
        for name, icon in _BUTTONS.items():
            button = QToolButton(self)
            button.setIcon(self.style().standardIcon(icon))
            button.clicked.connect(getattr(self, name))
            self.row.addWidget(button)
            self._buttons[name] = button
        self._buttons["onVcrPlayPause"].setCheckable(True)
        self._loop = QToolButton(self)
        self._loop.setCheckable(True)
        self._loop.setText("loop")
        self._loop.toggled.connect(self.setPlaybackLoopEnabled)
        self._rate = QDoubleSpinBox(self)
        self._rate.setRange(0.1, 100)
        self._rate.setSuffix(" fps")
        self._rate.valueChanged.connect(self.setPlaybackRateFps)
        self.row.addWidget(self._loop)
        self.row.addWidget(self._rate)
        self.show_browser()

    def _read_recording(self) -> bool:
        return self._recording_visible

    def setRecordingControlsVisible(self, visible: bool) -> None:
        """Show the controls for recording, which this stand-in never has."""
        self._recording_visible = bool(visible)

    RecordingControlsVisible = Property(bool, _read_recording, setRecordingControlsVisible)

    def show_browser(self) -> None:
        """Show whether it plays, how fast, and whether it loops."""
        super().show_browser()
        if self.browser is not None:
            for widget, value in (
                (self._rate, self.browser.GetPlaybackRateFps()),
                (self._loop, self.browser.GetPlaybackLooped()),
            ):
                widget.blockSignals(True)
                widget.setValue(value) if widget is self._rate else widget.setChecked(bool(value))
                widget.blockSignals(False)
            self._buttons["onVcrPlayPause"].setChecked(bool(self.browser.GetPlaybackActive()))

    def setPlaybackEnabled(self, play: bool) -> None:
        """Start or stop playing."""
        if self.browser is not None:
            self.browser.SetPlaybackActive(bool(play))

    def setPlaybackRateFps(self, rate_per_s: float) -> None:
        """Set the frames per second."""
        if self.browser is not None:
            self.browser.SetPlaybackRateFps(rate_per_s)

    def setPlaybackLoopEnabled(self, loop: bool) -> None:
        """Start again after the last frame, or not."""
        if self.browser is not None:
            self.browser.SetPlaybackLooped(bool(loop))

    def onVcrFirst(self) -> None:
        """Go to the first frame."""
        if self.browser is not None:
            self.browser.SelectFirstItem()

    def onVcrPrevious(self) -> None:
        """Go one frame back."""
        if self.browser is not None:
            self.browser.SelectNextItem(-1)

    def onVcrNext(self) -> None:
        """Go one frame on."""
        if self.browser is not None:
            self.browser.SelectNextItem(1)

    def onVcrLast(self) -> None:
        """Go to the last frame."""
        if self.browser is not None:
            self.browser.SelectLastItem()

    def onVcrPlayPause(self) -> None:
        """Play if it stands, stop if it plays."""
        if self.browser is not None:
            self.setPlaybackEnabled(not self.browser.GetPlaybackActive())


@stand_in("qMRMLSequenceBrowserSeekWidget")
class SeekWidget(_BrowserWidget):
    """A slider over the frames, with the index value beside it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.valueChanged.connect(self.setSelectedItemNumber)
        self._label = QLabel(self)
        self.row.addWidget(self._slider)
        self.row.addWidget(self._label)
        self.show_browser()

    def slider(self) -> QSlider:
        """The inner slider."""
        return self._slider

    def setSelectedItemNumber(self, number: int) -> None:
        """Show the frame of this number."""
        if self.browser is not None and number >= 0:
            self.browser.SetSelectedItemNumber(number)

    def show_browser(self) -> None:
        """Show which frame is selected."""
        super().show_browser()
        count = self.browser.GetNumberOfItems() if self.browser is not None else 0
        self._slider.blockSignals(True)
        self._slider.setRange(0, max(0, count - 1))
        if count:
            number = self.browser.GetSelectedItemNumber()
            self._slider.setValue(number)
            self._label.setText(self.browser.GetMasterSequenceNode().GetNthIndexValue(number))
        else:
            self._label.clear()
        self._slider.blockSignals(False)
