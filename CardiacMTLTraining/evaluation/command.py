"""What `cardiacmtl-train evaluate` does: a model on a folder of patients, into a folder of figures."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from CardiacMTLLib import __version__
from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.network.store import ModelEntry
from CardiacMTLLib.network.weights import load_entry, load_model
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.reading.acdc import AcdcCase, read_acdc_case
from CardiacMTLLib.report.publish import check_output_folder
from CardiacMTLTraining.evaluation.checksum import checksum_of_all
from CardiacMTLTraining.evaluation.origin import Kind, Origin
from CardiacMTLTraining.evaluation.run import evaluate
from CardiacMTLTraining.evaluation.summary import summarise
from CardiacMTLTraining.evaluation.terminal import format_summary
from CardiacMTLTraining.evaluation.worst import worst_pictures
from CardiacMTLTraining.evaluation.writing import write_evaluation
from CardiacMTLTraining.folds import HoldOut


def evaluate_model(data: Path, model_name: str, out: Path, rule: HoldOut | None, kind: Kind) -> str:
    """Evaluate the installed model, or the model folder, `model_name`, write into `out`, and return the text for a terminal.

    Patients that the model's manifest knows to be of its training are told apart. Raises what `evaluate` and
    `write_evaluation` raise.
    """
    check_output_folder(out)
    folder = Path(model_name)
    model = load_entry(ModelEntry(folder.name, folder)) if folder.is_dir() else load_model(model_name)

    def predict(case: AcdcCase) -> Analysis:
        return analyse(case.study, model)

    def analysed(name: str) -> tuple[AcdcCase, Analysis]:
        case = read_acdc_case(data / name)
        return case, predict(case)

    manifest = model.manifest
    trained_on = manifest.provenance.sources
    found = evaluate(data, predict, lambda name: rule is None or rule.keeps_out(name), kind=kind, trained_on=trained_on)
    only = f" --only {rule}" if rule else ""
    origin = Origin(
        kind=found.kind,
        model=manifest.name,
        weights=manifest.weights_sha256,
        command=f"cardiacmtl-train evaluate --data {data.name} --model {manifest.name}{only} --kind {found.kind.option}",
        date=datetime.now(UTC).date().isoformat(),
        software_version=__version__,
        model_version=manifest.version,
        data_sha256=checksum_of_all(found.checksums),
        only=str(rule or ""),
        failed=found.failed,
        trained_on=found.trained_on,
    )
    summary = summarise(found.figures)
    write_evaluation(found.figures, summary, origin, out, worst_pictures(found.figures, analysed))
    return format_summary(summary, origin)
