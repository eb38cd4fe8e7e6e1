"""Where the picture lies on its film: the box inside dark margins and borders.

The report slices the image along a horizontal and a vertical line through the centre and cuts where grey begins. Here
each position along such a line is judged by many parallel lines at once, so that a vessel on the centre line, a mark
or text in a margin does not count, and grey is told from dark by the sharp step between them, not by a fixed value.
"""

import math
from collections.abc import Callable
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.order_statistics import column_quantiles, profile_quantile

_Profile = NDArray[np.float64]

_LINES = 96  # so many parallel lines judge as well as all of them
_GOLDEN_RATIO = 0.6180339887498949
_COARSE_BAND = 0.08  # half-width of the first band of lines, of the size: inside the picture with margins of 40 %
_REFINED_BAND = 0.3  # of the picture found first: leaves out the corners, which a collimator rounds off
_REACH = 0.45  # no margin is wider than this part of the size
_GREY_SHARE = 0.65  # quantile over the parallel lines: a mark or text must not lie on 35 % of them, a vessel on 65 %
_STEP = 1.3  # the picture's grey over the margin's, at least
_LEAST_LEVEL = 0.2  # of the picture's usual grey: what is darker inside a step is a mark in the margin
_WINDOW = 4  # pixels on either side of a step; compression smears an edge over two or three
_DARK_BETWEEN = 0.6  # share of the positions between two possible edges that must be dark to take the inner one
_DARK_OUTSIDE = 0.85  # share of the lines beyond an edge that must be darker than the picture
_RUN = 31  # pixels: bright runs of text are shorter, those of a picture are longer
_PICTURE_LEVEL = 0.75  # a line belongs to the picture once it is this bright against the lines that follow it


def find_picture_box(image: GreyImage) -> Box:
    """Finds the box inside the dark margins and borders of an image.

    Args:
        image: grey values of shape (H, W).

    Returns:
        The picture's box; the whole image where there are no margins. Each side is found by itself.
    """
    coarse = _box_seen_from(image, Box.whole(image), _COARSE_BAND)
    return _box_seen_from(image, coarse, _REFINED_BAND)


def _box_seen_from(image: GreyImage, picture: Box, half_width: float) -> Box:
    height, width = image.shape
    columns = _lines(picture.left, picture.right, half_width)
    rows = _lines(picture.top, picture.bottom, half_width)
    turned = np.ascontiguousarray(image[:, columns].T)
    left, right = _margins(image[rows, :], lambda: _opened_rows(image, rows))
    top, bottom = _margins(turned, lambda: _opened_columns(image, columns))
    return Box(left, top, width - right, height - bottom)


def _opened_rows(image: GreyImage, rows: NDArray[np.int64]) -> GreyImage:
    """The rows of an image without bright runs that are short down the columns, shape (rows, W)."""
    start = max(0, int(rows.min()) - _RUN + 1)
    band = image[start : int(rows.max()) + _RUN]  # what lies further cannot reach these rows
    return np.asarray(cv2.morphologyEx(band, cv2.MORPH_OPEN, np.ones((_RUN, 1), np.uint8)), np.uint8)[rows - start]


def _opened_columns(image: GreyImage, columns: NDArray[np.int64]) -> GreyImage:
    """The columns of an image without bright runs that are short along the rows, shape (columns, H)."""
    start = max(0, int(columns.min()) - _RUN + 1)
    band = image[:, start : int(columns.max()) + _RUN]
    opened = cv2.morphologyEx(band, cv2.MORPH_OPEN, np.ones((1, _RUN), np.uint8))
    return np.ascontiguousarray(np.asarray(opened, np.uint8)[:, columns - start].T)


def _margins(lines: GreyImage, without_runs: Callable[[], GreyImage]) -> tuple[int, int]:
    """Counts the positions at both ends of lines that lie outside the picture, with or without text on them.

    Wide rows of bright text in a margin look like the picture's edge, but only as long as short bright runs count;
    without them dense dark text along the picture's edge looks like margin. The usual grey decides between the two.

    Args:
        lines: grey values of shape (lines, positions).
        without_runs: gives the same lines without their short bright runs.
    """
    profile = column_quantiles(lines, _GREY_SHARE)
    start, end = _margin_width(profile), _margin_width(profile[::-1])
    # Without runs the lines are no brighter, so that the level asked of a margin found there is no higher than this.
    is_darker = _is_darker(lines, _PICTURE_LEVEL * float(profile.max()))
    more_at_start, more_at_end = _may_go_on(is_darker, start), _may_go_on(is_darker[::-1], end)
    if more_at_start or more_at_end:
        runs = without_runs()
        profile = column_quantiles(runs, _GREY_SHARE)
        if more_at_start:
            start = _margin_beside_text(start, lines, profile)
        if more_at_end:
            end = _margin_beside_text(end, lines[:, ::-1], profile[::-1])
    return start, end


def _margin_beside_text(width: int, lines: GreyImage, profile: _Profile) -> int:
    """The margin that the profile without runs shows, if it is wider than that of all, and dark in between."""
    further = _margin_width(profile)
    if further <= width:
        return width
    level = _PICTURE_LEVEL * float(np.median(profile[further : further + _WINDOW]))
    is_dark = np.median(lines[:, width:further], axis=0) < level
    return further if is_dark.mean() >= _DARK_BETWEEN else width


def _is_darker(lines: GreyImage, level: float) -> NDArray[np.bool_]:
    """Where the median over the lines may be below a level: about half of them are, shape (positions,)."""
    below = (lines < np.uint8(min(255, math.ceil(level)))).view(np.uint8)
    return np.asarray(np.add.reduce(below, axis=0, dtype=np.uint8) >= len(lines) // 2)


def _may_go_on(is_darker: NDArray[np.bool_], width: int) -> bool:
    """Whether some wider margin may be dark between its edge and a width."""
    between = np.cumsum(is_darker[width : int(len(is_darker) * _REACH)])
    return bool((between / np.arange(1, len(between) + 1) >= _DARK_BETWEEN).any())


def _lines(start: int, stop: int, half_width: float) -> NDArray[np.int64]:
    """Chooses lines of the band around the centre: all, or so many, spread unevenly so that no row of marks fits."""
    centre, half = (start + stop) // 2, max(1, round((stop - start) * half_width))
    band = np.arange(max(start, centre - half), min(stop, centre + half))
    if len(band) <= _LINES:
        return band
    return band[(np.arange(_LINES) * _GOLDEN_RATIO % 1.0 * len(band)).astype(np.int64)]


def _margin_width(profile: _Profile) -> int:
    """Counts the positions at the start of a profile that lie outside the picture."""
    picture_level = profile_quantile(profile, _GREY_SHARE)
    count = max(2, int(len(profile) * _REACH)) - 1  # of possible edges: before position 1, 2, ...
    near = np.minimum(profile[: count + _WINDOW], picture_level)  # a step up to bright text in the picture is no edge
    inside = _least_ahead(near, count)
    outside = _usual_before(near, count)  # a mark there is a line wide
    step = inside - outside
    possible = np.flatnonzero((step > 0) & (inside >= _STEP * outside) & (inside >= _LEAST_LEVEL * picture_level))
    for position in possible[np.argsort(-step[possible], kind="stable")].tolist():
        edge = int(position) + 1
        if np.mean(near[:edge] < _PICTURE_LEVEL * inside[position]) >= _DARK_OUTSIDE:
            return edge
    return 0


def _least_ahead(profile: _Profile, count: int) -> _Profile:
    """The least value of the window behind each edge, the last value repeated at the end, shape (count,)."""
    ahead = np.concatenate([profile, np.repeat(profile[-1:], _WINDOW)])
    return np.asarray(np.minimum.reduce([ahead[shift : shift + count] for shift in range(1, 1 + _WINDOW)]))


def _usual_before(profile: _Profile, count: int) -> _Profile:
    """The median of the window before each edge, cut short at the start, shape (count,)."""
    usual = np.array([median(profile[:edge].tolist()) for edge in range(1, min(_WINDOW, count + 1))])
    if count < _WINDOW:
        return usual
    one, two, three, four = (profile[shift : shift + count + 1 - _WINDOW] for shift in range(_WINDOW))
    lower = np.maximum(np.minimum(one, two), np.minimum(three, four))
    upper = np.minimum(np.maximum(one, two), np.maximum(three, four))
    return np.concatenate([usual, (lower + upper) / 2])
