"""The contrast below which noise and compression make strokes of their own."""

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box, GreyImage

_NOISE_FACTOR = 4.0  # standard deviations of the noise that a stroke must rise above it
_NOISE_STEP = 4  # every fourth pixel of every fourth row suffices to estimate the noise
_LEAST_CONTRAST = 18.0  # grey values; compression rings by less beside a vessel
_DEVIATION = 1.4826  # of a normal distribution, over its median absolute deviation
_SIGMA = 3.0  # pixels: of the blur that leaves the noise away
_KERNEL = cv2.getGaussianKernel(25, _SIGMA, cv2.CV_32F).ravel()  # as long as OpenCV makes it for float images
_ALONE = np.ones(1, np.float32)  # leaves the other direction as it is
_REACH = len(_KERNEL) // 2
_FIRST = 0.75  # of the rows: looked at first
_ROUNDING = 0.01  # grey values: two orders of sums of float32 lie far closer to each other than that


def least_contrast(image: GreyImage, picture: Box) -> float:
    """The contrast below which noise and compression make strokes of their own, in grey values."""
    pixels = image[picture.slices]
    if min(pixels.shape) > _REACH and _is_quiet(pixels):
        return _LEAST_CONTRAST
    return max(_LEAST_CONTRAST, _NOISE_FACTOR * _noise_of(pixels))


def _is_quiet(pixels: GreyImage) -> bool:
    """Whether the noise is too low to matter; if so, three quarters of the picture often are enough to tell.

    Args:
        pixels: grey values of shape (H, W), more than half the kernel high and wide.
    """
    quiet = _LEAST_CONTRAST / (_NOISE_FACTOR * _DEVIATION) - _ROUNDING
    rows, columns = (-(-size // _NOISE_STEP) for size in pixels.shape)
    border = cv2.copyMakeBorder(pixels, _REACH, _REACH, _REACH, _REACH, cv2.BORDER_REFLECT_101)
    framed = np.asarray(border, np.uint8)
    low, split = 0, round(_FIRST * rows)
    for start, stop in ((0, split), (split, rows)):
        part = pixels[_NOISE_STEP * start : _NOISE_STEP * stop : _NOISE_STEP, ::_NOISE_STEP]
        if not part.size:
            continue
        noise = part - _blurred_samples(framed[_NOISE_STEP * start :], stop - start, columns)
        low += int(np.count_nonzero(np.abs(noise) <= quiet))
        if 2 * low > rows * columns + 1:  # the median of all is among these, whatever the others are
            return True
    return False


def _noise_of(pixels: GreyImage) -> float:
    """The standard deviation of the noise, without the outliers that vessels make."""
    values = pixels.astype(np.float32)
    noise = (values - cv2.GaussianBlur(values, (0, 0), _SIGMA))[::_NOISE_STEP, ::_NOISE_STEP]
    return _DEVIATION * float(np.median(np.abs(noise)))


def _blurred_samples(framed: GreyImage, rows: int, columns: int) -> NDArray[np.float32]:
    """The blurred image at every fourth pixel of every fourth row, which takes a fifth of the time of all of it.

    Args:
        framed: grey values of an image in a frame as wide as half the kernel, shape (H + 24, W + 24).
        rows: how many of the rows, from the top.
        columns: how many columns.

    Returns:
        Shape (rows, columns), equal to the blurred image but for rounding.
    """
    down = _every_fourth(framed, rows)
    return _every_fourth(np.ascontiguousarray(down.T), columns).T


def _every_fourth(framed: NDArray[np.uint8] | NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The first rows, one of four, of an image blurred down the columns; its frame is as wide as the kernel reaches."""
    length = _NOISE_STEP * count + 2 * _REACH
    total = np.zeros((count, framed.shape[1]), np.float32)
    for phase in range(_NOISE_STEP):  # each takes part with every fourth row and every fourth weight
        weights = _KERNEL[phase::_NOISE_STEP]
        some = cv2.sepFilter2D(
            framed[phase:length:_NOISE_STEP],
            cv2.CV_32F,
            _ALONE,
            weights,
            anchor=(0, 0),
            borderType=cv2.BORDER_REPLICATE,
        )
        cv2.add(total, some[:count], dst=total)
    return total
