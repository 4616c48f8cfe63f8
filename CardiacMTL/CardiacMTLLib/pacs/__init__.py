"""Sending DICOM files to a PACS: C-ECHO and C-STORE to a configured node."""
