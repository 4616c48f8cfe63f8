"""Asking a node whether it answers (C-ECHO), and sending files to it (C-STORE)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom.uid import UID

from CardiacMTLLib.errors import InputError, MissingPackageError
from CardiacMTLLib.pacs.instances import Instance, read_instance
from CardiacMTLLib.pacs.node import Node
from CardiacMTLLib.pacs.outcome import FileResult, SendResult, SendState

if TYPE_CHECKING:
    from types import ModuleType

    from CardiacMTLLib.pacs.association import Link

REQUIREMENT = "pynetdicom>=3.0.4"
"""What pip is asked for where the network part is missing; the extra `pacs`."""

MAX_CONTEXTS = 128
"""Presentation contexts that one association can propose: their numbers are odd and fit a byte (DICOM PS3.8, 9.3.2.2)."""

SEND_AGAIN = "send again: what the node has already is not doubled"

_LOST = (SendState.UNCONFIRMED, SendState.NOT_SENT)
_MESSAGE_IDS = 65535

_LOG = logging.getLogger(__name__)


def echo(node: Node) -> None:
    """Ask `node` whether it answers; raises `NodeError` where it does not, and `MissingPackageError` without pynetdicom."""
    _association().echo(node)


def send_files(
    instances: Sequence[Instance],
    node: Node,
    *,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> SendResult:
    """Send every file, as it is, over one association; the result says for each what became of it.

    `progress` gets how many files are behind and how many there are, first with 0. `cancelled` is asked before each file.
    A file that the node refuses holds up no other one. Sending again is safe: what a node has under a SOP Instance UID is
    replaced or kept, never doubled. Raises `NodeError` where nothing could be sent, `MissingPackageError` without pynetdicom,
    `InputError` for more than 128 combinations of SOP class and transfer syntax.
    """
    association = _association()
    contexts = sorted({(instance.sop_class_uid, instance.transfer_syntax_uid) for instance in instances})
    if len(contexts) > MAX_CONTEXTS:
        raise InputError(
            f"the files have {len(contexts)} combinations of SOP class and transfer syntax; expected at most {MAX_CONTEXTS} in "
            "one association; send them in parts"
        )
    total = len(instances)
    results: list[FileResult] = []
    problem: str | None = None
    with association.associated(node, contexts) as link:
        progress(0, total)
        for number, instance in enumerate(instances):
            if cancelled():
                problem = f"cancelled after {number} of {total} files; send again when wanted"
                break
            results.append(_send_one(link, instance, number % _MESSAGE_IDS + 1))
            _LOG.info("%s %s", results[-1].state.value, instance.sop_instance_uid)
            if results[-1].state in _LOST:
                problem = f"{link.loss} at file {number + 1} of {total}; expected an answer for each; {SEND_AGAIN}"
                break
            progress(number + 1, total)
    rest = (_result(instance, SendState.NOT_SENT, "the send ended before this file") for instance in instances[len(results) :])
    return SendResult((*results, *rest), problem)


def _send_one(link: Link, instance: Instance, message_id: int) -> FileResult:
    if not link.alive and not link.accepts_nothing:
        return _result(instance, SendState.NOT_SENT, "the association was lost before this file")
    if not link.accepts(instance):
        kind = f"{UID(instance.sop_class_uid).name} as {UID(instance.transfer_syntax_uid).name}"
        return _result(instance, SendState.REFUSED, f"the node does not take {kind}")
    if not _is_unchanged(instance):
        return _result(instance, SendState.REFUSED, "the file was moved or changed while others were sent")
    answer = link.store(instance, message_id)
    if answer is None:
        return _result(instance, SendState.UNCONFIRMED, "no answer came for this file")
    return FileResult(instance.path, instance.sop_instance_uid, answer.state, answer.status, answer.reason)


def _is_unchanged(instance: Instance) -> bool:
    try:
        return read_instance(Path(instance.path)) == instance
    except InputError:
        return False


def _result(instance: Instance, state: SendState, reason: str) -> FileResult:
    return FileResult(instance.path, instance.sop_instance_uid, state, reason=reason)


def _association() -> ModuleType:
    try:
        from CardiacMTLLib.pacs import association  # noqa: PLC0415 - the package is optional
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"the package {error.name} is not installed; sending needs pynetdicom; install it: pip install '{REQUIREMENT}'"
        ) from error
    return association
