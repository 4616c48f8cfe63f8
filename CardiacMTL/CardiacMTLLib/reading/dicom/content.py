"""What a frame shows, from the elements in which scanners say so.

Sources: PS3.3 C.8.3.1 and C.8.13 (MR image and enhanced MR modules: complex component, phase contrast, inversion recovery,
tagging); ImageType values P, PHASE MAP, VELOCITY MAP and sequence names with the velocity such as `fl2d1_v150in` (Siemens);
the private velocity elements of GE (GEMS_ACQU_01, offset CC) and Philips (Philips Imaging DD 001, offset 1A, one an axis).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace

from CardiacMTLLib.reading.dicom.frame import Content, DicomFrame
from CardiacMTLLib.reading.dicom.values import View

_PHASE_TYPES = frozenset({"P", "PHASE", "PHASE MAP", "VELOCITY", "VELOCITY MAP", "R", "REAL", "I", "IMAGINARY"})
_REFORMATTED_TYPES = frozenset({"MPR", "CSA MPR", "MIP", "CSA MIP", "MINIP", "PROJECTION IMAGE"})

_NAMES = (
    (Content.FLOW, re.compile(r"venc|velocity|phase.?contrast|q.?flow|flow(?!.?comp)")),
    (Content.TAGGING, re.compile(r"\btag|tagging|spamm|\bgrid\b")),
    (Content.PERFUSION, re.compile(r"perfusion|first.?pass|(?<![a-z])perf(?![a-z])")),
)
"""Words in names of series that do not occur in those of a cine; all other words are too weak to leave a series out."""


def content_of(view: View) -> Content:
    """What the frame behind `view` shows; `Content.ANATOMY` where nothing says otherwise."""
    types = {*view.words("ImageType")[2:], *view.words("FrameType")[2:], *view.words("ComplexImageComponent")}
    if types & _PHASE_TYPES or any("PCA" in word.split("_") for word in types) or encodes_velocity(view):
        return Content.FLOW
    if any(word.startswith("LOCALI") for word in types):
        return Content.LOCALISER
    if types & _REFORMATTED_TYPES or any(word.endswith(" MAP") for word in types):
        return Content.COMPUTED
    if _is_inverted(view):
        return Content.INVERSION
    if view.text("Tagging") not in ("", "NONE"):
        return Content.TAGGING
    name = f"{view.text('SeriesDescription')} {view.text('ProtocolName')}".lower().replace("_", " ")
    return next((content for content, pattern in _NAMES if pattern.search(name)), Content.ANATOMY)


def encodes_velocity(view: View) -> bool:
    """Whether the frame behind `view` comes from an acquisition that encodes velocity."""
    named = re.search(r"_v\d+", view.text("SequenceName").lower())
    ge = view.private_numbers(0x0019, "GEMS_ACQU_01", 0xCC)
    philips = view.private_numbers(0x2001, "Philips Imaging DD 001", 0x1A)
    return bool(named) or any((*ge, *philips)) or view.text("PhaseContrast") == "YES"


def with_flow_magnitudes(frames: Sequence[DicomFrame]) -> list[DicomFrame]:
    """`frames`, where a series of magnitude images that belong to flow says so.

    Siemens names the velocity in the sequence of the phase images (`fl2d1_v150in`) but may not in that of the magnitude images
    (`fl2d1r2`). They are told by phase images of the same place, time and echo time; most of the series must have one.
    """
    flow = {_moment(frame) for frame in frames if frame.encodes_velocity and frame.trigger_time_ms is not None}
    paired: dict[str, list[bool]] = defaultdict(list)
    for frame in frames:
        if frame.content is Content.ANATOMY:
            paired[frame.series_uid].append(_moment(frame) in flow)
    magnitudes = {uid for uid, found in paired.items() if 2 * sum(found) > len(found)}
    return [
        replace(frame, content=Content.FLOW) if frame.content is Content.ANATOMY and frame.series_uid in magnitudes else frame
        for frame in frames
    ]


def _moment(frame: DicomFrame) -> Hashable:
    """Equal for the images that one acquisition gives at one place and time."""
    plane = frame.shape_yx, frame.spacing_yx_mm, frame.position_mm, frame.row, frame.column
    return frame.study_uid, plane, frame.trigger_time_ms, frame.echo_time_ms


def _is_inverted(view: View) -> bool:
    technique = {*view.words("ScanningSequence"), *view.words("SequenceVariant")}
    return "IR" in technique or view.text("InversionRecovery") == "YES" or (view.number("InversionTime") or 0) > 0
