"""The list of inputs and faults that the software promises to stand: number, what comes, and what must happen.

A test that shows a row carries `@pytest.mark.robustness(row)`; `Testing.robustness.page` makes docs/reliability.md of them.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """An input or fault, and what is required of the software then."""

    fault: str
    required: str


ROWS: dict[str, Row] = {
    "1": Row("NIfTI whose sform contradicts its pixdim", "spacing and volumes of pixdim, as in SimpleITK; one warning a study"),
    "2": Row("NIfTI with neither qform nor sform", "spacing of pixdim, and a warning"),
    "3": Row("sheared axes", "refused, naming the angle"),
    "3b": Row("axes off right angles by a header's rounding", "nearest rotation and a warning, also where ITK refuses"),
    "4": Row("one study in all 48 axis orders and flips", "same volumes, mask at the same place"),
    "5": Row("oblique or left-handed grids", "mask within half a voxel"),
    "6": Row("a mask that was written", "lies exactly on the grid of the input"),
    "7": Row("a volume in Slicer below a transform", "rigid ones followed, scaling refused"),
    "8": Row("multi-frame file without slice spacing", "refused, naming --slice-spacing-mm"),
    "9": Row("slices shuffled, twice there, unevenly spaced", "sorted, or refused with the list"),
    "10": Row("several matrix sizes or orientations in a series", "refused, or largest stack and a warning; long axes named"),
    "11": Row("a slice that lacks a frame", "named; nearest in time stands in, or refused"),
    "12": Row("trigger times missing, zero, or different by slice", "order instead, and a warning"),
    "13": Row("one frame", "masks and volumes; EF and diagnosis undefined with the reason"),
    "14": Row("one slice", "masks; volumes undefined with the reason"),
    "15": Row("constant image", '"no signal", and NaN nowhere'),
    "16": Row("voxels that are NaN or infinite", "refused, with their number"),
    "17": Row("other number types, rescale slope", "same result"),
    "18": Row(
        "RGB, CT, 2-D; brain, long axis, localiser",
        "the first refused; the others out of scope, without numbers, with the reason",
    ),
    "19": Row("odd, tiny or large matrix", "padded, exact shape restored"),
    "20": Row("huge 4D image", "memory estimated first; in parts or refused"),
    "21": Row("GPU out of memory", "once more on the CPU; scene untouched"),
    "22": Row("worker killed at any moment", "clear error, nothing left behind, next run works"),
    "23": Row("cancel", "stops within 2 s, scene unchanged"),
    "24": Row("structure without a voxel", "no number, and the reason"),
    "25": Row("ESV above EDV, EF of nearly 0 %, masses that differ", "flagged, no diagnosis"),
    "26": Row("phantom of known volumes", "exact but for partial volume"),
    "27": Row("mask at the border", "true volume, flagged"),
    "28": Row("apex not covered, or slices missing or at a wrong distance", "flagged, no diagnosis"),
    "29": Row("labels of another data set", "mapping declared and verified"),
    "30": Row("weights cut off, a web page, one bit flipped", "checksum fails, the old ones stay"),
    "31": Row("a pickle under the name of weights", "refused, its payload never runs"),
    "32": Row("weights with a false header, wrong shape, NaN, missing key", "refused, by the name of what is wrong"),
    "33": Row("manifest of an unknown version", "refused"),
    "34": Row("model archive with ways out, links, a bomb", "refused"),
    "35": Row("patient's name in headers and paths", "not in logs, reports (unless asked for), bundles, temporary names"),
    "36": Row("markup and formulas in names", "escaped in HTML and CSV"),
    "37": Row("no network", "everything runs on local weights"),
    "38": Row("torch absent or broken", "the module opens and explains"),
    "39": Row("full disk, read-only output, odd paths", "whole results or a clear error, nothing half written"),
    "40": Row("rerun, bf16, scene reloaded, module reloaded", "same mask, or Dice 0.999 and EF within 0.5 points; no leaks"),
    "41": Row("batch with bad cases, killed and resumed", "good results, named failures, none lost or twice there"),
    "42": Row("two runs into one folder", "one waits or is refused; no mixture"),
    "43": Row("DICOM and NIfTI cut off, flipped, fuzzed", "an error of ours or a right result"),
}
