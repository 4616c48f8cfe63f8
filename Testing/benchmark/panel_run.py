"""How long a run takes through the panel, how live the panel stays meanwhile, and how soon Cancel ends it.

`python -m Testing.benchmark.panel_run --page docs/panel-timing.md`, from the root of the checkout, on a machine that does
nothing else. The genuine module runs in the test host (Testing/host/README.md) with the shipped model: a phantom cine of 30
frames, and a patient of ACDC where CARDIACMTL_DATA, or ../shared/data, holds them. It prints a table and one JSON record;
`--page` also writes the table into a page, between its two marks.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from CardiacMTLTraining.provenance import commit
from Testing.benchmark.machine import processor

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "CardiacMTL" / "CardiacMTL.py"
BEGIN, END = "<!-- figures of panel_run.py -->", "<!-- end of figures -->"

TARGET_P99_MS, TARGET_CANCEL_S = 100.0, 2.0
CANCEL_AT = {"the hand-over": "Starting, ", "the start of the network": "Starting the network", "the network": "Segmenting"}
"""Moments at which Cancel is clicked -> how the panel's sentence begins then."""

_PATIENCE_S = 3600.0

_WARM_UP_S = 6.0
"""A user who opens the panel or looks at a result takes longer; a worker that waits has loaded its libraries by then."""

Record = dict[str, Any]


def main() -> None:
    """Measure, print, and write the page where one is named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--page", type=Path, metavar="FILE", help="a page whose figures are to be renewed")
    parser.add_argument("--patient", default="patient042", help="the patient of ACDC (%(default)s)")
    parser.add_argument("--model", default="", metavar="NAME", help="name of an installed model (the default one)")
    arguments = parser.parse_args()
    found = measured(arguments.model, acdc_folder() / arguments.patient)
    table = "\n".join(table_of(found))
    if arguments.page is not None:
        arguments.page.write_text(with_figures(arguments.page.read_text(encoding="utf-8"), table), encoding="utf-8")
    sys.stdout.write(f"{table}\n\n{json.dumps(found, indent=1)}\n")


def acdc_folder() -> Path:
    """Where the patients of ACDC lie; it need not exist."""
    return Path(os.environ.get("CARDIACMTL_DATA", ROOT.parent / "shared" / "data")) / "acdc"


def measured(model: str, patient: Path) -> Record:
    """Both runs and the cancels, with what they were measured on."""
    from Testing.host.host import slicer_host  # noqa: PLC0415 - it takes the place of Slicer in this process

    started_load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    with slicer_host() as host:
        from Testing.host.panel import Panel  # noqa: PLC0415

        panel = Panel(host, MODULE)
        runs = [run(panel, model, "phantom cine, 30 frames", choose_phantom)]
        cancels = {moment: cancelled_s(panel, words) for moment, words in CANCEL_AT.items()}
        if patient.is_dir():
            choose = partial(choose_patient, folder=patient)
            runs.append(run(panel, model, f"ACDC {patient.name}, ED and ES", choose))
            runs.append(run(panel, model, "the same, handed to a worker that waits", choose, waiting=True))
    return {
        "runs": runs,
        "cancel_s": cancels,
        "met": all(each["late_p99_ms"] <= TARGET_P99_MS for each in runs) and max(cancels.values()) <= TARGET_CANCEL_S,
        "machine": f"{processor()}, {os.cpu_count()} logical cores",
        "load_average_before": started_load,
        "commit": commit(),
    }


def choose_phantom(panel: Any) -> None:
    """The sample study, as Sample Data makes it."""
    import slicer  # noqa: PLC0415

    from CardiacMTLScene.sample import add_sample_cine  # noqa: PLC0415

    panel.choose("cineSelector", add_sample_cine(slicer.mrmlScene).sequence)


def choose_patient(panel: Any, folder: Path) -> None:
    """ED and ES of a patient of ACDC as volumes."""
    import slicer  # noqa: PLC0415

    from CardiacMTLLib.reading import read_study  # noqa: PLC0415
    from CardiacMTLScene.volumes import add_volume  # noqa: PLC0415

    study = read_study(folder)
    panel.choose("cineSelector", None)
    for control, frame in (("edVolumeSelector", study.ed_frame), ("esVolumeSelector", study.es_frame)):
        if frame is None:
            raise SystemExit(f"{folder.name} names no frame of ED or ES; choose another patient with --patient")
        panel.choose(control, add_volume(slicer.mrmlScene, control, study.frames[frame], study.geometry))


def run(panel: Any, model: str, name: str, choose: Callable[[Any], None], *, waiting: bool = False) -> Record:
    """One run from the click until the result is in panel and views; `waiting`: a worker has loaded its libraries before."""
    from Testing.host.panel import panel_latency, wait_until  # noqa: PLC0415

    choose(panel)
    panel.module_widget.run.cool_down()
    if waiting:
        panel.module_widget.run.warm_up()
        ready_s = time.monotonic() + _WARM_UP_S
        wait_until(lambda: time.monotonic() > ready_s, _PATIENCE_S)
    if model:
        panel.module_widget._parameterNode.model = model
    started_s = time.perf_counter()
    with panel_latency() as latency:
        panel.find("runButton").click()
        wait_until(lambda: not panel.module_widget.run.running, _PATIENCE_S)
    seconds = time.perf_counter() - started_s
    said = str(panel.see("statusLabel").text)
    if not said.startswith("Done"):
        raise SystemExit(f"{name}: {said}")
    return {
        "study": name,
        "model": model or "default",
        "to_result_s": round(seconds, 2),
        "ticks": len(latency.late_ms),
        "late_p99_ms": round(latency.p99_ms, 1),
        "late_max_ms": round(max(latency.late_ms), 1),
        "busy_max_ms": round(latency.longest_busy_ms, 1),
    }


def cancelled_s(panel: Any, words: str) -> float:
    """How long after the click Cancel has ended a run whose sentence had begun with `words`."""
    from Testing.host.panel import wait_until  # noqa: PLC0415

    panel.module_widget.run.cool_down()
    panel.find("runButton").click()
    wait_until(lambda: str(panel.see("statusLabel").text).startswith(words), _PATIENCE_S)
    started_s = time.perf_counter()
    panel.find("cancelButton").click()
    wait_until(lambda: not panel.module_widget.run.running, _PATIENCE_S)
    return round(time.perf_counter() - started_s, 2)


def table_of(found: Record) -> list[str]:
    """The figures as lines of Markdown."""
    lines = [
        "| study | to the result | tick late, p99 | tick late, most | work in a tick, most |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {each['study']} | {each['to_result_s']:.1f} s | {each['late_p99_ms']:.0f} ms | {each['late_max_ms']:.0f} ms "
        f"| {each['busy_max_ms']:.0f} ms |"
        for each in found["runs"]
    ]
    cancels = ", ".join(f"{moment} {seconds:.2f} s" for moment, seconds in found["cancel_s"].items())
    load = "unknown" if found["load_average_before"] is None else found["load_average_before"]
    met = "Both aims are met." if found["met"] else "An aim is missed."
    return [
        *lines,
        "",
        f"Cancel, clicked during: {cancels}. {met}",
        f"{found['machine']}, load {load} before; commit {found['commit']}.",
    ]


def with_figures(page: str, table: str) -> str:
    """`page` with `table` between its marks; raises `ValueError` where they are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for figures; expected the lines {BEGIN} and {END}; put them in")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


if __name__ == "__main__":
    main()
