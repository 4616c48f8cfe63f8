"""The error tree: every failure that a user can cause or mend is a `CardiacMTLError`.

A message is one line that says what is wrong, what was found, what was expected, and what to do next.
"""


class CardiacMTLError(Exception):
    """Base of all errors whose message is meant for the user."""


class UsageError(CardiacMTLError):
    """Options that contradict each other or are incomplete."""


class InputError(CardiacMTLError):
    """A file or array that cannot be used as a cine study."""


class GeometryError(InputError):
    """Spacing, direction or origin that does not describe a regular grid of voxels."""


class ModelError(CardiacMTLError):
    """Weights or a manifest that are missing, damaged, or made for another version."""


class MissingPackageError(CardiacMTLError):
    """An optional package that the requested output needs is not installed."""


class OutputError(CardiacMTLError):
    """A result that could not be written."""


class JobError(CardiacMTLError):
    """A job that a worker process could not do."""


class NodeError(CardiacMTLError):
    """A DICOM node of the network that does not answer, or refuses."""
