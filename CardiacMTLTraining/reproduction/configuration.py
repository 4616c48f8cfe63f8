"""`ReproductionConfiguration`: every choice of the experiment, as a versioned JSON file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from CardiacMTLLib.errors import InputError
from CardiacMTLTraining.augment import AugmentationConfiguration
from CardiacMTLTraining.configuration_file import read_json, settings, without_version

CONFIGURATION_VERSION = 1
_PRECISIONS = ("bf16", "fp32")


@dataclass(frozen=True, slots=True)
class ReproductionConfiguration:
    """Choices that both arms share; the joint arm adds `segmentation_weight` times the loss of the masks.

    `split_seed` draws the one split into `n_folds` that all seeds use. Of each study `slices_per_phase` slices at ED and the
    same at ES are shown, in windows of `window_size` samples of `window_spacing_mm`. The learning rate falls from
    `learning_rate` to 0 over `epochs`. `rotation_degrees` to `shift_mm` are the ranges of the random changes of a study's
    place, `gamma` to `noise_sd` those of its intensities (`augment.AugmentationConfiguration`). `precision` is that of the
    network's passes, bf16 or fp32.
    """

    split_seed: int = 1
    n_folds: int = 5
    window_size: int = 96
    window_spacing_mm: float = 2.25
    slices_per_phase: int = 4
    channels: tuple[int, ...] = (8, 16, 32, 64, 128)
    dropout: float = 0.3
    epochs: int = 45
    studies_per_step: int = 4
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    segmentation_weight: float = 1.0
    rotation_degrees: float = 30.0
    flip_probability: float = 0.0
    zoom: float = 1.1
    shift_mm: float = 8.0
    gamma: float = 1.3
    contrast: float = 1.2
    brightness: float = 0.2
    bias_field: float = 0.2
    noise_sd: float = 0.2
    precision: str = "bf16"

    def __post_init__(self) -> None:
        leasts = {"n_folds": 2, "slices_per_phase": 1, "epochs": 1, "studies_per_step": 2, "window_size": 1}
        for name, least in leasts.items():
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}; expected at least {least}; raise it")
        if not self.channels or self.window_size % 2 ** (len(self.channels) - 1):
            raise InputError(
                f"window_size is {self.window_size}; expected a multiple of {2 ** max(len(self.channels) - 1, 0)} "
                f"for {len(self.channels)} levels of channels; change one of them"
            )
        if self.precision not in _PRECISIONS:
            raise InputError(f"precision is {self.precision!r}; expected one of {_PRECISIONS}; correct it")

    @property
    def augmentation(self) -> AugmentationConfiguration:
        """The random changes of intensity as `augment` wants them: no elastic change, no blur, no coarser sampling."""
        return AugmentationConfiguration(
            elastic_probability=0.0,
            gamma=self.gamma,
            contrast=self.contrast,
            brightness=self.brightness,
            bias_field=self.bias_field,
            blur_probability=0.0,
            coarse_probability=0.0,
            noise_sd=self.noise_sd,
        )

    def to_json(self) -> dict[str, Any]:
        """The choices as plain values, with the version."""
        return {"version": CONFIGURATION_VERSION} | asdict(self) | {"channels": list(self.channels)}

    @classmethod
    def from_json(cls, values: object, where: str) -> ReproductionConfiguration:
        """From plain values; keys left out take their defaults.

        Raises `InputError`, beginning with `where`, for unknown keys or version and values of another type.
        """
        return cls(**settings(without_version(values, CONFIGURATION_VERSION, where), cls, where))

    @classmethod
    def load(cls, path: Path) -> ReproductionConfiguration:
        """Read a configuration file; raises `InputError` for one that is no JSON, and as `from_json`."""
        return cls.from_json(read_json(path), path.name)

    def differences(self, other: ReproductionConfiguration) -> list[str]:
        """The names of the choices in which two configurations differ."""
        return [field.name for field in fields(self) if getattr(self, field.name) != getattr(other, field.name)]
