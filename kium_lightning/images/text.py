"""Where burnt-in text is.

Letters are told from vessels by what makes them text: strokes of one grey value, of one height, on one base line,
side by side, each by itself. A few strokes are enough only beside a line that is text for certain.
"""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from kium_lightning.images.blocks import Candidates
from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.certain_text import (
    READABLE,
    certain_of,
    has_black_word,
    has_certain,
    is_black_word,
    lines_near_border,
)
from kium_lightning.images.covering import cover
from kium_lightning.images.glyphs import Level, stroke_levels
from kium_lightning.images.lines import Line
from kium_lightning.images.relief import (
    Relief,
    bright_relief,
    coarse_background,
    dark_relief,
    dark_relief_inside,
    highest_bright_relief,
)
from kium_lightning.images.strokes import along_rows, bright_strokes_of_block

_BRIDGE = 0.9  # of the boxes' height: two parts of one line no farther apart have letters between, lost on a vessel
_BRIGHT_LETTERS = 2
_DARK_LETTERS = 3
_FAINT = 0.6  # of the contrast that certain text has: letters beside it may be that faint
_FAINT_LEVELS = 2  # the levels above them have been searched
_BLOCK_ROWS = 6.0  # of the height: how far around certain text faint letters are looked for
_BLOCK_COLUMNS = 24.0
_EDGE_GAP = 1.6  # of the height: a line that ends so near the picture's edge is taken to go on to it
_PADDING = 0.25  # of the height: strokes too faint to be found, dots and descenders
_LEAST_PADDING = 5  # pixels


def find_text(image: GreyImage, picture: Box, contrast: float) -> list[Box]:
    """Finds burnt-in text near the border of a picture and in its margins.

    Args:
        image: grey values of shape (H, W).
        picture: where the picture lies between its margins.
        contrast: of the picture, from `least_contrast`.

    Returns:
        A box around each line of text.
    """
    whole = Box.whole(image)
    bright, lines = _bright_text(image, contrast, picture)
    rest = image if not bright else image.copy()  # without the bright letters, between which there seem to be dark ones
    for box in bright:
        cover(rest, box.within(whole))
    return [box.within(whole) for box in bright + _dark_text(rest, contrast, picture, lines)]


def _bright_text(image: GreyImage, contrast: float, picture: Box) -> tuple[list[Box], list[Line]]:
    background = coarse_background(image[picture.slices])
    if highest_bright_relief(image, picture, background) < READABLE * contrast:
        return [], []
    relief, whole = bright_relief(image, picture, background), Box.whole(image)
    levels = list(stroke_levels(relief, contrast))
    if not has_certain(image, relief, levels, contrast, picture, whole, _BRIGHT_LETTERS):
        return [], []
    return _text_boxes(image, relief, levels, contrast, picture, whole, is_dark=False)


def _dark_text(image: GreyImage, contrast: float, picture: Box, known: Sequence[Line]) -> list[Box]:
    """The boxes of dark text; known lines are certain text that is bright."""
    inside = np.ascontiguousarray(image[picture.slices])
    relief, whole = dark_relief_inside(inside), Box.whole(inside)
    levels = list(stroke_levels(relief, contrast))
    inner = whole.grown(-1, -1)  # what touches the edge in the dark may be a vessel that goes on
    if not has_certain(inside, relief, levels, contrast, whole, inner, _DARK_LETTERS) and not (
        known and has_black_word(inside, relief, levels, contrast, whole, known)
    ):
        return []
    wide = dark_relief(image, picture)
    levels, inner = list(stroke_levels(wide, contrast)), picture.grown(-1, -1)
    return _text_boxes(image, wide, levels, contrast, picture, inner, is_dark=True, known=known)[0]


def _text_boxes(
    image: GreyImage,
    relief: Relief,
    levels: Sequence[Level],
    contrast: float,
    picture: Box,
    inner: Box,
    is_dark: bool,
    known: Sequence[Line] = (),
) -> tuple[list[Box], list[Line]]:
    """The boxes of text of one polarity, and its lines; known lines are certain text of the other polarity."""
    letters = _DARK_LETTERS if is_dark else _BRIGHT_LETTERS
    lines = lines_near_border([level.glyphs(image, relief, level.boxes) for level in levels], picture)
    sure = certain_of(lines, letters, inner, contrast)
    if is_dark:
        sure += [line for line in lines if line not in sure and is_black_word(line, known, relief, contrast)]
    if not sure:
        return [], []
    near = _around(relief, sure)  # elsewhere noise makes thousands of strokes that faint
    faint = [
        level.glyphs(image, near, level.boxes)
        for level in islice(stroke_levels(near, _FAINT * contrast), _FAINT_LEVELS)
    ]
    taken = {id(line) for line in sure}
    others = [line for line in lines if id(line) not in taken] + lines_near_border(faint, picture)
    candidates = Candidates(others, relief, contrast)
    sure += candidates.that_continue(sure)
    known_lines = _without_doubles(sure)
    found = [
        _padded(along_rows(line, image, relief, _FAINT * contrast, picture, is_dark), line.height, picture)
        for line in known_lines
    ]
    if not is_dark:
        single = bright_strokes_of_block(known_lines, image, relief, contrast, picture)
        height = max(line.height for line in known_lines)
        found += [_padded(box, height, picture) for box in single if not any(box.within(o) == box for o in found)]
    return _joined(found), known_lines


def _without_doubles(lines: list[Line]) -> list[Line]:
    """Keeps one of the lines that were found alike at several levels."""
    return list({(line.bounds, round(line.height)): line for line in lines}.values())


def _around(relief: Relief, lines: list[Line]) -> Relief:
    """Keeps the relief where the rest of a line or the next lines of its block may be."""
    near = np.zeros(relief.shape, np.float32)
    for line in lines:
        rows, columns = round(_BLOCK_ROWS * line.height), round(_BLOCK_COLUMNS * line.height)
        room = line.bounds.grown(columns, rows).within(Box.whole(relief)).slices
        near[room] = relief[room]
    return near


def _padded(box: Box, height: float, picture: Box) -> Box:
    """Adds room for what is too faint or too narrow to be found, such as the part of a letter that an edge cut off."""
    padding = max(_LEAST_PADDING, 2 + round(_PADDING * height))
    reach = round(_EDGE_GAP * height)
    padded = box.grown(padding, padding)
    return Box(
        min(padded.left, picture.left) if 0 <= box.left - picture.left <= reach else padded.left,
        min(padded.top, picture.top) if 0 <= box.top - picture.top <= reach / 2 else padded.top,
        max(padded.right, picture.right) if 0 <= picture.right - box.right <= reach else padded.right,
        max(padded.bottom, picture.bottom) if 0 <= picture.bottom - box.bottom <= reach / 2 else padded.bottom,
    )


def _joined(boxes: list[Box]) -> list[Box]:
    """Joins the boxes of one line, found at several levels, and leaves those of neighbouring lines apart."""
    joined: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.width * box.height):
        while (other := next((b for b in joined if _same_line(b, box) or _bridged(b, box)), None)) is not None:
            joined.remove(other)
            box = box.joined(other)
        joined.append(box)
    return sorted(joined, key=lambda box: (box.top, box.left))


def _bridged(one: Box, other: Box) -> bool:
    """Whether two boxes are parts of one line with room for a letter or two between them."""
    low, high = sorted((one.height, other.height))
    common = min(one.bottom, other.bottom) - max(one.top, other.top)
    gap = max(one.left, other.left) - min(one.right, other.right)
    return low >= 0.8 * high and common >= 0.9 * low and gap <= _BRIDGE * low


def _same_line(one: Box, other: Box) -> bool:
    common = one.within(other)
    return not common.is_empty and common.height >= 0.6 * min(one.height, other.height)
