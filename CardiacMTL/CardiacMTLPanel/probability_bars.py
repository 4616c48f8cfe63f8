"""`ProbabilityBars`: five bars, one a group, with the probability written on each."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _

from CardiacMTLLib.labels import Group
from CardiacMTLLib.report.diagnosis_view import percent_text
from CardiacMTLPanel.result_texts import Record


class ProbabilityBars:
    """The bars inside `frame`, an empty QWidget. Each QProgressBar is called `probability<GROUP>Bar`."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._bars: dict[str, Any] = {}
        grid = qt.QGridLayout(frame)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        for row, group in enumerate(Group):
            label = qt.QLabel(group.value)
            label.setToolTip(group.full_name)
            bar = qt.QProgressBar()
            bar.setObjectName(f"probability{group.value}Bar")
            bar.setToolTip(group.full_name)
            bar.setAccessibleName(_("Probability of {group}").format(group=group.full_name))
            bar.setRange(0, 1000)
            bar.setAlignment(qt.Qt.AlignCenter)
            grid.addWidget(label, row, 0)
            grid.addWidget(bar, row, 1)
            self._bars[group.value] = bar
        grid.setColumnStretch(1, 1)

    def show(self, record: Record | None, original: Record | None = None) -> None:
        """Show the probabilities of `record`, with those of `original` behind; nothing where there are none."""
        shares = None if record is None else record["diagnosis"]["probabilities"]
        before = None if original is None else original["diagnosis"]["probabilities"]
        self._frame.setVisible(shares is not None)
        for group, bar in self._bars.items():
            share = 0.0 if shares is None else shares[group]
            bar.setValue(round(1000 * share))
            text = percent_text(share)
            if before is not None:
                text = _("{now} (original {before})").format(now=text, before=percent_text(before[group]))
            bar.setFormat(text)
