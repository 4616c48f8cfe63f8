"""DICOM out: one segmentation a phase and one structured report with the measurements.

`write.py` is the way in; it is imported at once, highdicom only when something is written.
"""
