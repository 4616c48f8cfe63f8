import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.preprocess.intensity import IntensityScale
from CardiacMTLLib.preprocess.resample import Window, centre_of
from CardiacMTLLib.preprocess.windows import normalised_windows
from Testing.unit.hearts import study_of

SPACING = (1.5, 1.5, 8.0)
FRAMES = np.random.default_rng(3).gamma(2.0, 60.0, (2, 3, 40, 44)).astype(np.int16)


def windows_of(frames, size=64, spacing_mm=1.5, frame_numbers=None):
    study = study_of(frames, SPACING, frame_numbers=frame_numbers)
    return normalised_windows(study, range(len(frames)), Window(centre_of(study.geometry), size, spacing_mm))


@settings(max_examples=8, deadline=None)
@given(scale=st.floats(1e-3, 1e3), offset=st.floats(-2e3, 2e3))
def test_scale_and_offset_of_intensities_change_nothing_even_beyond_the_image(scale, offset):
    np.testing.assert_allclose(windows_of(FRAMES * scale + offset), windows_of(FRAMES), atol=1e-3)


@pytest.mark.robustness(17)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.int64, np.float32, np.float64])
def test_every_type_of_voxel_gives_the_same_values(dtype):
    frames = np.clip(FRAMES, 0, 255)
    np.testing.assert_allclose(windows_of(frames.astype(dtype)), windows_of(frames), atol=1e-5)


def test_the_whole_range_of_a_type_does_not_overflow():
    frames = np.clip(FRAMES * 100.0 - 32768, -32768, 32767)
    np.testing.assert_allclose(windows_of(frames.astype(np.int16)), windows_of(np.round(frames)), atol=1e-3)


def test_each_frame_is_normalised_to_mean_0_and_sd_1_over_its_window():
    values = windows_of(np.stack([FRAMES[0], 5 * FRAMES[1] + 100]))
    assert values.dtype == np.float32
    np.testing.assert_allclose(values.mean(axis=(1, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(values.std(axis=(1, 2, 3)), 1, atol=1e-4)


def test_a_few_extreme_voxels_do_not_change_the_scale():
    spiked = FRAMES.copy()
    spiked[0, 1, 20, 20:23] = 32000
    window = (slice(None), slice(None), slice(0, 10))
    np.testing.assert_allclose(windows_of(spiked)[window], windows_of(FRAMES)[window], atol=0.02)


@pytest.mark.robustness(15)
@pytest.mark.parametrize("level", [0, 100, -7])
@pytest.mark.parametrize("size", [16, 128])
def test_a_constant_image_has_no_signal(level, size):
    with pytest.raises(InputError, match=r"^no signal: all voxels of frame 1 are alike; expected .* check the file$"):
        windows_of(np.full((1, 3, 40, 44), level, np.int16), size)


def test_a_blank_frame_is_named_by_its_number_counted_from_1():
    frames = FRAMES.copy()
    frames[1] = 0
    for numbers, told in ((None, "frame 2"), ((1, 16), "frame 16")):
        with pytest.raises(InputError, match=told):
            windows_of(frames, frame_numbers=numbers)


def test_a_tiny_image_in_a_wide_window_keeps_its_signal():
    values = windows_of(FRAMES[:, :, :16, :16], 96, 4.0)
    assert np.isfinite(values).all()
    assert values.std() > 0.5


def test_values_beyond_the_limits_are_clipped_to_them():
    scale = IntensityScale(low=10.0, high=20.0, mean=15.0, sd=5.0)
    np.testing.assert_allclose(scale.apply(np.array([-100, 10, 15, 20, 1000])), [-1, -1, 0, 1, 1])


def test_normalising_leaves_the_study_as_it_was():
    frames = FRAMES.copy()
    windows_of(frames)
    assert (frames == FRAMES).all()
