"""Keeps what pynetdicom says out of everybody's logs while an association lasts, for it can hold patient data."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pydicom.config
from pynetdicom import _config

_CONNECTING = "TCP Initialisation Error: "


class _Overheard(logging.Handler):
    """Keeps the one thing that pynetdicom says in its log only: why a connection could not be made."""

    def __init__(self) -> None:
        super().__init__()
        self.connection_failure = ""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message.startswith(_CONNECTING):
            self.connection_failure = message.removeprefix(_CONNECTING)


@contextmanager
def silenced() -> Iterator[_Overheard]:
    """Within it nothing of pynetdicom reaches a log, files are sent as they are, and odd UIDs pass without a word.

    These are settings of the process, put back at the end.
    """
    logger = logging.getLogger("pynetdicom")
    overheard = _Overheard()
    kept = logger.propagate, list(logger.handlers), _config.LOG_HANDLER_LEVEL, _config.STORE_SEND_CHUNKED_DATASET
    logger.propagate, logger.handlers = False, [overheard]
    _config.LOG_HANDLER_LEVEL, _config.STORE_SEND_CHUNKED_DATASET = "none", True
    try:
        with pydicom.config.disable_value_validation():
            yield overheard
    finally:
        logger.propagate, logger.handlers, _config.LOG_HANDLER_LEVEL, _config.STORE_SEND_CHUNKED_DATASET = kept
