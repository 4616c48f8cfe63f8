"""Runs `cardiacmtl run` where every socket is refused, with an open umask, and notes what lay in temporary places meanwhile.

`python -m Testing.robustness.blocked_job RECORD TEMPORARY STUDY OUT`: RECORD becomes JSON with the exit status, the sockets
that were asked for, and all entries seen in TEMPORARY and hidden beside or in OUT, each with its mode.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path


def main(record: Path, temporary: Path, study: Path, out: Path) -> int:
    """Do the job; the exit status is the job's."""
    os.umask(0)
    tempfile.tempdir = str(temporary)
    asked: list[str] = []

    def refuse(*arguments: object, **_: object) -> None:
        asked.append(repr(arguments))
        raise OSError("no network here")

    class Refused(socket.socket):  # a class, as others are made of it
        __init__ = refuse  # type: ignore[assignment]

    socket.socket = Refused  # type: ignore[misc]
    for name in ("create_connection", "getaddrinfo", "gethostbyname", "socketpair", "fromfd"):
        setattr(socket, name, refuse)
    seen: dict[str, int] = {}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.002):
            for folder in (temporary, out.parent, out):
                with suppress(OSError):
                    for entry in os.scandir(folder):
                        if folder == temporary or entry.name.startswith("."):
                            with suppress(OSError):
                                seen[entry.name] = stat.S_IMODE(entry.stat().st_mode)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    from CardiacMTLLib.cli import main as cardiacmtl  # noqa: PLC0415 - it is to find the sockets gone

    status = cardiacmtl(["run", str(study), "--out", str(out), "--device", "cpu", "--log-file", str(out.parent / "log")])
    ended.set()
    watcher.join()
    record.write_text(json.dumps({"status": status, "sockets": asked, "seen": seen}), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
