"""`open_fabric`: on what, how many of it, and in which precision a training runs."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers.tensorboard import TensorBoardLogger

log = logging.getLogger(__name__)

ACCELERATORS = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "32-true", "bf16-mixed")


def open_fabric(curves: Path, *, accelerator: str = "auto", devices: int = 1, precision: str = "auto") -> Fabric:
    """A launched Fabric whose curves go to `curves`, for TensorBoard.

    `auto` takes a GPU where there is one, and bfloat16 where it is faster: on CUDA devices and on CPUs with matrix units for
    it (AMX). Several devices, or processes started by `torchrun`, share each step (`loop.run_stage`).
    """
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if precision == "auto":
        fast = accelerator == "cuda" or (accelerator == "cpu" and torch.cpu._is_amx_tile_supported())  # noqa: SLF001
        precision = "bf16-mixed" if fast else "32-true"
    started_by_torchrun = "TORCHELASTIC_RUN_ID" in os.environ
    several = devices > 1 or started_by_torchrun
    fabric = Fabric(
        accelerator=accelerator,
        devices=int(os.environ.get("LOCAL_WORLD_SIZE", devices)) if started_by_torchrun else devices,
        strategy="ddp" if several else "auto",
        precision=precision,  # type: ignore[arg-type]
        loggers=TensorBoardLogger(curves, name="", version=""),
    )
    fabric.launch()
    log.info("%d x %s, %s", fabric.world_size, accelerator, precision)
    return fabric
