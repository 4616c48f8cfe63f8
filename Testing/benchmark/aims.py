"""The aims of the project's speed, each with what was found; what could not be measured says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from Testing.benchmark.growth import growth_of

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Aim:
    """One aim in words, what was found, and whether it was met (None: not measured)."""

    what: str
    wanted: str
    found: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class _Limit:
    what: str
    unit: str
    most: float
    value: Callable[[Found], float]

    def aim(self, found: Found) -> Aim:
        wanted = f"at most {self.most:g}{self.unit}"
        try:
            value = self.value(found)
        except KeyError:
            return Aim(self.what, wanted)
        return Aim(self.what, wanted, f"{value:.3g}{self.unit}", value <= self.most)


_CASE, _CINE = "ED and ES", "30-phase cine"


def _ratio(found: Found) -> float:
    study = found["networks"][_CASE]
    return float(study["ours"]["cpu_s"]["median"] / study["nnunet_2d"]["cpu_s"]["median"])


def _of_process(study: str, kind: str, found: Found) -> float:
    value = found["pipeline"][study]["command_line"][kind]
    return float(value["median"] if isinstance(value, dict) else value)


def _convolution_shortfall(found: Found) -> float:
    """One less the share of the matrix product's speed that the convolutions reach."""
    ours, peak = found["networks"][_CASE]["ours"], found["networks"]["matrix_product"]["gflop_per_cpu_s"]["median"]
    convolutions_cpu_s = ours["cpu_s"]["median"] * ours["convolutions_s"] / ours["all_s"]
    return 1 - float(ours["gflop"] / convolutions_cpu_s / peak)


_LIMITS = (
    _Limit("network, ED and ES: share of nnU-Net 2D's processor seconds (one fold, unmirrored)", "", 0.167, _ratio),
    _Limit(
        "outside the network, ED and ES: reading, preparing, restoring, measuring, writing",
        " s",
        1.5,
        lambda found: found["pipeline"][_CASE]["job"]["outside_s"]["median"],
    ),
    *(
        _Limit(f"whole process, {study}", " s", most, partial(_of_process, study, "wall_s"))
        for study, most in ((_CASE, 5.0), (_CINE, 25.0))
    ),
    *(
        _Limit(f"peak memory of the largest process, {study}", " MB", most, partial(_of_process, study, "peak_mb"))
        for study, most in ((_CASE, 1229.0), (_CINE, 2048.0))
    ),
    _Limit("convolutions: what they lack of the matrix product's speed", "", 0.5, _convolution_shortfall),
    _Limit("`cardiacmtl --help`", " s", 0.3, lambda found: found["startup"]["help"]["wall_s"]["median"]),
    _Limit("the module's imports in Slicer (no torch)", " s", 0.2, lambda f: _imports_s(f["startup"]["module_import"])),
    _Limit("training's loader, share of a step", "", 0.1, lambda f: max(one["share"] for one in f["training"].values())),
)


def aims(found: Found) -> list[Aim]:
    """All aims in the order of the page; `found` is by part of the benchmark."""
    rows = [limit.aim(found) for limit in _LIMITS]
    super_linear = _super_linear(found.get("scaling", {}))
    growth = Aim("growth with phases, slices and matrix", "nothing super-linear")
    if super_linear is not None:
        growth = Aim(growth.what, growth.wanted, ", ".join(super_linear) or "nothing", not super_linear)
    return [*rows, growth]


def _imports_s(module_import: Found) -> float:
    """Seconds; without end where torch came along."""
    return float("inf") if module_import["imports_torch"] else float(module_import["wall_s"]["median"])


def _super_linear(scaling: Found) -> list[str] | None:
    curves = {name: scaling[name] for name in ("phases", "slices", "matrix") if name in scaling}
    if not curves:
        return None
    fits = {f"{name} {kind}": growth_of(name, curve, kind) for name, curve in curves.items() for kind in ("cpu_s", "peak_mb")}
    return [what for what, growth in fits.items() if growth is not None and growth.super_linear]
