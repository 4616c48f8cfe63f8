"""`evaluate`: every patient of a folder in ACDC's form through a predictor, into figures."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import CardiacMTLError, InputError
from CardiacMTLLib.reading.acdc import AcdcCase, read_acdc_case
from CardiacMTLTraining.evaluation.case_figures import CaseFigures, case_figures
from CardiacMTLTraining.evaluation.checksum import source_sha256
from CardiacMTLTraining.evaluation.origin import Kind, checked_kind

log = logging.getLogger(__name__)

Predict = Callable[[AcdcCase], Analysis]
"""The whole pipeline on one patient's images; the truth in the case is not for its eyes."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Figures in the order of the folders, the reason for each patient that failed, the checksum of each that was read.

    `trained_on` names the patients whose checksum is one of the training's; `kind` is what the figures may be called.
    """

    figures: tuple[CaseFigures, ...]
    failed: dict[str, str]
    checksums: dict[str, str]
    kind: Kind
    trained_on: tuple[str, ...]


def evaluate(
    data: Path,
    predict: Predict,
    chosen: Callable[[str], bool] = lambda _: True,
    *,
    kind: Kind = Kind.NOT_STATED,
    trained_on: Collection[str] = (),
) -> Evaluated:
    """Figures of every patient folder below `data` whose name is `chosen`.

    A folder may lack masks (its diagnosis alone is judged), or the group (its masks alone are). `trained_on` are the source
    checksums of the model's training. Raises `InputError` where there is no patient, none can be analysed, or none has a
    truth, and `UsageError` where patients of the training contradict `kind`: once there is one, the others are only counted.
    """
    folders = [path.parent for path in sorted(data.glob("*/Info.cfg")) if chosen(path.parent.name)]
    if not folders:
        raise InputError(f"no patient to evaluate in {data}; expected folders in ACDC form whose numbers fit --only")
    figures: list[CaseFigures] = []
    failed: dict[str, str] = {}
    checksums: dict[str, str] = {}
    known: list[str] = []
    for number, folder in enumerate(folders, start=1):
        try:
            case = read_acdc_case(folder)
            checksums[folder.name] = source_sha256(folder, case)
            if checksums[folder.name] in trained_on:
                known.append(folder.name)
            if known and kind.is_of_unseen:
                continue
            figures.append(case_figures(folder.name, case, predict(case)))
        except CardiacMTLError as error:
            failed[folder.name] = str(error).replace(f"{data}{os.sep}", "")
            log.warning("%s failed: %s", folder.name, error)
        else:
            log.info("%d of %d: %s", number, len(folders), _in_words(figures[-1]))
    found_kind = checked_kind(kind, tuple(known))
    if not figures:
        raise InputError(f"none of {len(folders)} patients could be evaluated; the first: {next(iter(failed.values()))}")
    if all(case.mean_dice is None and case.group is None for case in figures):
        raise InputError(f"{data} holds neither expert masks nor groups; expected _gt files, or Group in Info.cfg; add them")
    return Evaluated(tuple(figures), failed, checksums, found_kind, tuple(known))


def _in_words(case: CaseFigures) -> str:
    overlap = "no masks" if case.mean_dice is None else f"mean Dice {case.mean_dice:.3f}"
    return f"{case.name} {overlap}, {case.group or 'no group'} found as {case.most_likely or 'undefined'}"
