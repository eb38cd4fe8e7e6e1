"""The other lines of a block of text: judged less strictly than its first ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.components import above
from kium_lightning.images.lines import Line
from kium_lightning.images.relief import Relief

_LINE_STEP = 2.5  # of the height: how far the next line of a block is
_GREY_SPREAD = 0.3  # of the letters' relief: how far their greys lie apart
_LEAST_HEIGHT = 5  # pixels
_FEWEST_ELSEWHERE = 2  # letters; a piece of a vessel may look like one, unless it is in the middle of nowhere
_WIDEST_LETTER = 1.4  # of the height
_AS_CLEAR = 0.75  # of the known line's relief: what stands out less may be the edge of a bone
_HALO = 0.25  # of a line's relief: compression leaves up to that much beside it
_NOWHERE = 0.6  # of the height: so far around such a letter there is nothing else


class Candidates:
    """Lines that may be text, of which those are sought that continue certain text.

    Args:
        lines: what was found; lines lower than any letter are left out.
        relief: by how much strokes stand out, shape (H, W).
        contrast: the least relief of a stroke.
    """

    def __init__(self, lines: Sequence[Line], relief: Relief, contrast: float) -> None:
        self._relief, self._contrast = relief, contrast
        self._lines = [line for line in lines if line.height >= _LEAST_HEIGHT]
        self._heights = np.array([line.height for line in self._lines])
        self._greys = np.array([line.grey for line in self._lines])
        self._boxes = np.array([line.bounds for line in self._lines], np.int64).reshape(-1, 4)

    def that_continue(self, known: Sequence[Line]) -> list[Line]:
        """The candidates that continue known lines of text, and those that continue these in turn."""
        is_open = np.ones(len(self._lines), bool)
        found: list[Line] = []
        fresh = list(known)
        while fresh:
            taken: list[int] = []
            for line in fresh:
                for number in np.flatnonzero(is_open & self._like(line)).tolist():
                    if _has_letters_of(self._lines[number], line):
                        is_open[number] = False
                        taken.append(number)
            fresh = [self._lines[number] for number in taken]
            found += fresh
        return found

    def _like(self, known: Line) -> NDArray[np.bool_]:
        """Which lines have the grey and the height of a known line.

        Right above, below or beside it less is asked; elsewhere they must be the more alike, and letters by themselves.
        """
        if not self._lines:
            return np.zeros(0, bool)
        beside = self._beside(known)
        ratio, spread = np.where(beside, 1.6, 1.2), np.where(beside, _GREY_SPREAD, _GREY_SPREAD / 2)
        higher, lower = np.maximum(self._heights, known.height), np.minimum(self._heights, known.height)
        alike: NDArray[np.bool_] = higher <= ratio * lower
        alike &= np.abs(self._greys - known.grey) <= np.maximum(10.0, spread * known.relief)
        for number in np.flatnonzero(alike).tolist():
            line = self._lines[number]
            alone = line.alone(known.height)
            if beside[number]:
                alike[number] = alone >= 0.5 * len(line)
            else:
                alike[number] = alone == len(line) and (len(line) >= _FEWEST_ELSEWHERE or self._is_single(line, known))
        return alike

    def _is_single(self, line: Line, known: Line) -> bool:
        """Whether a line is upright and as clear as a letter of a known line, with nothing around it."""
        is_letter = line.bounds.width <= _WIDEST_LETTER * line.height and line.relief >= _AS_CLEAR * known.relief
        return is_letter and is_lonely(line, self._relief, self._contrast)

    def _beside(self, known: Line) -> NDArray[np.bool_]:
        reach = round(_LINE_STEP * known.height)
        left, top, right, bottom = self._boxes.T
        room = known.bounds.grown(reach, reach)
        inside = (left >= room.left) & (top >= room.top) & (right <= room.right) & (bottom <= room.bottom)
        beside: NDArray[np.bool_] = inside & (bottom - top <= 2 * known.height)
        return beside


def is_lonely(line: Line, relief: Relief | GreyImage, contrast: float) -> bool:
    """Whether there is no other stroke around a line.

    Args:
        line: what may be text.
        relief: by how much strokes stand out, shape (H, W).
        contrast: the least relief of a stroke; what compression leaves beside the line itself does not count.
    """
    reach = round(_NOWHERE * line.height)
    around = line.bounds.grown(reach, reach).within(Box.whole(relief))
    level = max(contrast, _HALO * line.relief)
    inside = np.count_nonzero(above(relief[line.bounds.grown(1, 1).within(around).slices], level))
    return bool(inside == np.count_nonzero(above(relief[around.slices], level)))


def _has_letters_of(line: Line, known: Line) -> bool:
    return all(glyph.box.width <= 2 * known.height * glyph.letters for glyph in line)
