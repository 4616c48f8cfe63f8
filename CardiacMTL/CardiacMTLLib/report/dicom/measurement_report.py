"""`build_report`: measurements, pattern and quality as a Comprehensive 3D SR by TID 1500."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import (
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from CardiacMTLLib import __version__
from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.report.dicom.concepts import CARDIAC_MRI, PRIVATE_SCHEME
from CardiacMTLLib.report.dicom.content import coded
from CardiacMTLLib.report.dicom.groups import ReportContext, report_groups
from CardiacMTLLib.report.dicom.patient_study import (
    REQUIRED,
    REQUIRED_OF_STUDY,
    copy_patient,
    copy_study,
    copy_trial_series,
)
from CardiacMTLLib.report.dicom.segmentation import MANUFACTURER, BuiltSegmentation
from CardiacMTLLib.report.dicom.sources import PhaseSources
from CardiacMTLLib.report.dicom.stamp import UNSTAMPED, stamp
from CardiacMTLLib.report.dicom.uids import stable_uid

_SERIES_NUMBER = 9103


def build_report(analysis: Analysis, sources: PhaseSources, segmentations: Mapping[Phase, BuiltSegmentation]) -> Dataset:
    """The report of `analysis`, which refers to `segmentations` and the images behind them.

    The same content gives the same UID.
    """
    device = DeviceObserverIdentifyingAttributes(
        stable_uid("device", analysis.model.sha256, __version__),
        name=MANUFACTURER,
        manufacturer_name=MANUFACTURER,
        model_name=analysis.model.name,
        serial_number=analysis.model.sha256[:16],
    )
    content = MeasurementReport(
        ObservationContext(ObserverContext(codes.DCM.Device, device)),
        coded(CARDIAC_MRI),
        report_groups(ReportContext(analysis, sources, segmentations)),
    )
    evidence = [*_images(sources), *(built.data for built in segmentations.values())]
    report = Comprehensive3DSR(
        evidence,
        content[0],
        series_instance_uid=UNSTAMPED,
        series_number=_SERIES_NUMBER,
        sop_instance_uid=UNSTAMPED,
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=f"{MANUFACTURER} {analysis.model.name}",
        software_versions=__version__,
        device_serial_number=analysis.model.sha256[:16],
        is_complete=True,
        series_description="CardiacMTL measurements (research use only)",
        coding_schemes=[CodingSchemeIdentificationItem(PRIVATE_SCHEME, name="CardiacMTL", version=__version__)],
    )
    copy_patient(sources.header, report)
    copy_study(sources.header, report)
    copy_trial_series(sources.header, report)
    stamp(report)
    return report


def _images(sources: PhaseSources) -> Iterable[Dataset]:
    """The images as evidence: what references name, and empty attributes of patient and study, which follow later."""
    frames = dict.fromkeys(piece.frame for pieces in sources.slices.values() for piece in pieces)
    for frame in frames:
        item = Dataset()
        item.SOPClassUID, item.SOPInstanceUID = frame.sop_class_uid, frame.sop_instance_uid
        item.StudyInstanceUID, item.SeriesInstanceUID = sources.study_uid, frame.series_uid
        for keyword in (*REQUIRED, *REQUIRED_OF_STUDY):
            setattr(item, keyword, None if keyword in ("StudyDate", "StudyTime") else "")
        yield item
