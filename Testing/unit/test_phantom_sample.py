"""The sample study that demo, sample data and pictures share."""

from __future__ import annotations

from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom import anatomy_of, sample_phantom


def test_the_sample_study_is_one_whole_beat_of_a_dilated_heart() -> None:
    made = sample_phantom()
    assert made.anatomy == anatomy_of(Group.DCM)
    assert len(made.study.frames) == 30
    assert made.study.ed_frame == 0
    assert made.study.frame_times_ms is not None
    assert made.anatomy.patient.heart_rate_bpm is not None
    assert made.study.frame_times_ms[-1] < 60000 / made.anatomy.patient.heart_rate_bpm
    assert made.study.patient.height_cm is not None
