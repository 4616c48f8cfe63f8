"""Files become a `CineStudy`: DICOM, ACDC patient folders, ED and ES files, 3D and 4D NIfTI, NRRD and MetaImage."""

from CardiacMTLLib.reading.acdc import AcdcCase, is_acdc_folder, read_acdc_case
from CardiacMTLLib.reading.image_file import IMAGE_SUFFIXES, is_image_file
from CardiacMTLLib.reading.study import read_phases, read_study

__all__ = [
    "IMAGE_SUFFIXES",
    "AcdcCase",
    "is_acdc_folder",
    "is_image_file",
    "read_acdc_case",
    "read_phases",
    "read_study",
]
