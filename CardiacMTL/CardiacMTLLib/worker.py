"""The worker: one job folder in, one result folder out, in a process of its own (docs/worker.md has the protocol).

`python worker.py JOB RESULT`, or `python worker.py`, which loads its libraries and waits for the two folders on standard input.
It runs as a script by its path, so that any Python with the needed packages can run it.
Exit status: 0 done, 1 an internal error, 2 a job that cannot be done, 3 standard input was closed, 4 no job came.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder comes first on the path, where the modules of this package would hide others of their names.
    _HERE = Path(__file__).resolve().parent
    sys.path[:] = [str(_HERE.parent), *(entry for entry in sys.path if Path(entry or ".").resolve() != _HERE)]

from CardiacMTLLib.job.worker_main import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
