"""Which device the network runs on."""

import torch

from CardiacMTLLib.errors import UsageError

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(wanted: str) -> torch.device:
    """The device called `wanted`; `auto` takes a GPU where there is one; raises `UsageError` for one that is not there."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        wanted = next(name for name in ("cuda", "mps", "cpu") if there[name])
    if not there.get(wanted, False):
        found = [name for name, present in there.items() if present]
        raise UsageError(f"device {wanted!r} is not available; expected auto or one of {found}; choose auto")
    return torch.device(wanted)
