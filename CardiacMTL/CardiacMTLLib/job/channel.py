"""The channel of a worker's process: what it reports on standard output, and how it says in one line what went wrong."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from CardiacMTLLib.errors import MissingPackageError


def protocol_on_stdout() -> Callable[[bytes], None]:
    """Writes lines to what standard output was; what libraries print there goes to standard error from now on."""
    channel = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def send(line: bytes) -> None:
        while line:
            line = line[os.write(channel, line) :]

    return send


def one_line(message: object) -> str:
    """`message` without line ends."""
    return " ".join(str(message).split())


def missing_package(error: ModuleNotFoundError) -> str:
    """What to do about a package that this Python lacks."""
    return f"the package {error.name} is not installed for this Python; install {error.name} and try again"


def internal_error(error: Exception) -> str:
    """A fault of the software with its kind and place, in one line."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return one_line(f"internal error: {type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})")


def require_torch() -> None:
    """Raise `MissingPackageError` where PyTorch is installed but broken, `ModuleNotFoundError` where it is not installed."""
    try:
        import torch  # noqa: F401, PLC0415
    except ModuleNotFoundError:
        raise
    except (ImportError, OSError) as error:
        raise MissingPackageError(
            f"PyTorch is installed but cannot be loaded ({error}); expected one that fits this Python; install it again"
        ) from error
