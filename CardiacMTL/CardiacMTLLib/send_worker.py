"""The sending worker: sends the DICOM files of one job folder, in a process of its own (docs/pacs.md, docs/worker.md).

`python send_worker.py JOB RESULT`. It runs as a script by its path, so that any Python with the needed packages can run it.
Exit status: 0 done, 1 an internal error, 2 nothing could be sent, 3 standard input was closed.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder comes first on the path, where the modules of this package would hide others of their names.
    _HERE = Path(__file__).resolve().parent
    sys.path[:] = [str(_HERE.parent), *(entry for entry in sys.path if Path(entry or ".").resolve() != _HERE)]

from CardiacMTLLib.pacs.send_job import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
