"""`StatusLine`: where the panel says what happens and what went wrong; no message box comes up."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slicer.i18n import tr as _

from CardiacMTLLib.errors import CardiacMTLError

_log = logging.getLogger(__name__)


class StatusLine:
    """A QLabel with plain text."""

    def __init__(self, label: Any) -> None:
        self._label = label
        self._hint = ""

    def hint(self, text: str) -> None:
        """Say what to do first where nothing else is said; an empty text takes the hint away."""
        if str(self._label.text) in ("", self._hint):
            self._hint = text
            self.say(text)

    def say(self, text: str) -> None:
        """Say how things stand; a path that does not wrap in a narrow panel shows whole when the mouse rests on it."""
        self._label.setText(text)
        self._label.setToolTip(text)
        self._label.setVisible(bool(text))

    def fail(self, text: str) -> None:
        """Say what went wrong and what to do; the first word marks it, not a colour."""
        self.say(_("Error: {text}").format(text=text))

    @contextmanager
    def telling(self) -> Iterator[None]:
        """An error inside ends there and is told in one line; one that is not the user's is logged with its traceback too."""
        try:
            yield
        except CardiacMTLError as error:
            self.fail(str(error))
        except Exception as error:  # noqa: BLE001 - the edge of the panel: whoever clicked learns what happened
            _log.exception("internal error")
            self.fail(
                _("internal error: {name}: {error}; the Python console has more; please report it").format(
                    name=type(error).__name__, error=" ".join(str(error).split())
                )
            )
