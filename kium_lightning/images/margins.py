"""Where the picture lies on its film: the box inside dark margins and borders.

The report slices the image along a horizontal and a vertical line through the centre and cuts where grey begins. Here
each position along such a line is judged by many parallel lines at once, so that a vessel on the centre line, a mark
or text in a margin does not count, and grey is told from dark by the sharp step between them, not by a fixed value.
"""

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
_DARK_OUTSIDE = 0.85  # share of the lines beyond an edge that must be darker than the picture
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
    across = np.percentile(image[rows, :], _GREY_SHARE, axis=0)
    down = np.percentile(image[:, columns], _GREY_SHARE, axis=1)
    return Box(
        _margin_width(across),
        _margin_width(down),
        width - _margin_width(across[::-1]),
        height - _margin_width(down[::-1]),
    )


def _lines(start: int, stop: int, half_width: float) -> NDArray[np.int64]:
    """Chooses lines of the band around the centre: all, or so many, spread unevenly so that no row of marks fits."""
    centre, half = (start + stop) // 2, max(1, round((stop - start) * half_width))
    band = np.arange(max(start, centre - half), min(stop, centre + half))
    if len(band) <= _LINES:
        return band
    return band[(np.arange(_LINES) * _GOLDEN_RATIO % 1.0 * len(band)).astype(np.int64)]


def _margin_width(profile: _Profile) -> int:
    """Counts the positions at the start of a profile that lie outside the picture."""
    edges = np.arange(1, max(2, int(len(profile) * _REACH)))
    # Windows before and behind each edge, cut short at the profile's ends by repeating or leaving out.
    ahead = np.pad(profile, (0, _WINDOW), mode="edge")
    inside = sliding_window_view(ahead, _WINDOW)[edges].min(axis=1)
    before = np.pad(profile, (_WINDOW, 0), constant_values=np.nan)
    outside = np.nanmedian(sliding_window_view(before, _WINDOW)[edges], axis=1)  # a mark there is a line wide
    step = inside - outside
    picture_level = float(np.percentile(profile, _GREY_SHARE))
    possible = (step > 0) & (inside >= _STEP * outside) & (inside >= _LEAST_LEVEL * picture_level)
    for position in np.argsort(-step, kind="stable"):
        if not possible[position]:
            continue
        edge = int(edges[position])
        if np.mean(profile[:edge] < _PICTURE_LEVEL * inside[position]) >= _DARK_OUTSIDE:
            return edge
    return 0
