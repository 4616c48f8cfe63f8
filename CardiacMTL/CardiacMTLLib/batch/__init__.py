"""Many studies: found below a folder, each analysed in a process apart from this one, with a folder for each result."""

from CardiacMTLLib.batch.cases import Case, find_cases
from CardiacMTLLib.batch.run import BatchSummary, Watcher, run_batch
from CardiacMTLLib.batch.settings import BatchSettings, Workforce
from CardiacMTLLib.batch.tables import FAILURES_FILE, RESULTS_FILE

__all__ = [
    "FAILURES_FILE",
    "RESULTS_FILE",
    "BatchSettings",
    "BatchSummary",
    "Case",
    "Watcher",
    "Workforce",
    "find_cases",
    "run_batch",
]
