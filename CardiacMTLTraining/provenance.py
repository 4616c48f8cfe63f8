"""Where a result comes from: the commit of the code that made it."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit() -> str:
    """The commit of this checkout, with '-changed' where files differ from it, or 'unknown' outside of one."""
    here = Path(__file__)
    git = ["git", "-C", str(here.parent)]
    try:
        tracked = subprocess.run([*git, "ls-files", "--error-unmatch", here.name], capture_output=True, check=False)
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        changes = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    if tracked.returncode or head.returncode:
        return "unknown"
    return head.stdout.strip() + ("-changed" if changes.stdout.strip() else "")
