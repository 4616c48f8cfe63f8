"""Rows of what is no short-axis heart, made from a few patients of each fold and seen by that fold's network."""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.reading.acdc import AcdcCase
from CardiacMTLTraining.out_of_fold import fold_model, look
from CardiacMTLTraining.quality.dicom_images import pydicom_studies
from CardiacMTLTraining.quality.gather import negative_row
from CardiacMTLTraining.quality.negatives import KINDS, PYDICOM_KIND
from CardiacMTLTraining.quality.rows import NegativeRow

log = logging.getLogger(__name__)

PATIENTS_PER_FOLD = 4
"""Patients of each fold from which one negative of each kind is made."""

NEGATIVES_NAME = "negatives.json"


def negative_rows(cases: Mapping[str, AcdcCase], folds: Mapping[str, int], out: Path, seed: int) -> list[NegativeRow]:
    """Negatives of all kinds; those that an earlier call left in `out` are read, not computed again.

    The patients are the first of each fold in a random order of `seed`. Negatives without signal are left out, with a note.
    """
    path = out / NEGATIVES_NAME
    done = [NegativeRow.from_json(values) for values in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []
    for fold in sorted(set(folds.values()) - {row.fold for row in done}):
        names = sorted(name for name, place in folds.items() if place == fold)
        chosen = np.random.default_rng(seed).permutation(names)[:PATIENTS_PER_FOLD].tolist()
        model = fold_model(out, fold)
        studies = [
            (name, kind, negative.make(cases[name].study, np.random.default_rng((seed, zlib.crc32(f"{name} {kind}".encode())))))
            for name in chosen
            for kind, negative in KINDS.items()
        ]
        studies += [(name, PYDICOM_KIND, study) for name, study in pydicom_studies()]
        for name, kind, study in studies:
            try:
                done.append(negative_row(name, kind, fold, study, look(study, model.network)))
            except InputError as error:
                log.warning("%s of %s left out: %s", kind, name, error)
        log.info("negatives of fold %d: %d", fold, len(studies))
        path.write_text(json.dumps([row.to_json() for row in done]) + "\n", encoding="utf-8")
    return done
