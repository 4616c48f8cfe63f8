"""The section of the page that says how the experiment was done and what it cannot show."""

from __future__ import annotations

from collections.abc import Sequence

from CardiacMTLTraining.reproduction.analysis import BOOTSTRAP_DRAWS
from CardiacMTLTraining.reproduction.arms import Arm
from CardiacMTLTraining.reproduction.convergence import EPOCH_DRAWS
from CardiacMTLTraining.reproduction.record import RunRecord

PILOT_SEED = 101
"""The seed on which sizes and learning rate were chosen; it is never reported."""


def methods(records: Sequence[RunRecord]) -> list[str]:
    """The lines of the section, from the records of the complete seeds."""
    config = records[0].configuration
    seeds = sorted({record.seed for record in records})
    n_patients = len({patient.name for record in records for patient in record.patients})
    return [
        "## What was done",
        "",
        f"Data: {n_patients} ACDC patients (Bernard et al., IEEE TMI 2018;37:2514, doi 10.1109/TMI.2018.2837502), ED and ES "
        f"with expert masks and group; SHA-256 of the sources `{records[0].data_sha256}`. "
        f"{config.n_folds} folds, stratified by group, one split for all (split seed {config.split_seed}); patients 074 and "
        f"076, the same images under two masks, lie in one fold. Seeds {', '.join(map(str, seeds))}: {len(records)} runs.",
        "",
        f"Command: `cardiacmtl-train reproduce --cache CACHE --seeds {max(seeds)}`; without `--cache` it writes this page anew "
        "from the records.",
        "",
        "Both arms of a seed and fold begin with the same weights, see the same studies, slices and random changes in the same "
        f'order, and take the same number of steps. In the arm "{Arm.JOINT.words}" the loss is cross-entropy of the group plus '
        f'{config.segmentation_weight:g} times (cross-entropy plus soft Dice of the masks); in "{Arm.ALONE.words}" the second '
        "part is left out, and with it the decoder. Nothing else differs.",
        "",
        "The network: a U-Net in two dimensions, encoder and decoder with BatchNorm, shared by ED and ES; each slice's "
        "coarsest maps are averaged over the plane and normalised; the study's vector is their mean and maximum over slices "
        "at ED and at ES; dropout; one linear layer. No measured feature enters. Windows are placed where ED and ES differ, "
        "by the images alone, so that the diagnosis alone knows nothing of the masks; only the limits at which the cache clips "
        "intensities were taken about the expert contours, in both arms. AdamW, the rate falling to 0. "
        f"The rotation is at most {config.rotation_degrees:g} degrees each way.",
        "",
        '"Validation" is the held-out fold, looked at once an epoch for the curves. The reported probabilities are those after '
        "the last epoch, never of the best, so that nothing is selected on what is reported.",
        "",
        f"Architecture, sizes, augmentation and learning rate were settled beforehand on seed {PILOT_SEED}, which is not "
        "reported: changed until the training accuracy of the arm without masks rose, and bounded by the time of both arms; "
        "the joint arm took the result over unchanged, its loss weight was not tuned. Those runs held out folds of the same "
        "patients and their validation accuracy was seen, so the level of both errors may be a little optimistic.",
        "",
        "Each patient's error is averaged over seeds first; intervals of means and differences are percentile bootstraps "
        f"over patients ({BOOTSTRAP_DRAWS:,} draws; {EPOCH_DRAWS:,} for epochs), the same in both arms. They hold for these "
        f"{len(seeds)} seeds and this split; the spread over other trainings is not in them.",
        "",
        "What this cannot show: the paper's own setting is unknown; patients are the training patients of ACDC in "
        "cross-validation instead of its test patients; the runs are small on purpose, so neither arm is at its best.",
        "",
        "| choice | value |",
        "|---|---|",
        *[f"| {name} | {_text(value)} |" for name, value in config.to_json().items() if name != "version"],
        "",
        *_provenance(records),
    ]


def _provenance(records: Sequence[RunRecord]) -> list[str]:
    cost = []
    for arm in Arm:
        seconds = [record.cpu_seconds for record in records if record.arm is arm]
        cost.append(f"{arm.words} {sum(seconds) / len(seconds):.0f} s (at most {max(seconds):.0f} s)")
    commits = ", ".join(f"`{name}`" for name in sorted({record.commit for record in records}))
    versions = ", ".join(sorted({record.torch_version for record in records}))
    devices = ", ".join(sorted({record.device for record in records}))
    return [
        f"CPU time of a run, mean: {'; '.join(cost)}. Device: {devices}. PyTorch: {versions}. Code: {commits}.",
    ]


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
