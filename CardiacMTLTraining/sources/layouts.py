"""Which layout a folder of training data has, and the patients it holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from CardiacMTLLib.errors import InputError
from CardiacMTLTraining.sources import acdc, generic, mnms
from CardiacMTLTraining.sources.case import SourceEntry, refused


class Layout(StrEnum):
    """Layouts that can be read."""

    ACDC = "acdc"
    MNMS = "mnms"
    GENERIC = "generic"


class _Form(NamedTuple):
    recognises: Callable[[Path], bool]
    entries: Callable[[Path], list[SourceEntry]]
    expected: str


_FORMS = {
    Layout.ACDC: _Form(acdc.recognises, acdc.entries, "folders with Info.cfg, images and _gt masks as in ACDC"),
    Layout.MNMS: _Form(mnms.recognises, mnms.entries, "a table with the columns External code, ED and ES as in M&Ms"),
    Layout.GENERIC: _Form(generic.recognises, generic.entries, "cases.csv and labels.json as in docs/training-data.md"),
}

_SAFE_NAME = re.compile(r"[^.\s/\\:*?\"<>|\x00-\x1f][^/\\:*?\"<>|\x00-\x1f]*")
"""What can name a file on every system."""


def layout_of(root: Path) -> Layout:
    """The layout of `root`; raises `InputError` where it has none that is known, or more than one."""
    found = [layout for layout, form in _FORMS.items() if form.recognises(root)]
    if not found:
        raise _no_patient(root)
    if len(found) > 1:
        raise InputError(f"{root} fits the layouts {', '.join(found)}; expected one; choose with --layout")
    return found[0]


def find_cases(root: Path, layout: Layout | None = None) -> list[SourceEntry]:
    """The patients in `root`, by name; `layout` None finds out which it has.

    A name that occurs twice or cannot name a file is refused when it is read. Raises `InputError` where `root` as a whole
    cannot be used.
    """
    layout = layout or layout_of(root)
    found: dict[str, SourceEntry] = {}
    for entry in _FORMS[layout].entries(root):
        if entry.name in found:
            found[entry.name] = refused(entry.name, "the name occurs more than once; expected each patient once; rename one")
        elif not _SAFE_NAME.fullmatch(entry.name):
            reason = f"{entry.name!r} cannot name a file; expected letters, digits, '-' and '_'; rename the patient"
            found[entry.name] = refused(entry.name, reason)
        else:
            found[entry.name] = entry
    if not found:
        raise _no_patient(root, layout)
    return [found[name] for name in sorted(found)]


def _no_patient(root: Path, layout: Layout | None = None) -> InputError:
    """The error for a folder from which nothing can be used."""
    forms = list(_FORMS.values()) if layout is None else [_FORMS[layout]]
    return InputError(f"no usable patient in {root}; expected {', or '.join(form.expected for form in forms)}")
