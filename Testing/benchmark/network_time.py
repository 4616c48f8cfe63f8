"""How long the network takes for one study: the heart located at ED, then ED and ES segmented in all views.

Run it from the checkout: `.venv/bin/python Testing/benchmark/network_time.py --repeats 20`. It prints one JSON record. Reading,
resampling, cleaning and writing are not part of it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

import torch

from CardiacMTLLib.inference.views import segment_views
from CardiacMTLLib.network.folding import folded
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.network.weights import load_model
from CardiacMTLTraining.provenance import commit

TARGET_S = 1.5


def main() -> None:
    """Measure and print the record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--slices", type=int, default=10, help="slices of each of the two phases (%(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the network (%(default)s)")
    parser.add_argument("--repeats", type=int, default=20, help="measured passes, after one that is not counted (%(default)s)")
    parser.add_argument("--model", metavar="NAME", help="name of an installed model (the default one)")
    arguments = parser.parse_args()
    found = record(arguments.slices, arguments.threads, arguments.repeats, arguments.model)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


def record(slices: int, threads: int, repeats: int, model_name: str | None = None) -> dict[str, object]:
    """Median and spread of wall and processor seconds, with what they were measured on."""
    torch.set_num_threads(threads)
    model = load_model(model_name)
    network = folded(model.network)
    one_pass(network, slices)
    wall_s, cpu_s = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        one_pass(network, slices)
        wall_s.append(time.perf_counter() - wall)
        cpu_s.append(time.process_time() - cpu)
    median_s = statistics.median(wall_s)
    return {
        "what": f"localisation at ED, then ED and ES of {slices} slices in all views",
        "model": model.identity.name,
        "model_version": model.identity.version,
        "wall_s": spread(wall_s),
        "cpu_s": spread(cpu_s),
        "target_s": TARGET_S,
        "met": median_s <= TARGET_S,
        "repeats": repeats,
        "threads": threads,
        "machine": f"{processor()}, {os.cpu_count()} logical cores",
        "load_average_1_min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "torch": torch.__version__,
        "commit": commit(),
    }


def one_pass(network: MultiTaskNetwork, slices: int) -> None:
    """The network's work for one study, on noise: its time does not depend on what the images show."""
    configuration = network.configuration
    locator = torch.randn(slices, 1, configuration.locator_size, configuration.locator_size)
    windows = torch.randn(2 * slices, 1, configuration.window_size, configuration.window_size)
    with torch.inference_mode():
        network.locate(locator)
        viewed = segment_views(windows, network)
        for within in viewed.within:
            network.embed(within.unflatten(0, (2, -1)))


def spread(seconds: list[float]) -> dict[str, float]:
    """Median, extremes and quartiles, to the millisecond."""
    lower, median, upper = statistics.quantiles(seconds, n=4) if len(seconds) > 1 else 3 * seconds
    values = {"median": median, "min": min(seconds), "lower_quartile": lower, "upper_quartile": upper, "max": max(seconds)}
    return {name: round(value, 3) for name, value in values.items()}


def processor() -> str:
    """The processor's name, where the system tells it."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        names = [line.partition(":")[2].strip() for line in listing.read_text().splitlines() if line.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
