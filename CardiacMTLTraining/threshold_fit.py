"""The threshold below which a label is withheld, set on out-of-fold probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WANTED_ACCURACY = 0.98
"""Share of given labels that should be right ..."""

MAX_WITHHELD = 0.10
"""... as far as withholding at most this share of labels can reach it."""


def label_threshold(probabilities: Sequence[NDArray[np.float64]], groups: Sequence[int]) -> float:
    """The least threshold on the largest probability at which `WANTED_ACCURACY` of the labels given are right.

    `probabilities` are (5,) each, out of fold. Where withholding `MAX_WITHHELD` of the labels does not reach that, the
    threshold that withholds so many. It lies midway between two patients' values, so that neither is on the edge.
    """
    table = np.stack(probabilities)
    largest, right = table.max(axis=1), table.argmax(axis=1) == np.asarray(groups)
    order = np.argsort(largest)
    largest, right = largest[order], right[order]
    least = 1 / table.shape[1]
    for withheld in range(int(MAX_WITHHELD * len(largest)) + 1):
        below = least if withheld == 0 else float(largest[withheld - 1] + largest[withheld]) / 2
        if right[withheld:].mean() >= WANTED_ACCURACY:
            return below
    return below
