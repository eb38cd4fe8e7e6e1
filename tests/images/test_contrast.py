import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kium_lightning.images.box import Box
from kium_lightning.images.contrast import least_contrast


def of_the_whole_blur(image: NDArray[np.uint8]) -> float:
    pixels = image.astype(np.float32)
    noise = (pixels - cv2.GaussianBlur(pixels, (0, 0), 3))[::4, ::4]
    return max(18.0, 4 * 1.4826 * float(np.median(np.abs(noise))))


@pytest.mark.parametrize("deviation", [0.0, 2.5, 4.0, 4.5, 5.0, 8.0])
def test_the_noise_of_some_rows_decides_as_that_of_all_does(deviation: float) -> None:
    random = np.random.default_rng(0)
    for _ in range(25):
        height, width = random.integers(1, 120, 2)
        image = np.clip(random.normal(150, deviation, (height, width)), 0, 255).astype(np.uint8)
        image[: height // 2] //= np.uint8(random.integers(1, 4))
        assert least_contrast(image, Box.whole(image)) == of_the_whole_blur(image)


def test_noise_below_a_quiet_upper_part_counts() -> None:
    random = np.random.default_rng(0)
    image = np.full((400, 400), 150, np.uint8)
    image[150:] = np.clip(random.normal(150, 30, (250, 400)), 0, 255)
    assert least_contrast(image, Box.whole(image)) == of_the_whole_blur(image) > 18
