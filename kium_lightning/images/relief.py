"""By how much thin strokes stand out from what is around them."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box, GreyImage

_SQUARE = np.ones((17, 17), np.uint8)  # pixels; wider than the strokes of letters 40 pixels high
_NEARBY = 13  # steps: the neighbourhood of a line of text
_NEARBY_STEP = 4  # pixels
_COARSE = 48  # places along each side
_ROUNDING = 0.01  # grey values: of sums of float32

Relief = NDArray[np.float32]


def bright_relief(image: GreyImage, picture: Box, background: Relief) -> Relief:
    """By how much thin strokes outshine both their neighbourhood and the picture's background, shape (H, W).

    The gap between two vessels outshines its neighbourhood only, noise on a bright blob the picture's background only.

    Args:
        image: grey values of shape (H, W).
        picture: where the picture lies.
        background: of the picture, from `coarse_background`.
    """
    relief = cv2.morphologyEx(image, cv2.MORPH_TOPHAT, _SQUARE).astype(np.float32)
    inside = image[picture.slices]
    above = _enlarged(background, inside)
    np.maximum(above, _usual_nearby(inside), out=above)
    np.subtract(inside, above, out=above)
    np.minimum(relief[picture.slices], above, out=relief[picture.slices])
    return relief  # in the margins nothing outshines its neighbourhood by more than it is bright


def highest_bright_relief(image: GreyImage, picture: Box, background: Relief) -> float:
    """A bound that nothing in the bright relief exceeds; most pictures have nothing much brighter than background."""
    left, top, right, bottom = picture
    margins = image[:top], image[bottom:], image[:, :left], image[:, right:]
    inside = image[picture.slices]
    outside = max((float(margin.max()) for margin in margins if margin.size), default=0.0)
    return max(outside, float(inside.max()) - float(background.min()) + _ROUNDING)


def _usual_nearby(picture: GreyImage) -> GreyImage:
    """The median grey around each pixel, shape (H, W), from every few pixels; letters are the lesser part of a line."""
    height, width = picture.shape
    coarse = cv2.medianBlur(np.ascontiguousarray(picture[::_NEARBY_STEP, ::_NEARBY_STEP]), _NEARBY)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _enlarged(background: Relief, picture: GreyImage) -> Relief:
    height, width = picture.shape
    return np.asarray(cv2.resize(background, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def dark_relief(image: GreyImage, picture: Box) -> Relief:
    """By how much thin strokes within the picture are darker than their neighbourhood, shape (H, W)."""
    relief = np.zeros(image.shape, np.float32)
    relief[picture.slices] = dark_relief_inside(image[picture.slices])
    return relief


def dark_relief_inside(picture: GreyImage) -> GreyImage:
    """By how much thin strokes are darker than their neighbourhood, whole grey values, shape (H, W)."""
    return np.asarray(cv2.morphologyEx(picture, cv2.MORPH_BLACKHAT, _SQUARE), np.uint8)


@cache
def _terms() -> NDArray[np.float64]:
    """The terms of second order at each place of a coarse picture, shape (places, 6)."""
    rows, columns = (axis.ravel() for axis in np.mgrid[-1 : 1 : 1j * _COARSE, -1 : 1 : 1j * _COARSE])
    return np.stack([np.ones_like(rows), rows, columns, rows**2, rows * columns, columns**2], axis=1)


def coarse_background(picture: GreyImage) -> Relief:
    """Fits a smooth surface of second order to the grey of a picture without its vessels, shape (48, 48)."""
    small = cv2.resize(picture, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    terms = _terms()
    kept = small >= _median(small)
    for _ in range(6):
        used = terms[kept]
        weights = np.linalg.solve(used.T @ used, used.T @ small[kept])  # six well-scaled terms: no need of an SVD
        residual = small - terms @ weights
        spread = max(2.0, 1.5 * _median(np.abs(residual[kept])))
        before, kept = kept, np.abs(residual) < 2 * spread
        if kept.sum() < 64 or np.array_equal(kept, before):  # nothing changes any more
            break
    return (terms @ weights).reshape(_COARSE, _COARSE).astype(np.float32)


def _median(values: NDArray[np.float64]) -> float:
    """The median, as `numpy.median` gives it, which takes longer to start than so few take to sort."""
    middle = len(values) // 2
    ordered = np.partition(values, (middle - 1, middle))
    return float(ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)
