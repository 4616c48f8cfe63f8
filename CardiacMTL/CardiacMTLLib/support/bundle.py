"""`write_bundle`: one zip that tells a maintainer what this software runs on, and nothing about a patient."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

from CardiacMTLLib.errors import InputError, OutputError
from CardiacMTLLib.support.environment import devices, models, settings, software
from CardiacMTLLib.support.log_file import known_lines

BUNDLE_VERSION = 1
FACTS_FILE, LOG_FILE, README_FILE = "support.json", "log.jsonl", "README.txt"
MAX_LOG_BYTES = 20_000_000

_README = """What this is: facts about an installation of CardiacMTL, made by `cardiacmtl support-bundle`.

support.json  versions, platform, settings, devices, and the models with their checksums
log.jsonl     if a log file was given: its events; lines that are not of CardiacMTL are left out

It holds no images, no results, no paths, and no names or numbers of patients. Read it before you pass it on.
"""


def write_bundle(out: Path, log: Path | None = None) -> None:
    """Write the bundle to `out`, a file that must not be there and that only its owner may read.

    `log` is a log file whose events go with it. Raises `InputError` where it cannot be read, `OutputError` where `out` cannot
    be written; then there is none.
    """
    events = None if log is None else _events(log)
    facts = {
        "bundle_version": BUNDLE_VERSION,
        "software": software(),
        "settings": settings(),
        "devices": devices(),
        "models": models(),
    }
    try:
        opened = os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        with opened as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.writestr(README_FILE, _README)
            bundle.writestr(FACTS_FILE, json.dumps(facts, indent=1) + "\n")
            if events is not None:
                bundle.writestr(LOG_FILE, events)
    except FileExistsError:
        raise OutputError(f"{out} is there already; expected a new file; choose another name by --out") from None
    except OSError as error:
        out.unlink(missing_ok=True)
        raise OutputError(
            f"{out} cannot be written ({error.strerror}); expected a new file in a writable folder; choose another by --out"
        ) from error


def _events(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(log.stat().st_size - MAX_LOG_BYTES, 0))
            text = stream.read(MAX_LOG_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            f"{log} cannot be read ({error.strerror}); expected a file that --log-file has written; check the name"
        ) from error
    return "".join(f"{line}\n" for line in known_lines(text))
