"""Candidate letters: thin strokes of burnt-in grey that stand by themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.components import (
    Boxes,
    Growth,
    Mask,
    above,
    boxes_of,
    each,
    place_of,
    stroke_of,
    without_specks,
)
from kium_lightning.images.order_statistics import quantile
from kium_lightning.images.relief import Relief

_LEVEL_FACTOR = 2.0  # from one level to the next: letters that compression joined come apart at a higher one
_HALO = 0.2  # of a stroke's peak relief: what is found below that is what compression left around the stroke
_LETTER_HEIGHTS = (4, 56)  # pixels
_LEAST_AREA = 5  # pixels
_RUN_TOGETHER = 14  # pixels: letters up to this height run together
_STROKES_OF_LETTER = 2


@dataclass(frozen=True, eq=False)
class Glyph:
    """A connected stroke.

    Attributes:
        box: its pixels' bounding box.
        grey: the grey value at its core.
        relief: by how much the core stands out.
        letters: how many letters it may be; compression runs small ones together.
        pixel: one of its pixels, column and row.
        growth: what it belongs to at half the contrast.
    """

    box: Box
    grey: float
    relief: float
    letters: int
    pixel: tuple[int, int]
    growth: Growth

    @cached_property
    def grown_height(self) -> int:
        """The height of what it belongs to at half the contrast; a piece of a vessel grows, a letter hardly."""
        return self.growth.height_at(*self.pixel)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Glyph):
            return NotImplemented
        mine, others = ((one.box, one.grey, one.relief, one.letters) for one in (self, other))
        return mine == others and self.grown_height == other.grown_height

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Level:
    """The strokes of a letter's size at one level of relief.

    Attributes:
        level: grey values.
        mask: 1 where the relief is above the level, shape (H, W).
        boxes: of the strokes, in no certain order.
        growth: what they belong to at half the level.
    """

    level: float
    mask: Mask
    boxes: Boxes
    growth: Growth

    def glyphs(self, image: GreyImage, relief: Relief | GreyImage, boxes: Boxes) -> list[Glyph]:
        """The glyphs in some of the boxes, in the order of their first pixels.

        Args:
            image: grey values of shape (H, W).
            relief: what the level was found in, shape (H, W).
            boxes: some of the strokes' boxes.
        """
        glyphs = [self._glyph(image, relief, box) for box in each(boxes)]
        return [glyph for _, glyph in sorted((pair for pair in glyphs if pair), key=lambda pair: pair[0])]

    def _glyph(self, image: GreyImage, relief: Relief | GreyImage, box: Box) -> tuple[tuple[int, int], Glyph] | None:
        """A stroke as a glyph with its place in the order, unless it is too small or but a halo."""
        inside = stroke_of(self.mask, box)
        if np.count_nonzero(inside) < _LEAST_AREA:
            return None
        rise = np.asarray(relief[box.slices], np.float32)
        ordered = rise[inside]
        ordered.sort()
        core_level, peak = quantile(ordered, 0.7), quantile(ordered, 0.85)
        if self.level < _HALO * peak:
            return None
        core = image[box.slices][inside & (rise >= core_level)]
        core.sort()
        letters = _letters(inside & (rise > 0.5 * peak)) if box.height <= _RUN_TOGETHER else 1
        pixel = (box.left + int(inside[0].argmax()), box.top)
        glyph = Glyph(box, quantile(core, 0.5), peak, letters, pixel, self.growth)
        return place_of(inside, box), glyph


def stroke_levels(relief: Relief | GreyImage, least: float) -> Iterator[Level]:
    """Finds the connected strokes of a letter's size at rising levels of relief, up to the highest.

    Args:
        relief: by how much strokes stand out, shape (H, W).
        least: the first level.
    """
    level, highest = least, float(relief.max())
    lowest, tallest = _LETTER_HEIGHTS
    while level < highest:
        mask = above(relief, level)
        boxes = boxes_of(without_specks(mask))  # they are lower than any letter
        heights = boxes[:, 3] - boxes[:, 1]
        letters = boxes[(heights >= lowest) & (heights <= tallest)]
        yield Level(level, mask, letters, Growth(relief, level / _LEVEL_FACTOR))
        level *= _LEVEL_FACTOR


def most_letters(boxes: Boxes) -> NDArray[np.int32]:
    """How many letters the strokes in some boxes may be, at most, shape (boxes,)."""
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    return np.where(heights <= _RUN_TOGETHER, np.maximum(1, (widths + 1) // 2 // _STROKES_OF_LETTER), 1)


def _letters(strokes: NDArray[np.bool_]) -> int:
    """Counts the letters in a component by the strokes side by side in its rows; a piece of a vessel has one or two."""
    starts = strokes[:, 1:] & ~strokes[:, :-1]
    in_row = starts.sum(axis=1) + strokes[:, 0]
    return max(1, int(quantile(np.sort(in_row), 0.75)) // _STROKES_OF_LETTER)
