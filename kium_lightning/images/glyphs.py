"""Candidate letters: thin strokes of burnt-in grey that stand by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box, GreyImage

_STROKE = 17  # pixels; wider than the strokes of letters 40 pixels high
_NEARBY = 13  # steps: the neighbourhood of a line of text
_NEARBY_STEP = 4  # pixels
_NOISE_FACTOR = 4.0  # standard deviations of the noise that a stroke must rise above it
_NOISE_STEP = 4  # every fourth pixel of every fourth row suffices to estimate the noise
_LEAST_CONTRAST = 18.0  # grey values; compression rings by less beside a vessel
_LEVEL_FACTOR = 2.0  # from one level to the next: letters that compression joined come apart at a higher one
_HALO = 0.2  # of a stroke's peak relief: what is found below that is what compression left around the stroke
_LETTER_HEIGHTS = (4, 56)  # pixels
_LEAST_AREA = 5  # pixels
_RUN_TOGETHER = 14  # pixels: letters up to this height run together
_STROKES_OF_LETTER = 2

Relief = NDArray[np.float32]


class Components(NamedTuple):
    """Connected strokes: the number of the stroke at each pixel, shape (H, W), and OpenCV's statistics of each."""

    labels: NDArray[np.int32]
    stats: NDArray[np.int32]


@dataclass(frozen=True)
class Glyph:
    """A connected stroke.

    Attributes:
        box: its pixels' bounding box.
        grey: the grey value at its core.
        grown_height: the height of what it belongs to at half the contrast; a piece of a vessel grows, a letter hardly.
        relief: by how much the core stands out.
        letters: how many letters it may be; compression runs small ones together.
    """

    box: Box
    grey: float
    relief: float
    grown_height: int
    letters: int


def bright_relief(image: GreyImage, picture: Box) -> Relief:
    """By how much thin strokes outshine both their neighbourhood and the picture's background, shape (H, W).

    The gap between two vessels outshines its neighbourhood only, noise on a bright blob the picture's background only.
    """
    kernel = np.ones((_STROKE, _STROKE), np.uint8)
    local = cv2.morphologyEx(image, cv2.MORPH_TOPHAT, kernel).astype(np.float32)
    above = image.astype(np.float32)
    inside = image[picture.slices]
    above[picture.slices] -= np.maximum(background_of(inside), _usual_nearby(inside))
    return np.minimum(local, above)


def _usual_nearby(picture: GreyImage) -> Relief:
    """The median grey around each pixel, shape (H, W), from every few pixels; letters are the lesser part of a line."""
    height, width = picture.shape
    coarse = cv2.medianBlur(np.ascontiguousarray(picture[::_NEARBY_STEP, ::_NEARBY_STEP]), _NEARBY)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def dark_relief(image: GreyImage, picture: Box) -> Relief:
    """By how much thin strokes within the picture are darker than their neighbourhood, shape (H, W)."""
    relief = np.zeros(image.shape, np.float32)
    kernel = np.ones((_STROKE, _STROKE), np.uint8)
    relief[picture.slices] = cv2.morphologyEx(image[picture.slices], cv2.MORPH_BLACKHAT, kernel)
    return relief


def background_of(picture: GreyImage) -> Relief:
    """Fits a smooth surface of second order to the grey of a picture without its vessels, shape (H, W)."""
    height, width = picture.shape
    small = cv2.resize(picture, (48, 48), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    rows, columns = (axis.ravel() for axis in np.mgrid[-1:1:48j, -1:1:48j])
    terms = np.stack([np.ones_like(rows), rows, columns, rows**2, rows * columns, columns**2], axis=1)
    kept = small >= np.median(small)
    for _ in range(6):
        used = terms[kept]
        weights = np.linalg.solve(used.T @ used, used.T @ small[kept])  # six well-scaled terms: no need of an SVD
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
    noise = (pixels - cv2.GaussianBlur(pixels, (0, 0), 3))[::_NOISE_STEP, ::_NOISE_STEP]
    deviation = 1.4826 * float(np.median(np.abs(noise)))
    return max(_LEAST_CONTRAST, _NOISE_FACTOR * deviation)


def find_glyphs(image: GreyImage, relief: Relief, least: float, levels: int | None = None) -> list[list[Glyph]]:
    """Finds the connected strokes of a letter's size at rising levels of relief, one list for each level.

    Args:
        image: grey values of shape (H, W).
        relief: by how much strokes stand out, shape (H, W).
        least: the first level.
        levels: how many levels, at most; all up to the highest relief if None.
    """
    found: list[list[Glyph]] = []
    level, highest = least, float(relief.max())
    grown: Components | None = None
    while level < highest and (levels is None or len(found) < levels):
        grown = grown or _components(relief > level / _LEVEL_FACTOR)
        strokes = _components(relief > level)
        found.append(_glyphs_above(image, relief, level, strokes, grown))
        grown = strokes  # the levels are spaced so that each is what the next one's strokes are grown to
        level *= _LEVEL_FACTOR
    return found


def _glyphs_above(
    image: GreyImage, relief: Relief, level: float, strokes: Components, grown: Components
) -> list[Glyph]:
    lowest, highest = _LETTER_HEIGHTS
    heights = strokes.stats[:, cv2.CC_STAT_HEIGHT]
    is_letter = (heights >= lowest) & (heights <= highest) & (strokes.stats[:, cv2.CC_STAT_AREA] >= _LEAST_AREA)
    glyphs = []
    for number in np.flatnonzero(is_letter[1:]).tolist():
        x, y, width, height, _ = strokes.stats[number + 1].tolist()
        box = Box(x, y, x + width, y + height)
        inside = strokes.labels[box.slices] == number + 1
        rise = relief[box.slices]
        ordered = np.sort(rise[inside])
        core_level, peak = quantile(ordered, 0.7), quantile(ordered, 0.85)
        if level < _HALO * peak:
            continue
        core = np.sort(image[box.slices][inside & (rise >= core_level)])
        letters = _letters(inside & (rise > 0.5 * peak)) if box.height <= _RUN_TOGETHER else 1
        parent = int(grown.labels[box.slices][inside][0])
        grown_height = int(grown.stats[parent, cv2.CC_STAT_HEIGHT])
        glyphs.append(Glyph(box, quantile(core, 0.5), peak, grown_height, letters))
    return glyphs


def quantile(ordered: Sequence[float] | NDArray[np.generic], share: float) -> float:
    """The quantile of sorted values, interpolated; NumPy's own takes longer to start than so few take to sort."""
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (position - low) * (ordered[high] - ordered[low]))


def _letters(strokes: NDArray[np.bool_]) -> int:
    """Counts the letters in a component by the strokes side by side in its rows; a piece of a vessel has one or two."""
    starts = strokes[:, 1:] & ~strokes[:, :-1]
    in_row = starts.sum(axis=1) + strokes[:, 0]
    return max(1, int(quantile(np.sort(in_row), 0.75)) // _STROKES_OF_LETTER)


def _components(mask: NDArray[np.bool_]) -> Components:
    # Grana's algorithm labels these sparse masks three times as fast as the default.
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        mask.view(np.uint8), 8, cv2.CV_32S, cv2.CCL_GRANA
    )
    return Components(np.asarray(labels), np.asarray(stats))
