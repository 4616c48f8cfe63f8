"""`RunRecord`: what one finished run leaves, as a small JSON file that is written whole or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group
from CardiacMTLTraining.reproduction.arms import Arm, RunKey
from CardiacMTLTraining.reproduction.configuration import ReproductionConfiguration

FORMAT = "cardiacmtl-reproduction-run"
VERSION = 1


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """One held-out patient: probabilities of the groups after the last epoch, and for each epoch '1' if right, else '0'."""

    name: str
    truth: Group
    probabilities: tuple[float, ...]
    right_by_epoch: str

    @property
    def is_right(self) -> bool:
        """Whether the largest probability is that of the true group."""
        return self.probabilities.index(max(self.probabilities)) == list(Group).index(self.truth)


@dataclass(frozen=True, slots=True)
class Curves:
    """One value an epoch; the loss of the masks is empty in the alone arm."""

    validation_accuracy: tuple[float, ...]
    training_accuracy: tuple[float, ...]
    diagnosis_loss: tuple[float, ...]
    segmentation_loss: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One finished run; `dice` by structure of the held-out patients is None in the alone arm, which draws no masks."""

    arm: Arm
    seed: int
    fold: int
    configuration: ReproductionConfiguration
    patients: tuple[PatientRecord, ...]
    curves: Curves
    dice: dict[str, float | None] | None
    cpu_seconds: float
    device: str
    commit: str
    torch_version: str
    data_sha256: str

    @property
    def key(self) -> RunKey:
        """Which run of the experiment this is."""
        return RunKey(self.seed, self.fold, self.arm)

    def save(self, folder: Path) -> None:
        """Write the record into `folder`, numbers rounded to four digits; the file is whole or not there."""
        values = {"format": FORMAT, "version": VERSION} | _rounded(asdict(self))
        values["configuration"] = self.configuration.to_json()
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{self.key.file_name}.part"
        temporary.write_text(_compact(values), encoding="utf-8")
        temporary.replace(folder / self.key.file_name)

    @classmethod
    def load(cls, path: Path) -> RunRecord:
        """Read a record; raises `InputError` where it is damaged or of another version."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            found = (values.pop("format"), values.pop("version"))
            if found != (FORMAT, VERSION):
                raise InputError(f"{path.name} is {found[0]} {found[1]}; expected {FORMAT} {VERSION}; move it away")
            configuration = ReproductionConfiguration.from_json(values["configuration"], f"{path.name}: configuration")
            values["configuration"] = configuration
            values["arm"] = Arm(values["arm"])
            values["patients"] = tuple(_patient(patient) for patient in values["patients"])
            values["curves"] = Curves(**{field.name: tuple(values["curves"][field.name]) for field in fields(Curves)})
            record = cls(**values)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path.name} cannot be read ({error!r}); expected the record of a run; move it away") from error
        if record.key.file_name != path.name:
            raise InputError(f"{path.name} holds the run {record.key.file_name}; expected its own name; rename it")
        return record


def load_records(folder: Path) -> list[RunRecord]:
    """All records in `folder`, ordered by seed, fold and arm; an absent folder holds none."""
    return sorted((RunRecord.load(path) for path in folder.glob("*.json")), key=lambda record: record.key)


def check_records(records: list[RunRecord], configuration: ReproductionConfiguration, data_sha256: str) -> None:
    """Raise `InputError` at the first record of another configuration or other data."""
    for record in records:
        if different := record.configuration.differences(configuration):
            raise InputError(
                f"{record.key.file_name} was made with another configuration (other {', '.join(different)}); "
                "expected the one of this command; choose another --records folder or the --config that made it"
            )
        if record.data_sha256 != data_sha256:
            raise InputError(
                f"{record.key.file_name} was made on data of SHA-256 {record.data_sha256[:12]}; "
                f"expected {data_sha256[:12]}; choose another --records folder or the cache that made it"
            )


def _patient(values: dict[str, Any]) -> PatientRecord:
    truth, probabilities = Group(values["truth"]), tuple(values["probabilities"])
    return PatientRecord(values["name"], truth, probabilities, values["right_by_epoch"])


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value


def _compact(values: dict[str, Any]) -> str:
    """JSON with one line a key, and one line a patient."""
    lines = []
    for key, value in values.items():
        rows = value if key == "patients" else None
        text = "[\n  " + ",\n  ".join(json.dumps(row) for row in rows) + "\n ]" if rows else json.dumps(value)
        lines.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
