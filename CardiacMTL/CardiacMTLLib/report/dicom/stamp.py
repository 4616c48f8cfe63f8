"""`stamp`: the last touch on an object: UIDs from all that it says, and when it was written, which is no part of that."""

from __future__ import annotations

from datetime import datetime

from highdicom import SOPClass
from pydicom.uid import UID
from pydicom.valuerep import DA, DT, TM

from CardiacMTLLib.report.dicom.uids import stable_uid

UNSTAMPED = "2.25.0"
"""Stands for both UIDs until then."""


def stamp(data: SOPClass) -> None:
    """Give `data` the UIDs of instance and series that follow from all its other attributes but the times of writing.

    These are given afterwards, in the time zone that `data` states, and else by this machine's clock (PS3.3 C.12.1: an offset
    from UTC holds for every date and time of an instance).
    """
    equipment = data.get("ContributingEquipmentSequence", ())
    for keyword in ("InstanceCreationDate", "InstanceCreationTime", "ContentDate", "ContentTime"):
        setattr(data, keyword, None)
    for item in equipment:
        item.ContributionDateTime = None
    uid = stable_uid("instance", data.to_json())
    data.SOPInstanceUID = uid
    data.file_meta.MediaStorageSOPInstanceUID = UID(uid)
    data.SeriesInstanceUID = stable_uid("series", uid)
    now = _now(str(data.get("TimezoneOffsetFromUTC", "")))
    data.InstanceCreationDate = data.ContentDate = DA(now.date())
    data.InstanceCreationTime = data.ContentTime = TM(now.time())
    for item in equipment:
        item.ContributionDateTime = DT(now)


def _now(offset: str) -> datetime:
    """The time where `offset` (as "+0100") holds, or the local one, without a zone, where it is no offset."""
    try:
        return datetime.now(datetime.strptime(offset.strip(), "%z").tzinfo)
    except ValueError:
        return datetime.now()  # noqa: DTZ005 - DICOM's times without an offset are local
