"""Segmentation, measurement and diagnosis of short-axis cine cardiac MR: the library behind every surface of CardiacMTL."""

__version__ = "0.1.0"
