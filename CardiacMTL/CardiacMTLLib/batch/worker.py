"""The worker process of a batch: takes one case after the other from standard input until that closes (docs/batch.md).

`python worker.py`. It runs as a script by its path, so that any Python with the needed packages can run it.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder comes first on the path, where the modules of this package would hide others of their names.
    _HERE = Path(__file__).resolve().parent
    sys.path[:] = [str(_HERE.parents[1]), *(entry for entry in sys.path if Path(entry or ".").resolve() != _HERE)]

from CardiacMTLLib.batch.worker_main import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
