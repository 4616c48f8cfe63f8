"""`Origin`: what was evaluated, on what, by what, and what the figures may be called."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from CardiacMTLLib.errors import UsageError


class Kind(StrEnum):
    """What the model knew of the patients that it is judged on."""

    HELD_OUT = "held out"
    OUT_OF_FOLD = "out of fold"
    IN_SAMPLE = "in-sample"
    NOT_STATED = "not stated"

    @property
    def meaning(self) -> str:
        """The sentence that stands beside the figures."""
        return _MEANINGS[self]

    @property
    def is_of_unseen(self) -> bool:
        """Whether such figures are of patients that the model was not trained on."""
        return self in (Kind.HELD_OUT, Kind.OUT_OF_FOLD)

    @property
    def option(self) -> str:
        """The kind as the command line names it, such as 'held-out'."""
        return self.value.replace(" ", "-")

    @classmethod
    def of_option(cls, text: str) -> Kind:
        """The kind that the command line names so."""
        return next(kind for kind in cls if kind.option == text)


_MEANINGS = {
    Kind.HELD_OUT: "None of these patients was used to train, select or calibrate the model.",
    Kind.OUT_OF_FOLD: (
        "Each patient was analysed by a network that was not trained on it; the design as a whole was chosen with these "
        "patients in view, so that the figures lean to the optimistic side."
    ),
    Kind.IN_SAMPLE: "The model was trained on these patients, or on some of them: the figures say nothing about new patients.",
    Kind.NOT_STATED: (
        "It was not stated whether the model was trained on these patients: do not take the figures for those of new patients."
    ),
}


@dataclass(frozen=True, slots=True)
class Origin:
    """What stands beside the figures so that they can be made again; nothing here is a path.

    `weights` is the SHA-256 of the weights (or says which of several), `data_sha256` that of the evaluated files, `only` the
    rule that chose patients, `failed` the reason for each patient that could not be analysed, `trained_on` the names of those
    that are known to be of the training.
    """

    kind: Kind
    model: str
    weights: str
    command: str
    date: str
    software_version: str
    model_version: str = ""
    data_sha256: str = ""
    only: str = ""
    failed: dict[str, str] = field(default_factory=dict)
    trained_on: tuple[str, ...] = ()


def checked_kind(stated: Kind, trained_on: tuple[str, ...]) -> Kind:
    """`stated`, or in-sample where nothing was stated and patients are known to be of the training.

    Raises `UsageError` for figures that are to be called held out or out of fold although the model was trained on patients.
    """
    if not trained_on:
        return stated
    if not stated.is_of_unseen:
        return Kind.IN_SAMPLE
    raise UsageError(
        f"the model was trained on {len(trained_on)} of the patients, such as {trained_on[0]}; expected none for figures "
        f"called {stated.value!r}; leave them out with --only, or say --kind in-sample"
    )
