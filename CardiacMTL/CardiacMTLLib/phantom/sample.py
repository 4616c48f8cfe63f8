"""`sample_phantom`: the one synthetic study that demo, sample data and pictures show."""

from __future__ import annotations

from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom.groups import anatomy_of
from CardiacMTLLib.phantom.phantom import PhantomStudy, make_phantom

SAMPLE_GROUP = Group.DCM
SAMPLE_FRAMES = 30


def sample_phantom() -> PhantomStudy:
    """A dilated heart over one beat: 30 frames of 14 slices, the same at every call; made here, in seconds, from no data."""
    return make_phantom(anatomy_of(SAMPLE_GROUP), n_frames=SAMPLE_FRAMES)
