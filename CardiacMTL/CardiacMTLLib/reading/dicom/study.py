"""`read_dicom`: the short-axis cine of a DICOM folder or multi-frame file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from CardiacMTLLib.errors import InputError, MissingPackageError
from CardiacMTLLib.reading.assemble import assemble_study
from CardiacMTLLib.reading.dicom.choice import Choice, choose_stack
from CardiacMTLLib.reading.dicom.content import with_flow_magnitudes
from CardiacMTLLib.reading.dicom.files import dicom_files
from CardiacMTLLib.reading.dicom.frame import DicomFrame
from CardiacMTLLib.reading.dicom.header import FileFrames, Refusal, read_frames
from CardiacMTLLib.reading.dicom.patient import patient_of
from CardiacMTLLib.reading.dicom.phases import PhasedStack, phased
from CardiacMTLLib.reading.dicom.pixels import check_decodable, decode, stored_type
from CardiacMTLLib.reading.dicom.slice_distance import slice_distance
from CardiacMTLLib.reading.dicom.stacks import stacks_of
from CardiacMTLLib.reading.frame_times import believable_times_ms
from CardiacMTLLib.reading.options import ReadOptions
from CardiacMTLLib.reading.size_limit import check_size
from CardiacMTLLib.reading.stored_image import StoredImage
from CardiacMTLLib.source import DicomSource, SourceFrame
from CardiacMTLLib.volume import CineStudy, Image


def read_dicom(path: Path, options: ReadOptions, files: Sequence[Path] | None = None) -> CineStudy:
    """The short-axis cine among the DICOM files at or below `path`, with a warning for all that was left out.

    `files` are those of one study where the folder `path` holds several (`studies_below`). The slice distance is that of the
    positions, phases are matched slice by slice, and the study's `source` names the frame behind every voxel. Where there are
    images but no short-axis cine, one of them is read, and the study says that it is out of scope.

    Raises `InputError` where nothing is there or what is there cannot be used, `GeometryError` for slices that are not evenly
    spaced, `MissingPackageError` for a compression whose decoder is not installed; each in one line.
    """
    read = [read_frames(file) for file in (dicom_files(path) if files is None else files)]
    notes: tuple[str, ...] = ()
    try:
        _check_usable(read)
        frames, copies = _distinct([frame for file in read for frame in file.frames])
        notes = (*_refusals(read), *copies)
        return _study(path, with_flow_magnitudes(frames), notes, options)
    except (InputError, MissingPackageError) as error:
        text = str(error) if str(error).startswith(str(path)) else f"{path}: {error}"
        raise type(error)(f"{text} ({' '.join(notes)})" if notes else text) from error


def _study(path: Path, frames: Sequence[DicomFrame], notes: tuple[str, ...], options: ReadOptions) -> CineStudy:
    """The study of `frames`; where pixels turn out to be damaged, that of the others."""
    choice = choose_stack(stacks_of(frames), options.series)
    stack = phased(choice.stack)
    used = list(dict.fromkeys(frame for phase in stack.frames for frame in phase))
    check_decodable(used)
    check_size((len(stack.frames), len(stack.frames[0]), *used[0].shape_yx), stored_type(used).itemsize)
    images = _images(stack, used)
    if isinstance(images, set):
        left = [frame for frame in frames if frame not in images]
        if not left:
            raise InputError("no image could be decoded; expected whole DICOM images; export the study again")
        damaged = f"Images left out, as their pixels are truncated or damaged: {len(images)}."
        return _study(path, left, (*notes, damaged), options)
    return _assembled(path, choice, stack, images, notes, options)


def _images(stack: PhasedStack, used: Sequence[DicomFrame]) -> Image | set[DicomFrame]:
    """Grey values (t, z, y, x) of the stack, or the frames whose pixels cannot be decoded."""
    places: dict[DicomFrame, list[tuple[int, int]]] = {}
    for t, phase in enumerate(stack.frames):
        for z, frame in enumerate(phase):
            places.setdefault(frame, []).append((t, z))
    voxels = np.empty((len(stack.frames), len(stack.frames[0]), *used[0].shape_yx), dtype=stored_type(used))
    damaged: set[DicomFrame] = set()
    for frame, image in decode(used):
        if image is None:
            damaged.add(frame)
            continue
        for t, z in places[frame]:
            voxels[t, z] = image
    return damaged or voxels


def _assembled(
    path: Path, choice: Choice, stack: PhasedStack, images: Image, notes: tuple[str, ...], options: ReadOptions
) -> CineStudy:
    distance_mm, distance_notes = slice_distance(stack.stack, options.slice_spacing_mm)
    patient, patient_notes = patient_of([frame for phase in stack.frames for frame in phase])
    times_ms = None if stack.times_ms is None else believable_times_ms(stack.times_ms)
    time_notes = () if stack.times_ms is None or times_ms else ("The trigger times are not those of one heart beat.",)
    image = StoredImage(
        images,
        stack.stack.geometry(distance_mm),
        time_step=1.0 if times_ms is None else (times_ms[-1] - times_ms[0]) / (len(times_ms) - 1) / 1000,
        time_origin=0.0 if times_ms is None else times_ms[0] / 1000,
        frame_times_ms=times_ms,
        warnings=(*choice.notes, *stack.notes, *time_notes, *distance_notes, *patient_notes),
    )
    study = assemble_study(image, path, options, patient, notes, slice_axis=2)
    reverse = study.stored.order.flips[2]
    folder = path if path.is_dir() else path.parent
    references = {frame.frame_of_reference_uid for phase in stack.frames for frame in phase}
    source = DicomSource(
        stack.stack.first.study_uid,
        references.pop() if len(references) == 1 else "",
        tuple(tuple(_source(frame, folder) for frame in (phase[::-1] if reverse else phase)) for phase in stack.frames),
        folder,
    )
    return replace(study, source=source, out_of_scope=choice.out_of_scope)


def _source(frame: DicomFrame, folder: Path) -> SourceFrame:
    return SourceFrame(
        frame.sop_class_uid, frame.sop_instance_uid, frame.series_uid, frame.number, frame.path.relative_to(folder)
    )


def _distinct(frames: Sequence[DicomFrame]) -> tuple[list[DicomFrame], tuple[str, ...]]:
    """`frames` without further copies of the same instance, and a note on them."""
    seen: dict[tuple[str, int | None], DicomFrame] = {}
    for frame in frames:
        key = (frame.sop_instance_uid or frame.path.as_posix(), frame.number)
        seen.setdefault(key, frame)
    copies = len(frames) - len(seen)
    return list(seen.values()), (f"Copies of the same images left out: {copies}.",) if copies else ()


def _refusals(files: Sequence[FileFrames]) -> tuple[str, ...]:
    counts = Counter(file.refusal for file in files)
    return tuple(f"DICOM files left out as {refusal}: {counts[refusal]}." for refusal in Refusal if counts[refusal])


def _check_usable(files: Sequence[FileFrames]) -> None:
    """Raise `InputError` that counts what is there instead of usable frames, where there is none."""
    if any(file.frames for file in files):
        return
    counts = Counter(file.refusal for file in files)
    found = ", ".join(f"{counts[refusal]} {refusal}" for refusal in Refusal if counts[refusal])
    modalities = sorted({file.modality for file in files if file.refusal is Refusal.NOT_MR and file.modality})
    kinds = f" (modality {', '.join(modalities)})" if modalities else ""
    raise InputError(
        f"no usable image among {len(files)} DICOM files: {found}{kinds}; expected a short-axis cine MR; "
        "export it from the scanner or archive again"
    )
