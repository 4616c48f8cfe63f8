"""Compression of DICOM fixtures, RLE by pydicom and all else by GDCM (the extra `dicom`)."""

from __future__ import annotations

from pathlib import Path

import pydicom


def compressed(path: Path, syntax: str) -> Path:
    """Compress the file at `path` in place, RLE by pydicom and all else by GDCM."""
    if syntax == pydicom.uid.RLELossless:
        data = pydicom.dcmread(path)
        data.compress(syntax)
        data.save_as(path)
        return path
    import gdcm  # noqa: PLC0415 - an extra

    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(syntax))))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return path
