"""`crossval`: one network a fold, each on the patients of the other folds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from lightning_fabric import Fabric

from CardiacMTLTraining.cache import CachedCase
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.folds import check_groups, stratified_folds
from CardiacMTLTraining.train import train

FOLD_PREFIX = "fold "
"""How the record of a fold's run says what was kept out of it."""


def fold_folder(out: Path, fold: int) -> Path:
    """Where the run of one fold lies."""
    return out / f"fold{fold}"


def train_folds(
    fabric: Fabric, cases: Sequence[CachedCase], out: Path, config: TrainingConfiguration, only: Sequence[int] = ()
) -> dict[str, int]:
    """Train the folds in `only` (default: all) and return the fold of every case by name.

    Folds may be trained side by side by several calls. Raises `InputError` where a group is missing outside two folds: the
    choices behind the head of the one are judged on the other.
    """
    folds = stratified_folds(cases, config.n_folds, config.split_seed)
    for pair in combinations(range(config.n_folds), 2):
        kept = [case for case in cases if folds[case.name] not in pair]
        check_groups(kept, f"the patients outside the folds {pair[0]} and {pair[1]}")
    for fold in only or range(config.n_folds):
        others = [case for case in cases if folds[case.name] != fold]
        train(fabric, others, fold_folder(out, fold), config, held_out=f"{FOLD_PREFIX}{fold} of {config.n_folds}")
    return folds
