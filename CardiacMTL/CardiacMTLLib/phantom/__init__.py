"""A parametric bi-ventricular short-axis cine study of our own: demo, tests and benchmarks where no data may be shipped."""

from CardiacMTLLib.phantom.anatomy import PhantomAnatomy
from CardiacMTLLib.phantom.grid import SHORT_AXIS_DIRECTION, PhantomGrid
from CardiacMTLLib.phantom.groups import anatomy_of
from CardiacMTLLib.phantom.phantom import PhantomStudy, make_phantom
from CardiacMTLLib.phantom.sample import sample_phantom
from CardiacMTLLib.phantom.shape import HeartShape
from CardiacMTLLib.phantom.writing import write_phantom

__all__ = [
    "SHORT_AXIS_DIRECTION",
    "HeartShape",
    "PhantomAnatomy",
    "PhantomGrid",
    "PhantomStudy",
    "anatomy_of",
    "make_phantom",
    "sample_phantom",
    "write_phantom",
]
