"""How far a line of certain text goes on: along its rows, stroke by stroke."""

from collections.abc import Sequence
from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.components import above, boxes_of, each, place_of, stroke_of
from kium_lightning.images.lines import Line
from kium_lightning.images.order_statistics import quantile
from kium_lightning.images.relief import Relief

_GAP = 1.6  # of the letters' height: the widest gap within a line
_BAND = (0.2, 0.8)  # of the height: the rows above and below a line in which a vessel that crosses it is seen
_INK = 15.0  # grey values by which dark letters are darker than a vessel under them, at least
_ROWS = 0.25  # of the height: how far above and below the letters their line reaches
_BESIDE = 0.5  # of the height: how far above and below the rows a stroke may reach
_LEAST_HEIGHT = 0.3  # of the height: what is lower is noise, or a sign between letters
_HIGHEST = 1.6  # of the height: what is higher is a vessel or an edge
_LINE_STEP = 2.5  # of the height: how far the next line of a block is
_LEAST_AREA = 4  # pixels
_WIDEST = 2.5  # of the height: a dark stroke that is wider is a vessel along the line
_GREY_SPREAD = 0.35  # of the stroke's relief: how far its grey lies from the line's


def along_rows(line: Line, image: GreyImage, relief: Relief, level: float, picture: Box, is_dark: bool) -> Box:
    """Follows a line of text to both sides, from the margin into the picture too.

    In the rows of certain text every stroke of its grey belongs to it, be it run together or cut by the picture's edge.

    Args:
        line: letters that are text for certain.
        image: grey values of shape (H, W).
        relief: by how much strokes stand out, shape (H, W).
        level: the least relief of a stroke.
        picture: where the picture lies; strokes are looked for there only.
        is_dark: whether the text is darker than the picture; a stroke that leaves the rows may then be a vessel.

    Returns:
        The box of the line with what belongs to it.
    """
    height = line.height
    box = line.bounds
    room = box.grown(image.shape[1], round(_BESIDE * height)).within(picture)
    if room.is_empty:
        return box
    gap = round(_GAP * height)
    strokes = _strokes(line, image, relief, level, room, is_dark)
    rows = box.grown(image.shape[1], round(_ROWS * height))
    strokes = [stroke.within(rows) for stroke in strokes]
    strokes = [stroke for stroke in strokes if stroke.height >= _LEAST_HEIGHT * height]
    box = _followed(box, strokes, gap)
    if is_dark:
        box = _followed(box, strokes + _ink_over_vessels(box, height, image, picture), gap)
    return box


def _followed(box: Box, strokes: Sequence[Box], gap: int) -> Box:
    """Joins to a box the strokes on its right and left that are each no farther than a gap from what is joined."""
    for stroke in sorted(strokes, key=lambda stroke: stroke.left):
        if stroke.right > box.right and stroke.left <= box.right + gap and stroke.right > box.left:
            box = box.joined(stroke)
    for stroke in sorted(strokes, key=lambda stroke: -stroke.right):
        if stroke.left < box.left and stroke.right >= box.left - gap:
            box = box.joined(stroke)
    return box


def _ink_over_vessels(line: Box, height: float, image: GreyImage, picture: Box) -> list[Box]:
    """Runs of columns in which a line's rows are darker than any vessel that crosses them.

    Letters that touch a vessel make one stroke with it, so that only their greater darkness tells them apart.

    Args:
        line: the letters known so far.
        height: of the letters.
        image: grey values of shape (H, W).
        picture: where to look.
    """
    near, far = (round(part * height) for part in _BAND)
    rows = line.grown(image.shape[1], 0).within(picture)
    bands = [
        Box(rows.left, rows.top - far, rows.right, rows.top - near).within(picture),
        Box(rows.left, rows.bottom + near, rows.right, rows.bottom + far).within(picture),
    ]
    seen = [_darkest(image, band) for band in bands if not band.is_empty]
    if rows.is_empty or not seen:
        return []
    reach = 2 * round(height) + 1
    vessels = cv2.erode(np.min(seen, axis=0)[None], np.ones((1, reach), np.uint8))[0]
    inked = np.concatenate([[0], (_darkest(image, rows) < vessels.astype(np.float32) - _INK).astype(np.int8), [0]])
    starts, ends = np.flatnonzero(np.diff(inked) > 0), np.flatnonzero(np.diff(inked) < 0)
    return [
        Box(rows.left + start, rows.top, rows.left + end, rows.bottom)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def _darkest(image: GreyImage, rows: Box) -> NDArray[np.uint8]:
    """The darkest grey in each column of some rows, noise apart, (W,)."""
    return np.asarray(cv2.blur(image[rows.slices], (3, 3)).min(axis=0), np.uint8)


def bright_strokes_of_block(
    lines: Sequence[Line], image: GreyImage, relief: Relief, level: float, picture: Box
) -> list[Box]:
    """Finds single bright letters above, below and beside certain lines of bright text.

    Nothing in a subtraction is as bright as burnt-in text, so that one stroke of its grey is enough there.

    Args:
        lines: letters that are text for certain.
        image: grey values of shape (H, W).
        relief: by how much strokes stand out, shape (H, W).
        level: the least relief of a stroke.
        picture: where the picture lies; strokes are looked for there only.

    Returns:
        The boxes of the strokes.
    """
    near = np.zeros(relief.shape, np.float32)
    rooms = [_around(line).within(picture) for line in lines]
    rooms = [room for room in rooms if not room.is_empty]
    if not rooms:
        return []
    for room in rooms:
        near[room.slices] = relief[room.slices]
    middle = sorted(lines, key=lambda line: line.height)[len(lines) // 2]
    bounds = reduce(Box.joined, rooms)
    # Strokes are ordered by blocks of two by two pixels, which begin at even places.
    even = Box(bounds.left // 2 * 2, bounds.top // 2 * 2, bounds.right, bounds.bottom)
    strokes = _strokes(middle, image, near, level, even, is_dark=False)
    return [stroke for stroke in strokes if stroke.height <= _HIGHEST * middle.height]


def _around(line: Line) -> Box:
    reach = round(_LINE_STEP * line.height)
    return line.bounds.grown(reach, reach)


def _strokes(line: Line, image: GreyImage, relief: Relief, level: float, room: Box, is_dark: bool) -> list[Box]:
    """The letter-like strokes of the line's grey in a room."""
    height = line.height
    heights, greys = relief[room.slices], image[room.slices]
    mask = above(heights, level)
    boxes = boxes_of(mask)
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    may_be = high >= _LEAST_HEIGHT * height
    if is_dark:
        may_be &= (wide <= _WIDEST * height) & (high < room.height) & (high <= _HIGHEST * height)
    strokes = []
    for stroke in each(boxes[may_be]):
        inside = stroke_of(mask, stroke)
        if np.count_nonzero(inside) < _LEAST_AREA:
            continue
        if _is_of_grey(line, heights[stroke.slices][inside], greys[stroke.slices][inside], is_dark):
            strokes.append((place_of(inside, stroke), stroke.moved(room.left, room.top)))
    return [stroke for _, stroke in sorted(strokes)]


def _is_of_grey(line: Line, relief: NDArray[np.float32], grey: NDArray[np.uint8], is_dark: bool) -> bool:
    """Whether a stroke's core has the line's grey; what is brighter than bright text, or darker than dark, has too."""
    core = quantile(np.sort(grey[relief >= quantile(np.sort(relief), 0.8)]), 0.5)
    beyond = core - line.grey if is_dark else line.grey - core
    return beyond <= max(15.0, _GREY_SPREAD * max(float(relief.max()), line.relief if is_dark else 0.0))
