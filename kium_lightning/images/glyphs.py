"""Candidate letters: thin strokes of burnt-in grey that stand by themselves."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box, GreyImage

_STROKE = 17  # pixels; wider than the strokes of letters 40 pixels high
_NOISE_FACTOR = 5.0  # standard deviations of the noise that a stroke must rise above it
_LEAST_CONTRAST = 20.0  # grey values; compression rings by less beside a vessel
_LEVELS = (1.0, 2.0, 4.0)  # of the least contrast: small letters that compression joined come apart at a higher one
_LETTER_HEIGHTS = (4, 64)  # pixels
_LEAST_AREA = 5  # pixels

Relief = NDArray[np.float32]


@dataclass(frozen=True)
class Glyph:
    """A connected stroke.

    Attributes:
        box: its pixels' bounding box.
        grey: the grey value at its core.
        grown_height: the height of what it belongs to at half the contrast; a piece of a vessel grows, a letter hardly.
        area: its number of pixels.
    """

    box: Box
    grey: float
    grown_height: int
    area: int


def bright_relief(image: GreyImage, picture: Box) -> Relief:
    """By how much thin strokes outshine both their neighbourhood and the picture's background, shape (H, W).

    The gap between two vessels outshines its neighbourhood only.
    """
    kernel = np.ones((_STROKE, _STROKE), np.uint8)
    local = cv2.morphologyEx(image, cv2.MORPH_TOPHAT, kernel).astype(np.float32)
    above = image.astype(np.float32)
    above[picture.slices] -= background_of(image[picture.slices])
    return np.minimum(local, above)


def dark_relief(image: GreyImage) -> Relief:
    """By how much thin strokes are darker than their neighbourhood, shape (H, W)."""
    kernel = np.ones((_STROKE, _STROKE), np.uint8)
    return np.asarray(cv2.morphologyEx(image, cv2.MORPH_BLACKHAT, kernel), np.float32)


def background_of(picture: GreyImage) -> Relief:
    """Fits a smooth surface of second order to the grey of a picture without its vessels, shape (H, W)."""
    height, width = picture.shape
    small = cv2.resize(picture, (48, 48), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    rows, columns = (axis.ravel() for axis in np.mgrid[-1:1:48j, -1:1:48j])
    terms = np.stack([np.ones_like(rows), rows, columns, rows**2, rows * columns, columns**2], axis=1)
    kept = small >= np.median(small)
    for _ in range(6):
        weights = np.linalg.lstsq(terms[kept], small[kept], rcond=None)[0]
        residual = small - terms @ weights
        spread = max(2.0, 1.5 * float(np.median(np.abs(residual[kept]))))
        kept = np.abs(residual) < 2 * spread
        if kept.sum() < 64:
            break
    surface = (terms @ weights).reshape(48, 48).astype(np.float32)
    return np.asarray(cv2.resize(surface, (width, height), interpolation=cv2.INTER_LINEAR))


def least_contrast(image: GreyImage, picture: Box) -> float:
    """The contrast below which noise and compression make strokes of their own, in grey values."""
    pixels = image[picture.slices].astype(np.float32)
    noise = pixels - cv2.GaussianBlur(pixels, (0, 0), 3)
    deviation = 1.4826 * float(np.median(np.abs(noise)))
    return max(_LEAST_CONTRAST, _NOISE_FACTOR * deviation)


def find_glyphs(image: GreyImage, relief: Relief, level: float) -> list[Glyph]:
    """Finds the connected strokes of a letter's size whose relief exceeds a level."""
    labels, boxes, areas = _components(relief > level)
    grown, grown_boxes, _ = _components(relief > level / 2)
    glyphs = []
    for number, (box, area) in enumerate(zip(boxes, areas, strict=True), start=1):
        if not _LETTER_HEIGHTS[0] <= box.height <= _LETTER_HEIGHTS[1] or area < _LEAST_AREA:
            continue
        inside = labels[box.slices] == number
        core = inside & (relief[box.slices] >= np.percentile(relief[box.slices][inside], 70))
        parent = grown[box.slices][inside][0]
        glyphs.append(
            Glyph(box, float(np.median(image[box.slices][core])), grown_boxes[int(parent) - 1].height, int(area))
        )
    return glyphs


def _components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], list[Box], list[int]]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    boxes = [Box(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, _ in stats[1:]]
    return np.asarray(labels), boxes, [int(area) for area in stats[1:, cv2.CC_STAT_AREA]]
