"""`crossval`: one network a fold, each on the patients of the other folds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lightning_fabric import Fabric

from CardiacMTLTraining.cache import CachedCase
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.folds import check_groups, stratified_folds
from CardiacMTLTraining.train import train


def fold_folder(out: Path, fold: int) -> Path:
    """Where the run of one fold lies."""
    return out / f"fold{fold}"


def train_folds(
    fabric: Fabric, cases: Sequence[CachedCase], out: Path, config: TrainingConfiguration, only: Sequence[int] = ()
) -> dict[str, int]:
    """Train the folds in `only` (default: all) and return the fold of every case by name.

    Folds may be trained side by side by several calls. Raises `InputError` where a fold's complement lacks a group.
    """
    folds = stratified_folds(cases, config.n_folds, config.split_seed)
    others = {fold: [case for case in cases if folds[case.name] != fold] for fold in range(config.n_folds)}
    for fold, kept in others.items():
        check_groups(kept, f"the patients outside fold {fold}")
    for fold in only or range(config.n_folds):
        train(fabric, others[fold], fold_folder(out, fold), config, held_out=f"fold {fold} of {config.n_folds}")
    return folds
