"""A GPU whose memory is not enough: the work is done once more, on the CPU."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import torch

from CardiacMTLLib.analysis import QualityFlag

GPU_OUT_OF_MEMORY = QualityFlag(
    "gpu_out_of_memory",
    "the GPU ran out of memory, and the study was computed anew on the CPU: slower, with the same result",
    "Nothing is wrong with the result. Close other programs that use the GPU, or choose the CPU from the start.",
)

_CPU = torch.device("cpu")
_WORDS = re.compile("out of memory|ALLOC_FAILED")
"""Memory also runs out under other names: Metal's, and those of cuBLAS and cuDNN."""

_Result = TypeVar("_Result")


def with_cpu_fallback(
    work: Callable[[torch.device], _Result], device: torch.device, on_fallback: Callable[[], None]
) -> tuple[_Result, tuple[QualityFlag, ...]]:
    """What `work` gives on `device`, or else on the CPU where a GPU's memory is not enough, and then the flag that says so.

    `on_fallback` is called before the second try. Any other error goes on, and so does a CPU's.
    """
    try:
        return work(device), ()
    except RuntimeError as error:
        if device.type == "cpu" or not is_out_of_memory(error):
            raise
    # Only after the error is gone do its frames let go of what they hold on the GPU.
    torch.cuda.empty_cache()
    on_fallback()
    return work(_CPU), (GPU_OUT_OF_MEMORY,)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error says that memory ran out."""
    return isinstance(error, torch.OutOfMemoryError) or _WORDS.search(str(error)) is not None
