"""DICOM studies: from files in any order to one short-axis cine, with a reason for all that is left out."""

from CardiacMTLLib.reading.dicom.files import is_dicom_input
from CardiacMTLLib.reading.dicom.study import read_dicom

__all__ = ["is_dicom_input", "read_dicom"]
