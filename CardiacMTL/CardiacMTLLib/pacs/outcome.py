"""What became of each file that was to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SendState(StrEnum):
    """The state of one file after a send."""

    STORED = "stored"
    STORED_WITH_WARNING = "stored_with_warning"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"
    NOT_SENT = "not_sent"


_SAFE = (SendState.STORED, SendState.STORED_WITH_WARNING, SendState.ALREADY_THERE)


@dataclass(frozen=True, slots=True)
class FileResult:
    """One file: its SOP Instance UID, its state, the DIMSE status of the node (None: no answer), and the reason in words.

    REFUSED: the node said no. UNCONFIRMED: sent, at least in part, without an answer. NOT_SENT: the send ended before.
    """

    path: str
    sop_instance_uid: str
    state: SendState
    status: int | None = None
    reason: str | None = None

    @property
    def safe(self) -> bool:
        """Whether the node said that it has the instance."""
        return self.state in _SAFE


@dataclass(frozen=True, slots=True)
class SendResult:
    """All files in the order of the send; `problem` is one line on why it ended early, None where it came to its end."""

    files: tuple[FileResult, ...]
    problem: str | None = None

    @property
    def n_safe(self) -> int:
        """How many files the node has."""
        return sum(file.safe for file in self.files)

    @property
    def warnings(self) -> tuple[FileResult, ...]:
        """Files that the node took with a remark."""
        return tuple(file for file in self.files if file.state is SendState.STORED_WITH_WARNING)

    @property
    def remaining(self) -> tuple[FileResult, ...]:
        """Files that must be sent again: the node has not said that it has them."""
        return tuple(file for file in self.files if not file.safe)

    @property
    def complete(self) -> bool:
        """Whether the node has all files."""
        return not self.remaining
