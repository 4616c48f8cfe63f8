import pytest

from CardiacMTLLib.measure.cycle_times import cycle_times


def test_times_of_the_images_give_the_beat_they_cover():
    times = cycle_times(4, (10.0, 210.0, 410.0, 610.0), None)
    assert times.times_ms == (10.0, 210.0, 410.0, 610.0)
    assert times.cycle_ms == pytest.approx(800)
    assert times.shares == pytest.approx((0, 0.25, 0.5, 0.75))
    assert (times.source, times.reason) == ("those of the images", None)


def test_a_slower_heart_rate_leaves_the_end_of_the_beat_unseen():
    times = cycle_times(4, (0.0, 200.0, 400.0, 600.0), 60.0)
    assert times.cycle_ms == pytest.approx(1000)
    assert times.shares == pytest.approx((0, 0.2, 0.4, 0.6))


def test_a_faster_heart_rate_than_the_frames_show_does_not_shorten_the_beat():
    assert cycle_times(4, (0.0, 200.0, 400.0, 600.0), 100.0).cycle_ms == pytest.approx(800)


def test_frames_of_part_of_a_beat_have_times_but_no_beat():
    times = cycle_times(4, (0.0, 100.0, 200.0, 300.0), 60.0)
    assert times.times_ms == (0.0, 100.0, 200.0, 300.0)
    assert times.cycle_ms is None
    assert "cover 400 ms of a beat that lasts 1000 ms" in times.reason


@pytest.mark.parametrize("given_ms", [None, (0.0, 100.0, 100.0, 200.0), (0.0, 200.0, 100.0, 300.0)])
def test_without_rising_times_the_heart_rate_gives_them_and_that_is_said(given_ms):
    times = cycle_times(4, given_ms, 75.0)
    assert times.times_ms == pytest.approx((0, 200, 400, 600))
    assert times.cycle_ms == pytest.approx(800)
    assert "heart rate" in times.source


@pytest.mark.parametrize(("n_frames", "given_ms"), [(4, None), (1, (20.0,))])
def test_where_nothing_is_known_only_the_order_counts(n_frames, given_ms):
    times = cycle_times(n_frames, given_ms, None)
    assert times.shares == tuple(frame / n_frames for frame in range(n_frames))
    assert (times.times_ms, times.cycle_ms) == (None, None)
    assert "give the heart rate" in times.reason
