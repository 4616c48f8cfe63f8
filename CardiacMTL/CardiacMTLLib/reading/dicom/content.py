"""What a frame shows, from the elements in which scanners say so.

Sources: PS3.3 C.8.3.1 and C.8.13 (MR image and enhanced MR modules: complex component, phase contrast, inversion recovery,
tagging); ImageType values P, PHASE MAP, VELOCITY MAP and sequence names with the velocity such as `fl2d1_v150in` (Siemens);
the private velocity elements of GE (GEMS_ACQU_01, offset CC) and Philips (Philips Imaging DD 001, offset 1A).
"""

from __future__ import annotations

import re

from CardiacMTLLib.reading.dicom.frame import Content
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
    if types & _PHASE_TYPES or any("PCA" in word.split("_") for word in types) or _encodes_velocity(view):
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


def _encodes_velocity(view: View) -> bool:
    named = re.search(r"_v\d+", view.text("SequenceName").lower())
    private = view.private(0x0019, "GEMS_ACQU_01", 0xCC) or view.private(0x2001, "Philips Imaging DD 001", 0x1A)
    return bool(named or private) or view.text("PhaseContrast") == "YES"


def _is_inverted(view: View) -> bool:
    technique = {*view.words("ScanningSequence"), *view.words("SequenceVariant")}
    return "IR" in technique or view.text("InversionRecovery") == "YES" or (view.number("InversionTime") or 0) > 0
