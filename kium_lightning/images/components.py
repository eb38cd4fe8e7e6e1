"""Connected strokes: their boxes from their outlines, which takes a sixth of the time of labelling all pixels."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box

Mask = NDArray[np.uint8]
Boxes = NDArray[np.int32]  # shape (strokes, 4): left, top, right, bottom as in `Box`
_FRESH = 2  # what is painted first; 0 and 1 are the mask's own values
_LAST = 255
_MANY_RUNS = 5000


def above(relief: NDArray[np.uint8] | NDArray[np.float32], level: float) -> Mask:
    """Where a relief of whole or broken grey values is above a level of at least 0: 1, elsewhere 0, shape (H, W)."""
    limit = np.float32(level)
    if relief.dtype == np.uint8:
        limit = np.uint8(min(255, math.floor(limit)))  # type: ignore[assignment]
    return (relief > limit).view(np.uint8)


def without_specks(mask: Mask) -> Mask:
    """The mask without pixels of strokes at most three pixels high and wide, where there are thousands of them.

    What has nothing at two pixels' distance is at most that large, so that all strokes that are higher or wider stay
    whole; of smaller ones something may be left.
    """
    if np.count_nonzero(mask[:, 1:] > mask[:, :-1]) < _MANY_RUNS:
        return mask
    near, further = (
        cv2.boxFilter(mask, cv2.CV_8U, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT) for side in (3, 5)
    )
    return np.asarray(mask & (near != further), np.uint8)


def boxes_of(mask: Mask) -> Boxes:
    """The bounding boxes of the strokes, connected over corners too, in no certain order."""
    contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return np.zeros((0, 4), np.int32)
    starts = np.cumsum([0, *map(len, contours[:-1])])
    points = np.concatenate(contours)[:, 0]
    boxes = np.concatenate([np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts) + 1], axis=1)
    is_outer = hierarchy.reshape(-1, 4)[:, 3] < 0  # the others are holes
    return np.asarray(boxes[is_outer], np.int32)


def each(boxes: Boxes) -> list[Box]:
    """The boxes one by one."""
    return [Box(*box) for box in boxes.tolist()]


def stroke_of(mask: Mask, box: Box) -> NDArray[np.bool_]:
    """The pixels within its box of the stroke that has this bounding box, shape (height, width).

    No other stroke that lies in the box in part goes from side to side and from top to bottom too, since it would have
    to cross this one.
    """
    part = mask[box.slices]
    count, _ = cv2.connectedComponents(part, connectivity=8)
    if count == 2:  # background and this one
        return part.view(np.bool_)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    spans = (stats[1:, cv2.CC_STAT_WIDTH] == box.width) & (stats[1:, cv2.CC_STAT_HEIGHT] == box.height)
    return np.asarray(labels == int(spans.argmax()) + 1)


def place_of(stroke: NDArray[np.bool_], box: Box) -> tuple[int, int]:
    """Where a stroke stands in the usual order of strokes, that of their first blocks of two by two pixels.

    Args:
        stroke: its pixels within its box, from `stroke_of`.
        box: its bounding box.
    """
    first = min(int(row.argmax()) for row in stroke[: 2 - box.top % 2])
    return box.top // 2, (box.left + first) // 2


class Growth:
    """How high what strokes belong to is at a lower level; only what is asked for is followed.

    Args:
        relief: by how much strokes stand out, shape (H, W).
        level: the lower level.
    """

    def __init__(self, relief: NDArray[np.uint8] | NDArray[np.float32], level: float) -> None:
        self._relief, self._level = relief, level
        self._mask: Mask | None = None
        self._heights: list[int] = []

    def height_at(self, column: int, row: int) -> int:
        """The height of the component that holds a pixel, which is above the level."""
        if self._mask is None or len(self._heights) + _FRESH > _LAST:
            self._mask, self._heights = above(self._relief, self._level), []
        known = int(self._mask[row, column])
        if known >= _FRESH:
            return self._heights[known - _FRESH]
        fresh = _FRESH + len(self._heights)
        _, _, _, (_, _, _, height) = cv2.floodFill(self._mask, None, (column, row), fresh, flags=8)
        self._heights.append(int(height))
        return int(height)
