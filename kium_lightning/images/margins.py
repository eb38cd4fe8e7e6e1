"""Where the picture lies on its film: the box inside dark margins and borders.

The report slices the image along a horizontal and a vertical line through the centre and cuts where grey begins. Here
each position along such a line is judged by many parallel lines at once, so that a vessel on the centre line, a mark
or text in a margin does not count, and grey is told from dark by the sharp step between them, not by a fixed value.
"""

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from kium_lightning.images.box import Box, GreyImage

_Profile = NDArray[np.float64]

_LINES = 96  # so many parallel lines judge as well as all of them
_GOLDEN_RATIO = 0.6180339887498949
_COARSE_BAND = 0.08  # half-width of the first band of lines, of the size: inside the picture with margins of 40 %
_REFINED_BAND = 0.3  # of the picture found first: leaves out the corners, which a collimator rounds off
_REACH = 0.45  # no margin is wider than this part of the size
_GREY_SHARE = 65  # percentile over the parallel lines: a mark or text must not lie on 35 % of them, a vessel on 65 %
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
    tall = _opened(image, (_RUN, 1))[rows, :]
    wide = _opened(image, (1, _RUN))[:, columns]
    across, down = image[rows, :], image[:, columns]
    return Box(
        _margin_beside_text(across.T, tall.T),
        _margin_beside_text(down, wide),
        width - _margin_beside_text(across.T[::-1], tall.T[::-1]),
        height - _margin_beside_text(down[::-1], wide[::-1]),
    )


def _opened(image: GreyImage, size: tuple[int, int]) -> GreyImage:
    return np.asarray(cv2.morphologyEx(image, cv2.MORPH_OPEN, np.ones(size, np.uint8)), np.uint8)


def _margin_beside_text(lines: GreyImage, runs: GreyImage) -> int:
    """Counts the positions at the start of lines that lie outside the picture, with or without text on them.

    Wide rows of bright text in a margin look like the picture's edge, but only as long as short bright runs count;
    without them dense dark text along the picture's edge looks like margin. The usual grey decides between the two.

    Args:
        lines: grey values of shape (positions, lines).
        runs: the same without their short bright runs.
    """
    width = _margin_width(np.percentile(lines, _GREY_SHARE, axis=1))
    profile = np.percentile(runs, _GREY_SHARE, axis=1)
    further = _margin_width(profile)
    if further <= width:
        return width
    level = _PICTURE_LEVEL * float(np.median(profile[further : further + _WINDOW]))
    is_dark = np.median(lines[width:further], axis=1) < level
    return further if is_dark.mean() >= _DARK_BETWEEN else width


def _lines(start: int, stop: int, half_width: float) -> NDArray[np.int64]:
    """Chooses lines of the band around the centre: all, or so many, spread unevenly so that no row of marks fits."""
    centre, half = (start + stop) // 2, max(1, round((stop - start) * half_width))
    band = np.arange(max(start, centre - half), min(stop, centre + half))
    if len(band) <= _LINES:
        return band
    return band[(np.arange(_LINES) * _GOLDEN_RATIO % 1.0 * len(band)).astype(np.int64)]


def _margin_width(profile: _Profile) -> int:
    """Counts the positions at the start of a profile that lie outside the picture."""
    picture_level = float(np.percentile(profile, _GREY_SHARE))
    profile = np.minimum(profile, picture_level)  # a step up from the picture to bright text in it is no edge
    edges = np.arange(1, max(2, int(len(profile) * _REACH)))
    # Windows before and behind each edge, cut short at the profile's ends by repeating or leaving out.
    ahead = np.pad(profile, (0, _WINDOW), mode="edge")
    inside = sliding_window_view(ahead, _WINDOW)[edges].min(axis=1)
    before = np.pad(profile, (_WINDOW, 0), constant_values=np.nan)
    outside = np.nanmedian(sliding_window_view(before, _WINDOW)[edges], axis=1)  # a mark there is a line wide
    step = inside - outside
    possible = (step > 0) & (inside >= _STEP * outside) & (inside >= _LEAST_LEVEL * picture_level)
    for position in np.argsort(-step, kind="stable"):
        if not possible[position]:
            continue
        edge = int(edges[position])
        if np.mean(profile[:edge] < _PICTURE_LEVEL * inside[position]) >= _DARK_OUTSIDE:
            return edge
    return 0
