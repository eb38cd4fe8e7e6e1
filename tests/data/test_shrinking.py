import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from random_cohort import plain_view

from kium_lightning.data import shrinking
from kium_lightning.data.shrinking import cells, shrink

SIZES = [(97, 131), (72, 80), (65, 64), (64, 200), (128, 128), (192, 128), (48, 300), (720, 776), (301, 1000)]


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height * width).integers(0, 256, (height, width)).astype(np.uint8)


@pytest.mark.parametrize("size", [32, 64, 224])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_every_pixel_is_the_one_that_opencv_gives(height: int, width: int, size: int) -> None:
    halves = (noise(height, width) // 128 * 255).astype(np.uint8)  # many sums end in one half
    for image in (noise(height, width), plain_view(1, height, width), halves):
        expected = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(shrink(image, size), expected)


def test_windows_and_arrays_that_cannot_be_written_to_are_taken() -> None:
    image = noise(120, 150)
    window = image[7:110, 3:141]
    expected = cv2.resize(window, (48, 48), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(shrink(window, 48), expected)
    image.flags.writeable = False
    np.testing.assert_array_equal(shrink(image[7:110, 3:141], 48), expected)


def test_on_this_machine_the_compiled_loop_is_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinking, "_by_opencv", None)
    assert shrink(noise(97, 131), 64).shape == (64, 64)


@pytest.mark.parametrize(("length", "size"), [(97, 64), (1000, 724), (1670, 224), (64, 64)])
def test_the_shares_of_a_cell_add_up_to_one_and_its_pixels_lie_inside(length: int, size: int) -> None:
    first, number, weight = cells(length, size)
    np.testing.assert_allclose(weight.sum(axis=1), 1.0, atol=2e-3)
    assert first.min() == 0
    assert (first + number).max() == length
