"""`Panel`: a module's panel as a person uses it: look, choose, click, wait, and take a picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QEventLoop, QPoint, Qt, QTimer
from PySide6.QtGui import QColor, QPalette, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication, QComboBox, QWidget

from Testing.host.host import SlicerHost, settle
from Testing.host.pythonqt.wrapper import wrap
from Testing.host.widgets.ctk_widgets import CollapsibleButton
from Testing.host.widgets.node_combo_box import NodeComboBox

_POLL_MS = 5
_TICK_MS = 10


class Panel:
    """An open module."""

    def __init__(self, host: SlicerHost, path: Path) -> None:
        self.host, self.name = host, path.stem
        self._module = host.open_module(path)
        settle()

    @property
    def root(self) -> QWidget:
        """The place in the module panel, as Qt knows it."""
        return self._module.widgetRepresentation()

    @property
    def module_widget(self) -> Any:
        """The module's own Python object."""
        return self.root.self()  # type: ignore[attr-defined]

    def find(self, name: str) -> QWidget:
        """The control of this object name that the user can see."""
        found = [widget for widget in self.root.findChildren(QWidget, name) if widget.isVisible()]
        assert found, f"no visible control is called {name}"
        return found[0]

    def see(self, name: str) -> Any:
        """The control as the module's code sees it."""
        return wrap(self.find(name))

    def click(self, name: str) -> None:
        """Click a control with the mouse. It must be visible and enabled."""
        control = self.find(name)
        assert control.isEnabled(), f"{name} is greyed out"
        place = control.rect().center()
        if isinstance(control, CollapsibleButton):
            place = QPoint(control.width() // 2, control.heading_height() // 2)
        elif isinstance(control, QAbstractButton) and control.sizeHint().width() < control.width():
            place = QPoint(min(10, control.width() // 2), control.height() // 2)
        QTest.mouseClick(control, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
        settle()

    def reload(self) -> None:
        """What the button "Reload" of Slicer's developer mode does."""
        self.module_widget.onReload()
        settle()

    def choose(self, name: str, what: Any) -> None:
        """Choose a node in a node selector, or an entry of a list by its text."""
        control = self.find(name)
        box = control.box if isinstance(control, NodeComboBox) else control
        assert isinstance(box, QComboBox), f"{name} has nothing to choose from"
        assert box.isEnabled(), f"{name} is greyed out"
        index = box.findText(what) if isinstance(what, str) else box.findData("" if what is None else what.GetID())
        assert index >= 0, f"{name} does not offer {what if isinstance(what, str) or what is None else what.GetName()}"
        box.setCurrentIndex(index)
        box.activated.emit(index)
        settle()

    def type_number(self, name: str, text: str) -> None:
        """Type a number into a spin box and press Return."""
        control = self.find(name)
        assert isinstance(control, QAbstractSpinBox), f"{name} takes no number"
        assert control.isEnabled(), f"{name} is greyed out"
        control.selectAll()
        QTest.keyClicks(control, text)
        QTest.keyClick(control, Qt.Key.Key_Return)
        settle()

    def picture(self, path: Path, *, width: int = 400, scale: float = 1.0, dark: bool = False) -> QPixmap:
        """Draw the panel into a PNG: `width` in logical pixels, `scale` 2.0 as on a screen at 200 %, light or dark colours."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        before = application.palette()
        application.setPalette(_palette(dark=dark))
        window = self.host.main_window
        window.resize(width, max(window.height(), self.root.sizeHint().height() + 60))
        settle()
        pixmap = QPixmap(self.root.size() * scale)
        pixmap.setDevicePixelRatio(scale)
        pixmap.fill(self.root.palette().color(QPalette.ColorRole.Window))
        self.root.render(pixmap)
        application.setPalette(before)
        settle()
        assert pixmap.save(str(path)), f"cannot write {path}"
        return pixmap


def wait_until(condition: Callable[[], object], timeout_s: float) -> None:
    """Let the event loop run until the condition holds; AssertionError when it does not within `timeout_s` seconds."""
    if condition():
        return
    loop, timer, end_s = QEventLoop(), QTimer(), time.monotonic() + timeout_s
    outcome: list[object] = []

    def look() -> None:
        try:
            reached = condition()
        except Exception as error:  # noqa: BLE001 - raised again below, outside the event loop
            outcome.append(error)
        else:
            if not reached and time.monotonic() < end_s:
                return
            outcome.append(bool(reached))
        loop.quit()

    timer.timeout.connect(look)
    timer.start(_POLL_MS)
    loop.exec()
    timer.stop()
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    assert outcome[0], f"not reached within {timeout_s} s"


@dataclass(slots=True)
class Latency:
    """How an event loop came round: how late each tick was, and how long the processor worked for it, in milliseconds.

    The first is what a person feels, and what other programs of a busy machine spoil; the second is this program's own doing.
    """

    late_ms: list[float] = field(default_factory=list)
    busy_ms: list[float] = field(default_factory=list)

    @property
    def p99_ms(self) -> float:
        """99th percentile of the lateness."""
        assert self.late_ms, "the event loop did not run"
        return float(np.percentile(self.late_ms, 99))

    @property
    def busy_p99_ms(self) -> float:
        """99th percentile of the processor time of a tick."""
        assert self.busy_ms, "the event loop did not run"
        return float(np.percentile(self.busy_ms, 99))

    @property
    def longest_busy_ms(self) -> float:
        """The processor time of the tick that kept the loop from its turn the longest."""
        assert self.busy_ms, "the event loop did not run"
        return max(self.busy_ms)


@contextmanager
def panel_latency() -> Iterator[Latency]:
    """Measure, while the context lasts, how much later than asked a timer of 10 ms fires, and this thread's work in between."""
    found, last_s, last_busy_s = Latency(), time.monotonic(), time.thread_time()
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)

    def tick() -> None:
        nonlocal last_s, last_busy_s
        now_s, busy_s = time.monotonic(), time.thread_time()
        found.busy_ms.append((busy_s - last_busy_s) * 1000)
        found.late_ms.append(max(0.0, (now_s - last_s) * 1000 - _TICK_MS))
        last_s, last_busy_s = now_s, busy_s

    timer.timeout.connect(tick)
    timer.start(_TICK_MS)
    try:
        yield found
    finally:
        timer.stop()


def _palette(*, dark: bool) -> QPalette:
    window, base, text = ("#2e2f30", "#1e1f20", "#f0f0f0") if dark else ("#f0f0f0", "#ffffff", "#101010")
    made = QPalette(QColor(window))
    role = QPalette.ColorRole
    for roles, colour in (
        ((role.Window, role.Button, role.AlternateBase, role.ToolTipBase), window),
        ((role.Base,), base),
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText), text),
        ((role.Highlight,), "#3876c8"),
        ((role.HighlightedText,), "#ffffff"),
        ((role.Link,), "#6fa8ff" if dark else "#0645ad"),
    ):
        for each in roles:
            made.setColor(each, QColor(colour))
    for each in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, each, QColor("#808080"))
    return made
