"""Where burnt-in text is.

Letters are told from vessels by what makes them text: strokes of one grey value, of one height, on one base line,
side by side, each by itself. A few strokes are enough only beside a line that is text for certain.
"""

from collections.abc import Sequence

import numpy as np

from kium_lightning.images.blocks import Candidates, is_lonely
from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.covering import cover
from kium_lightning.images.glyphs import Glyph, Relief, bright_relief, dark_relief, find_glyphs, least_contrast
from kium_lightning.images.lines import Line, is_alone, on_base_line
from kium_lightning.images.strokes import along_rows, bright_strokes_of_block

_NEAR_BORDER = 0.3  # of the picture's size: text further inside is not looked for
_GAP = 1.3  # of the letters' height: the widest gap within a line
_HEIGHT_RATIO = 2.2  # of neighbouring letters: capitals to small letters
_GREY_SPREAD = 0.3  # of the letters' relief: how far their greys lie apart
_LEAST_HEIGHT = 5  # pixels
_LOW = 8  # pixels: letters lower than that must stand out, since the edge of a bone makes rows of low strokes
_CLEAR = 1.5  # of the contrast
_READABLE = 1.8  # of the contrast: letters are burnt in to be read; what the subtraction left of bones stands out less
_BRIDGE = 0.9  # of the boxes' height: two parts of one line no farther apart have letters between, lost on a vessel
_BRIGHT_LETTERS = 2
_BLACK = 40  # grey value
_SAME_HEIGHT = 1.2  # ratio
_DARK_LETTERS = 3
_FAINT = 0.6  # of the contrast that certain text has: letters beside it may be that faint
_FAINT_LEVELS = 2  # the levels above them have been searched
_BLOCK_ROWS = 6.0  # of the height: how far around certain text faint letters are looked for
_BLOCK_COLUMNS = 24.0
_EDGE_GAP = 1.6  # of the height: a line that ends so near the picture's edge is taken to go on to it
_PADDING = 0.25  # of the height: strokes too faint to be found, dots and descenders
_LEAST_PADDING = 5  # pixels


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
    whole = Box.whole(image)
    bright, lines = _text_boxes(image, bright_relief(image, picture), contrast, picture, whole, is_dark=False)
    rest = image.copy()  # without the bright letters, between which the background looks like dark ones
    for box in bright:
        cover(rest, box.within(whole))
    inner = picture.grown(-1, -1)  # what touches the edge in the dark may be a vessel that goes on
    dark, _ = _text_boxes(rest, dark_relief(rest, picture), contrast, picture, inner, is_dark=True, known=lines)
    return [box.within(whole) for box in bright + dark]


def _text_boxes(
    image: GreyImage,
    relief: Relief,
    contrast: float,
    picture: Box,
    inner: Box,
    is_dark: bool,
    known: Sequence[Line] = (),
) -> tuple[list[Box], list[Line]]:
    """The boxes of text of one polarity, and its lines; known lines are certain text of the other polarity."""
    letters = _DARK_LETTERS if is_dark else _BRIGHT_LETTERS
    lines = _lines_near_border(find_glyphs(image, relief, contrast), picture)
    sure = _certain(lines, letters, inner, contrast)
    if is_dark:
        sure += [line for line in lines if line not in sure and _is_black_word(line, known, relief, contrast)]
    if not sure:
        return [], []
    near = _around(relief, sure)  # elsewhere noise makes thousands of strokes that faint
    faint = find_glyphs(image, near, _FAINT * contrast, _FAINT_LEVELS)
    taken = {id(line) for line in sure}
    others = [line for line in lines if id(line) not in taken] + _lines_near_border(faint, picture)
    candidates = Candidates(others, relief, contrast)
    sure += candidates.that_continue(sure)
    known_lines = _without_doubles(sure)
    found = [
        _padded(along_rows(line, image, relief, _FAINT * contrast, picture, is_dark), line.height, picture)
        for line in known_lines
    ]
    if not is_dark:
        inside = np.zeros_like(relief)
        inside[picture.slices] = relief[picture.slices]
        single = bright_strokes_of_block(known_lines, image, inside, contrast)
        height = max(line.height for line in known_lines)
        found += [_padded(box, height, picture) for box in single if not any(box.within(o) == box for o in found)]
    return _joined(found), known_lines


def _certain(lines: Sequence[Line], letters: int, inner: Box, contrast: float) -> list[Line]:
    """The lines that are text for certain: none, unless one of them can be read at a glance.

    Two edges of bones may be as alike as letters, but are as faint as noise allows; one such pair would have its whole
    neighbourhood searched for more of its kind.
    """
    certain = [line for line in lines if _is_text(line, letters, inner, contrast)]
    return certain if any(line.relief >= _READABLE * contrast for line in certain) else []


def _is_black_word(line: Line, known: Sequence[Line], relief: Relief, contrast: float) -> bool:
    """Whether a line is black, alone, and as high as certain text in the margin, which goes on dark in the picture."""
    alike = any(max(line.height, one.height) <= _SAME_HEIGHT * min(line.height, one.height) for one in known)
    return alike and line.grey <= _BLACK and is_lonely(line, relief, contrast)


def _lines_near_border(levels: list[list[Glyph]], picture: Box) -> list[Line]:
    return [line for level in levels for line in _lines(level) if _is_near_border(line.bounds, picture)]


def _without_doubles(lines: list[Line]) -> list[Line]:
    """Keeps one of the lines that were found alike at several levels."""
    return list({(line.bounds, round(line.height)): line for line in lines}.values())


def _around(relief: Relief, lines: list[Line]) -> Relief:
    """Keeps the relief where the rest of a line or the next lines of its block may be."""
    near = np.zeros_like(relief)
    for line in lines:
        rows, columns = round(_BLOCK_ROWS * line.height), round(_BLOCK_COLUMNS * line.height)
        room = line.bounds.grown(columns, rows).within(Box.whole(relief)).slices
        near[room] = relief[room]
    return near


def _lines(glyphs: list[Glyph]) -> list[Line]:
    """Groups glyphs that follow each other on a line."""
    if not glyphs:
        return []
    boxes = np.array([glyph.box for glyph in glyphs])
    left, top, right, bottom = boxes.T
    height = bottom - top
    line_of = np.arange(len(glyphs))
    for number, glyph in enumerate(glyphs):
        low, high = np.minimum(height, height[number]), np.maximum(height, height[number])
        overlap = np.minimum(bottom, bottom[number]) - np.maximum(top, top[number])
        gap = np.maximum(left, left[number]) - np.minimum(right, right[number])
        follows = (high <= _HEIGHT_RATIO * low) & (overlap >= 0.5 * low) & (gap <= _GAP * high)
        alike = [other for other in np.flatnonzero(follows[:number]) if _same_grey(glyphs[other], glyph)]
        for old in {int(line_of[other]) for other in alike}:
            line_of[line_of == old] = number
    return [
        Line(glyph for glyph, line in zip(glyphs, line_of, strict=True) if line == number)
        for number in dict.fromkeys(line_of.tolist())
    ]


def _same_grey(one: Glyph, other: Glyph) -> bool:
    return abs(one.grey - other.grey) <= max(15.0, _GREY_SPREAD * max(one.relief, other.relief))


def _is_text(line: Line, letters: int, inner: Box, contrast: float) -> bool:
    """Whether a line is text for certain: letters by themselves on a base line, or more of one height and grey."""
    height = line.height
    if height < _LEAST_HEIGHT or (height < _LOW and line.relief < _CLEAR * contrast):
        return False
    alone = [glyph for glyph in line if is_alone(glyph, height) and glyph.box.within(inner) == glyph.box]
    on_base = [glyph for glyph in on_base_line(alone, height, 0.15) if glyph.box.width <= 1.5 * height * glyph.letters]
    if sum(glyph.letters for glyph in on_base) >= letters and len(on_base) >= 0.5 * len(line):
        return True
    alike = [
        glyph
        for glyph in on_base_line(line, height, 0.08)
        if abs(glyph.box.height - height) <= max(1.0, 0.08 * height) and glyph.box.width <= 1.5 * height
    ]
    return sum(abs(glyph.grey - line.grey) <= 0.1 * glyph.relief for glyph in alike) > letters


def _is_near_border(box: Box, picture: Box) -> bool:
    reach = round(_NEAR_BORDER * min(picture.width, picture.height))
    return box.within(picture.grown(-reach, -reach)) != box


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
