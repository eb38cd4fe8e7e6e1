"""Dashes and ticks that a console draws along a picture's edges."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box, GreyImage

_STRIP = 9  # pixels along an edge in which marks are looked for; what reaches its inner side is no mark
_ALONG = 11  # pixels: dashes are shorter along the edge, even where the edge's own smear joins them
_ACROSS = 5  # pixels: they are thinner across it
_THINNEST = 3  # pixels: a mark is at most that thick in one direction
_LONGEST = 24  # pixels
_FEWEST = 8  # marks in a row
_SPACING = 0.2  # by how much of itself the spacing may vary
_REGULAR = 0.75  # share of the spacings that must be regular; vessels hide some marks


def find_marks(picture: GreyImage, contrast: float) -> list[Box]:
    """Finds the rows of dashes and ticks along the four edges of a picture.

    Marks are told from vessels by being short, thin and evenly spaced.

    Args:
        picture: grey values of shape (H, W), without margins.
        contrast: grey values by which a mark differs from its neighbourhood, at least.

    Returns:
        A box around each mark, a pixel wider than the mark on each side.
    """
    height, width = picture.shape
    marks = []
    for turned in range(4):  # each edge in turn becomes the top one
        strip = np.ascontiguousarray(np.rot90(picture, turned)[:_STRIP])
        for operation in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
            for kernel in ((1, _ACROSS), (_ALONG, 1)):
                relief = cv2.morphologyEx(strip, operation, np.ones(kernel[::-1], np.uint8))
                highest = float(relief.max())
                levels = {contrast, max(contrast, 0.5 * highest)}  # the ringing beside a mark is faint
                for level in levels if highest > contrast else ():
                    marks += [box.turned_back(turned, height, width) for box in _marks_in(relief > level)]
    return _apart(mark.grown(1, 1).within(Box.whole(picture)) for mark in marks)


def _marks_in(mask: NDArray[np.bool_]) -> list[Box]:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    if len(stats) <= _FEWEST:  # the first one is the background
        return []
    _, top, width, height, _ = stats[1:].T
    is_mark = (top + height < _STRIP) & (np.minimum(width, height) <= _THINNEST) & (width <= _LONGEST)
    if np.count_nonzero(is_mark) < _FEWEST:
        return []
    boxes = sorted(Box(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:][is_mark].tolist())
    rows: dict[int, list[Box]] = {}
    for box in boxes:
        rows.setdefault(box.bottom, []).append(box)
    marks = []
    for bottom in rows:
        row = sorted(box for near in (bottom - 1, bottom, bottom + 1) for box in rows.get(near, []))
        if len(row) >= _FEWEST and _is_regular(row):
            marks += row
    return marks


def _is_regular(row: list[Box]) -> bool:
    starts = np.array([box.left for box in row])
    spacings = np.diff(starts)
    usual = float(np.median(spacings))
    if usual < 3:
        return False
    even = np.abs(spacings - usual) <= max(1.0, _SPACING * usual)
    widths = np.array([box.width for box in row])
    alike = np.abs(widths - np.median(widths)) <= 2
    return bool(even.mean() >= _REGULAR and alike.mean() >= _REGULAR)


def _apart(boxes: Iterable[Box]) -> list[Box]:
    """Joins boxes that share pixels: what is one mark may be seen as bright and as dark, from two edges."""
    apart: list[Box] = []
    for box in sorted(set(boxes)):
        if apart and apart[-1].meets(box) and apart[-1].joined(box).width <= _LONGEST:
            apart[-1] = apart[-1].joined(box)
        else:
            apart.append(box)
    return apart
