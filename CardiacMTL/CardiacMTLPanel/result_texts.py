"""What the panel says of a result, as rich text made from the result record; nothing is computed here but the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from slicer.i18n import tr as _

from CardiacMTLLib.labels import Group
from CardiacMTLLib.report.diagnosis_view import percent_text
from CardiacMTLLib.report.wording import number_text, sentence_case

Record = Mapping[str, Any]

_SHOWN_FOR, _SHOWN_AGAINST = 4, 3

_MEASURED_AS = {"mL": "_ml", "mL/m²": "_ml_per_m2", "g": "_g", "g/m²": "_g_per_m2", "%": "_percent"}
"""Unit of a feature -> how the name of the same measurement ends."""


def headline(record: Record) -> str:
    """The pattern with its probability, or why there is no label."""
    diagnosis = record["diagnosis"]
    if diagnosis["label"] is None:
        title = _("No diagnosis") if diagnosis["probabilities"] is None else _("Label withheld")
        return f"<b>{title}</b><br>{escape(sentence_case(diagnosis['reason'] or ''))}"
    label, share = diagnosis["label"], diagnosis["probabilities"][diagnosis["label"]]
    text = _("Pattern most like {group}, {name}").format(group=label, name=Group(label).full_name)
    return f"<b>{escape(text)}</b><br>" + escape(_("probability {share} (ACDC definition)").format(share=percent_text(share)))


def arguments(record: Record) -> str:
    """What speaks for the leading group, against it, and for the runner-up, with how the groups usually are."""
    explanation = record["diagnosis"]["explanation"]
    if explanation is None:
        return ""
    group, runner_up = explanation["group"], explanation["runner_up"]
    parts = {part["name"]: part for part in explanation["features"]}
    shown = [part for part in explanation["features"] if part["groups"] or part["name"] == "embedding"]
    against = [parts[name] for name in explanation["against"] if name != "constant"][:_SHOWN_AGAINST]
    rival = [parts[name] for name in explanation["favours_runner_up"] if name != "constant"][:_SHOWN_AGAINST]
    sections = (
        (_("For {group}").format(group=group), [part for part in shown if part["logits"] > 0][:_SHOWN_FOR]),
        (_("Against {group}").format(group=group), against),
        (_("For {group}, the runner-up, rather than {leading}").format(group=runner_up, leading=group), rival),
    )
    text = "".join(
        f"<b>{escape(title)}</b>{_list(_argument(part, group, record) for part in chosen) if chosen else _nothing()}"
        for title, chosen in sections
    )
    if explanation["distributions_of"]:
        note = _("Ranges of a group are the 5th to 95th percentile of {rows}.").format(rows=explanation["distributions_of"])
        text += f"<small>{escape(note)}</small>"
    return text


def flags(record: Record) -> str:
    """What a reader should check, each with what to do, and what was odd in the images; a sentence where there is nothing."""
    found, warnings = record["quality"]["flags"], record["input"]["warnings"]
    if not found and not warnings:
        return escape(_("No quality flag was raised. Look at the masks all the same."))
    entries = [f"{escape(sentence_case(flag['text']))}.<br><i>{escape(flag['check'])}</i>" for flag in found]
    return f"<b>{escape(_('Check'))}</b>{_list([*entries, *(escape(warning) for warning in warnings)])}"


def quality(record: Record) -> str:
    """How good the masks are likely to be, in one line; empty where nothing is predicted."""
    predicted = record["quality"]["predicted_dice"]
    if not predicted:
        return ""
    lowest = min(predicted, key=lambda key: float(predicted[key]))
    structure, _separator, phase = lowest.rpartition("_")
    name = {"MYOCARDIUM": _("myocardium")}.get(structure, structure)
    text = _("Expected agreement of the masks with an expert (Dice): {low} to {high}, lowest for {name} at {phase}.")
    values = sorted(float(value) for value in predicted.values())
    return str(text.format(low=f"{values[0]:.2f}", high=f"{values[-1]:.2f}", name=name, phase=phase))


def found_frames(record: Record) -> str:
    """The frames of ED and ES that were measured, counted from 1."""
    frames = record["frames"]
    parts = [f"{phase.upper()} {number}" for phase, number in frames.items() if number is not None]
    return _("measured: {frames}").format(frames=", ".join(parts)) if parts and record["input"]["frame_count"] > 2 else ""


def correction(original: Record) -> str:
    """What a corrected result says of the one before it, and of what the correction does not reach."""
    diagnosis = original["diagnosis"]
    before = diagnosis["label"] or _("no label")
    text = _(
        "Recomputed from the masks as they are now; original: {before}. "
        "What the network itself sees in the images is as before."
    )
    return f"<i>{escape(text.format(before=before))}</i>"


def meaning(record: Record) -> str:
    """What the result means and does not mean, how good the masks may be, and the conventions behind the numbers."""
    model, software = record["model"], record["software"]
    made_by = _("Model {model} {version} ({sha}), {software} {release}.").format(
        model=model["name"],
        version=model["version"],
        sha=model["sha256"][:12],
        software=software["name"],
        release=software["version"],
    )
    texts = (record["diagnosis"]["meaning"], quality(record), *record["conventions"].values(), made_by, record["research_use"])
    return "".join(f"<p style='margin-top:0px; margin-bottom:4px'>{escape(text)}</p>" for text in texts if text)


def ranges(entries: Sequence[Record]) -> str:
    """Reference ranges, with the sex where there are several."""
    people = {"M": _("men"), "F": _("women")}
    texts = [f"{entry['low']}\u2013{entry['high']}" for entry in entries]
    return ", ".join(f"{people[entry['sex']]} {text}" for entry, text in zip(entries, texts, strict=True)) if texts else ""


def _argument(part: Record, group: str, record: Record) -> str:
    title = escape(sentence_case(part["title"]))
    if not part["groups"]:
        return title
    value = escape(f"{number_text(part['value'], part['unit'])} {part['unit']}".strip())
    spread = part["groups"][group]
    low, high = (number_text(spread[key], part["unit"]) for key in ("p5", "p95"))
    notes = [_("{group} {low} to {high}").format(group=group, low=low, high=high)]
    reference = _reference(part, record)
    if reference:
        notes.append(_("reference {ranges}").format(ranges=reference))
    return f"{title} <b>{value}</b> ({escape('; '.join(notes))})"


def _reference(part: Record, record: Record) -> str:
    measurement = record["measurements"].get(part["name"] + _MEASURED_AS.get(part["unit"], "?"))
    return "" if measurement is None else ranges(measurement["reference"])


def _list(entries: Any) -> str:
    items = "".join(f"<li>{text}</li>" for text in entries)
    return f"<ul style='margin-left:-20px; margin-top:1px; margin-bottom:4px'>{items}</ul>"


def _nothing() -> str:
    return f"<br>{escape(_('nothing of weight'))}<br>"
