"""Burnt-in text: where it is, and covering it with the mean of a neighbouring background region.

Letters are told from vessels by what makes them text: strokes of one grey value, of one height, on one base line,
side by side, each by itself. One stroke alone is never enough in the dark, where vessels are.
"""

import numpy as np

from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.glyphs import (
    _LEVELS,
    Glyph,
    bright_relief,
    dark_relief,
    find_glyphs,
    least_contrast,
)

_NEAR_BORDER = 0.3  # of the picture's size: text further inside is not looked for
_GAP = 1.3  # of the letters' height: the widest gap within a line
_HEIGHT_RATIO = 2.2  # of neighbouring letters: capitals to small letters
_GREY_SPREAD = 20.0  # grey values within a line
_BRIGHT_LETTERS = 2
_DARK_LETTERS = 3
_PADDING = 0.3  # of the height: strokes too faint to be found, dots and descenders


def find_text(image: GreyImage, picture: Box | None = None) -> list[Box]:
    """Finds burnt-in text near the border of a picture and in its margins.

    Args:
        image: grey values of shape (H, W).
        picture: where the picture lies between its margins; the whole image if None.

    Returns:
        A box around each line of text.
    """
    picture = picture or Box.whole(image)
    contrast = least_contrast(image, picture)
    boxes = []
    for relief, letters in ((bright_relief(image, picture), _BRIGHT_LETTERS), (dark_relief(image), _DARK_LETTERS)):
        for level in _LEVELS:
            glyphs = find_glyphs(image, relief, level * contrast)
            boxes += [
                _box_of(line).within(Box.whole(image))
                for line in _lines(glyphs)
                if _is_text(line, letters) and _is_near_border(_box_of(line), picture)
            ]
    return _joined(boxes)


def _lines(glyphs: list[Glyph]) -> list[list[Glyph]]:
    """Groups glyphs that follow each other on a line."""
    glyphs = sorted(glyphs, key=lambda glyph: glyph.box.left)
    line_of = list(range(len(glyphs)))
    for right in range(len(glyphs)):
        for left in range(right):
            if _follow(glyphs[left], glyphs[right]):
                old, new = line_of[right], line_of[left]
                line_of = [new if line == old else line for line in line_of]
    return [[g for g, line in zip(glyphs, line_of, strict=True) if line == number] for number in dict.fromkeys(line_of)]


def _follow(left: Glyph, right: Glyph) -> bool:
    low, high = sorted((left.box.height, right.box.height))
    overlap = min(left.box.bottom, right.box.bottom) - max(left.box.top, right.box.top)
    return (
        high <= _HEIGHT_RATIO * low
        and overlap >= 0.5 * low
        and right.box.left - left.box.right <= _GAP * high
        and abs(left.grey - right.grey) <= _GREY_SPREAD
    )


def _is_text(line: list[Glyph], letters: int) -> bool:
    if len(line) < letters:
        return False
    heights = np.array([glyph.box.height for glyph in line])
    height = float(np.percentile(heights, 75))
    if height < 5:
        return False
    bottoms = np.array([glyph.box.bottom for glyph in line])
    on_base = np.abs(bottoms - np.median(bottoms)) <= max(1.0, 0.15 * height)
    alone = np.array([glyph.grown_height <= 1.7 * height + 2 for glyph in line])
    narrow = np.array([glyph.box.width <= 1.5 * height for glyph in line])
    return bool((on_base & alone & narrow).sum() >= letters and np.mean(on_base & alone) >= 0.5)


def _is_near_border(box: Box, picture: Box) -> bool:
    reach = _NEAR_BORDER * min(picture.width, picture.height)
    inner = picture.grown(-round(reach), -round(reach))
    return not box.within(inner) == box


def _box_of(line: list[Glyph]) -> Box:
    box = line[0].box
    for glyph in line[1:]:
        box = box.joined(glyph.box)
    padding = 2 + round(_PADDING * box.height)
    return box.grown(padding, padding)


def _joined(boxes: list[Box]) -> list[Box]:
    """Joins the boxes that share pixels."""
    joined: list[Box] = []
    for box in sorted(boxes):
        while (other := next((b for b in joined if b.meets(box)), None)) is not None:
            joined.remove(other)
            box = box.joined(other)
        joined.append(box)
    return sorted(joined, key=lambda box: (box.top, box.left))


def cover(image: GreyImage, box: Box) -> int:
    """Paints a box over, in place, with the mean of a neighbouring background region; returns that mean.

    Of the regions of the same size around the box the one with the least spread is taken: a region without vessels.
    """
    whole = Box.whole(image)
    regions = [
        box.moved(right * box.width, down * box.height).within(whole)
        for right, down in ((0, -1), (0, 1), (-1, 0), (1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))
    ]
    pixels = [image[region.slices] for region in regions if not region.is_empty]
    usable = [values for values in pixels if values.size >= 0.3 * box.width * box.height] or pixels or [image]
    grey = round(float(min(usable, key=lambda values: float(values.std())).mean()))
    image[box.slices] = grey
    return grey
