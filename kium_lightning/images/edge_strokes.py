"""Remains of letters along a picture's edges, wherever in the picture the certain text is."""

from collections.abc import Sequence

import cv2
import numpy as np

from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.order_statistics import quantile

_BACKGROUND = 31  # pixels: the neighbourhood whose median is the background
_SHALLOW = 3  # pixels: the feet of letters that stand in the margin
_HIDDEN = 6  # pixels: as much of a stroke's beginning a covered mark may hide
_BLACK = 15.0  # grey of dark text in the picture below bright text in the margin; no vessel fades out so dark
_SAME_GREY = 25  # grey values between a stroke's core and certain text; compression takes some of it
_CORE = 0.3  # beyond the median: the quantile that is a stroke's core
_LEAST_STROKE = 12  # pixels: what is smaller is noise
_LEAST_AREA = 2  # pixels
_GAP = 0.7  # of the depth: shallow strokes no farther apart are feet of one word
_LONGEST = 4.0  # of the depth: what is longer is the edge itself, or a vessel along it
_PADDING = 4  # pixels


def greys_of(image: GreyImage, lines: Sequence[Box]) -> list[float]:
    """The grey of the letters in each of some lines of text, the extreme that is farther from the line's usual grey."""
    greys = []
    for line in lines:
        low, usual, high = np.percentile(image[line.slices], (3, 50, 97)).tolist()
        greys.append(high if high - usual > usual - low else low)
    return greys


def strokes_at_edges(picture: GreyImage, greys: Sequence[float], depth: int, contrast: float) -> list[Box]:
    """Finds strokes that touch an edge of a picture and end soon: of the grey of certain text, or very shallow.

    Args:
        picture: grey values of shape (H, W), without margins.
        greys: of the certain text.
        depth: how far a stroke may reach into the picture, in pixels.
        contrast: grey values by which a stroke differs from the background, at least.

    Returns:
        The boxes to cover.
    """
    height, width = picture.shape
    found = set()
    for turned in range(4):  # each edge in turn becomes the top one
        strip = np.ascontiguousarray(np.rot90(picture, turned)[: 2 * depth])
        found |= {box.turned_back(turned, height, width) for box in _ending_soon(strip, depth, greys, contrast)}
    return [box.grown(_PADDING, _PADDING).within(Box.whole(picture)) for box in sorted(found)]


def _ending_soon(strip: GreyImage, depth: int, greys: Sequence[float], contrast: float) -> list[Box]:
    """The strokes at the top of a strip that end within a depth, on plain background, and have a letter's grey."""
    rim = _BACKGROUND // 2  # mirrored, since repeating the outermost row would let its letters fill the neighbourhood
    framed = cv2.copyMakeBorder(strip, rim, rim, rim, rim, cv2.BORDER_REFLECT)
    # Only what begins in the first rows counts; where nothing does, the other rows need no background.
    first = _SHALLOW + 1
    behind = cv2.medianBlur(framed[: first + 2 * rim], _BACKGROUND)[rim:-rim, rim:-rim][:first]
    if (cv2.absdiff(np.ascontiguousarray(strip[:first]), behind) <= contrast).all():
        return []
    background = cv2.medianBlur(framed, _BACKGROUND)[rim:-rim, rim:-rim]
    apart = strip.astype(np.int16) - background
    is_plain = np.abs(background.astype(np.int16) - int(np.median(background))) <= contrast
    shallow: list[Box] = []
    deep: list[Box] = []
    elsewhere = ~is_plain
    for sign in (1, -1):
        mask = sign * apart > contrast
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
        for number, (x, y, wide, high, area) in enumerate(stats[1:].tolist(), start=1):
            box = Box(x, y, x + wide, y + high)
            inside = labels[box.slices] == number
            if y > _SHALLOW or box.bottom > depth or wide > _LONGEST * depth:
                elsewhere[box.slices] |= inside & (area >= _LEAST_STROKE)
                continue
            pixels = np.sort(strip[box.slices][inside])
            core = quantile(pixels, 0.5 + sign * _CORE)
            if area >= _LEAST_AREA and any(abs(core - grey) <= _SAME_GREY for grey in (*greys, _BLACK)):
                (shallow if box.bottom <= _SHALLOW else deep).append(box)
    boxes = deep + _words(shallow, round(_GAP * depth))
    return [
        box for box in boxes if not elsewhere[box.grown(depth // 2, depth // 2).within(Box.whole(strip)).slices].any()
    ]


def _words(feet: Sequence[Box], gap: int) -> list[Box]:
    """Joins boxes along an edge that lie no farther apart than a gap."""
    words: list[Box] = []
    for foot in sorted(feet):
        if words and foot.left - words[-1].right <= gap:
            words[-1] = words[-1].joined(foot)
        else:
            words.append(foot)
    return words
