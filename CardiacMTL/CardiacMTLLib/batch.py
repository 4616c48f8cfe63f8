"""`run_batch`: every study below a folder, one after the other; a case that fails is named and the others go on."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import CardiacMTLError, InputError
from CardiacMTLLib.outputs import write_outputs
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.reading.acdc import is_acdc_folder
from CardiacMTLLib.reading.dicom import is_dicom_input
from CardiacMTLLib.reading.image_file import is_image_file
from CardiacMTLLib.report.publish import check_output_folder
from CardiacMTLLib.report.record import Record, result_record
from CardiacMTLLib.volume import CineStudy

RESULTS_FILE, FAILURES_FILE = "results.csv", "failures.csv"

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """The cases that were done, and one line of text for each that failed, by its name."""

    done: tuple[str, ...]
    failed: Mapping[str, str]


def find_cases(root: Path) -> dict[str, Path]:
    """The studies below `root` by name: a patient folder (Info.cfg), a file with images, or a folder with DICOM files in it.

    The name is the path below `root` with its parts joined by "_". Folders that stand for a study are not looked into, so that
    a DICOM study with a folder for each series counts as so many studies.
    """
    cases: dict[str, Path] = {}
    for path in _walk(root):
        relative = path.relative_to(root)
        name = base = "_".join(relative.parts).split(".")[0] or root.name
        number = 1
        while name in cases:
            number += 1
            name = f"{base}_{number}"
        cases[name] = path
    return cases


def run_batch(
    root: Path,
    out: Path,
    analyse: Callable[[CineStudy], Analysis],
    progress: Callable[[str, float], None] = lambda _text, _fraction: None,
) -> BatchSummary:
    """Analyse every study below `root` and write `out/<case>/` as `cardiacmtl run` does, results.csv and failures.csv.

    results.csv has a row a case: label, reason, probabilities, measurements under the names of the result record, and the codes
    of the flags. Raises `InputError` where there is no study, `OutputError` where `out` cannot be written.
    """
    cases = find_cases(root)
    if not cases:
        raise InputError(f"{root} holds no study; expected patient folders, 4D image files or DICOM folders; check the name")
    check_output_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    failed: dict[str, str] = {}
    for number, (name, path) in enumerate(cases.items()):
        progress(f"{name} ({number + 1} of {len(cases)})", number / len(cases))
        try:
            analysis = analyse(read_study(path))
            write_outputs(analysis, out / name)
            rows.append({"case": name} | _columns(result_record(analysis)))
        except CardiacMTLError as error:
            failed[name] = str(error)
        _write(out / RESULTS_FILE, rows, ("case",))
        _write(out / FAILURES_FILE, [{"case": case, "error": text} for case, text in failed.items()], ("case", "error"))
    progress("done", 1.0)
    return BatchSummary(tuple(str(row["case"]) for row in rows), failed)


def _walk(folder: Path) -> Iterator[Path]:
    """Paths that stand for a study, in a stable order."""
    if is_acdc_folder(folder):
        yield folder
        return
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    images = [entry for entry in entries if entry.is_file() and is_image_file(entry)]
    others = [entry for entry in entries if entry.is_file() and entry not in images]
    if any(is_dicom_input(entry) for entry in others):
        yield folder
        return
    yield from images
    for entry in entries:
        if entry.is_dir():
            yield from _walk(entry)


def _columns(record: Record) -> dict[str, object]:
    diagnosis = record["diagnosis"]
    shares = diagnosis["probabilities"] or {}
    return (
        {"label": diagnosis["label"], "reason": diagnosis["reason"]}
        | {f"probability_{group}": share for group, share in shares.items()}
        | {name: entry["value"] for name, entry in record["measurements"].items()}
        | {"flags": " ".join(flag["code"] for flag in record["quality"]["flags"])}
    )


def _write(path: Path, rows: Sequence[Mapping[str, object]], least: Sequence[str]) -> None:
    """A table that is there whole or as before; texts that a spreadsheet would take for a formula are quoted."""
    names = list(dict.fromkeys([*least, *(name for row in rows for name in row)]))
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, names, restval="")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    partial.replace(path)


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
