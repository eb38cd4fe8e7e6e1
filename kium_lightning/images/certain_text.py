"""Which lines of strokes are text for certain, and whether there are any: the question that most pictures end at."""

from collections.abc import Sequence

from kium_lightning.images.blocks import is_lonely
from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.glyphs import Glyph, Level
from kium_lightning.images.lines import Line, is_alone, lines_of, on_base_line
from kium_lightning.images.prospects import chains_of_height, chains_of_letters, is_black, stands_out
from kium_lightning.images.relief import Relief

_NEAR_BORDER = 0.3  # of the picture's size: text further inside is not looked for
_LEAST_HEIGHT = 5  # pixels
_LOW = 8  # pixels: letters lower than that must stand out, since the edge of a bone makes rows of low strokes
_CLEAR = 1.5  # of the contrast
READABLE = 1.8  # of the contrast: letters are burnt in to be read; what the subtraction left of bones stands out less
_BLACK = 40  # grey value
_SAME_HEIGHT = 1.2  # ratio


def has_certain(
    image: GreyImage,
    relief: Relief | GreyImage,
    levels: Sequence[Level],
    contrast: float,
    picture: Box,
    inner: Box,
    letters: int,
) -> bool:
    """Whether some line of strokes is text for certain, as `certain_of` finds it among all lines."""
    peak = READABLE * contrast
    for level in levels:
        for boxes in chains_of_letters(level, _band(picture), inner, letters, _LEAST_HEIGHT):
            if stands_out(boxes, relief, peak):
                lines = lines_near_border([level.glyphs(image, relief, boxes)], picture)
                if any(line.relief >= peak and _is_text(line, letters, inner, contrast) for line in lines):
                    return True
    return False


def has_black_word(
    image: GreyImage,
    relief: Relief | GreyImage,
    levels: Sequence[Level],
    contrast: float,
    picture: Box,
    known: Sequence[Line],
) -> bool:
    """Whether some line of strokes is a black word, as `is_black_word` finds it among all lines."""
    least, most = (extreme(line.height for line in known) for extreme in (min, max))
    for level in levels:
        for boxes in chains_of_height(level, _band(picture), least / _SAME_HEIGHT - 1, most * _SAME_HEIGHT + 1):
            if is_black(boxes, image, _BLACK):
                lines = lines_near_border([level.glyphs(image, relief, boxes)], picture)
                if any(is_black_word(line, known, relief, contrast) for line in lines):
                    return True
    return False


def certain_of(lines: Sequence[Line], letters: int, inner: Box, contrast: float) -> list[Line]:
    """The lines that are text for certain: none, unless one of them can be read at a glance.

    Two edges of bones may be as alike as letters, but are as faint as noise allows; one such pair would have its whole
    neighbourhood searched for more of its kind.
    """
    certain = [line for line in lines if _is_text(line, letters, inner, contrast)]
    return certain if any(line.relief >= READABLE * contrast for line in certain) else []


def is_black_word(line: Line, known: Sequence[Line], relief: Relief | GreyImage, contrast: float) -> bool:
    """Whether a line is black, alone, and as high as certain text in the margin, which goes on dark in the picture."""
    alike = any(max(line.height, one.height) <= _SAME_HEIGHT * min(line.height, one.height) for one in known)
    return alike and line.grey <= _BLACK and is_lonely(line, relief, contrast)


def lines_near_border(levels: Sequence[Sequence[Glyph]], picture: Box) -> list[Line]:
    """The lines of each level that are not wholly in the inner part of a picture."""
    return [line for level in levels for line in lines_of(level) if _is_near_border(line.bounds, picture)]


def _is_text(line: Line, letters: int, inner: Box, contrast: float) -> bool:
    """Whether a line is text for certain: letters by themselves on a base line, or more of one height and grey."""
    height = line.height
    if height < _LEAST_HEIGHT or (height < _LOW and line.relief < _CLEAR * contrast):
        return False
    whole = [glyph for glyph in line if glyph.box.within(inner) == glyph.box]
    narrow = [glyph for glyph in whole if glyph.box.width <= 1.5 * height * glyph.letters]
    has_enough = sum(glyph.letters for glyph in narrow) >= letters and len(narrow) >= 0.5 * len(line)
    alone = [glyph for glyph in whole if is_alone(glyph, height)] if has_enough else []  # following them takes longer
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
    return box.within(_band(picture)) != box


def _band(picture: Box) -> Box:
    """The inner part of a picture, in which no text is looked for."""
    reach = round(_NEAR_BORDER * min(picture.width, picture.height))
    return picture.grown(-reach, -reach)
