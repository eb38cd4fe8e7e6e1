"""Glyphs side by side: a line of text, or what may be one."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from statistics import median

import numpy as np

from kium_lightning.images.box import Box
from kium_lightning.images.glyphs import Glyph
from kium_lightning.images.order_statistics import quantile
from kium_lightning.images.rows import chains, neighbours

_LEAST_GREY_SPREAD = 15.0  # grey values: how far the greys of neighbouring letters lie apart, or
_GREY_SPREAD = 0.3  # of the letters' relief


class Line(tuple[Glyph, ...]):
    """Glyphs that follow each other; what is asked of it again and again is computed once."""

    @cached_property
    def height(self) -> float:
        """The height of its taller glyphs (75th percentile), pixels."""
        return quantile(sorted(glyph.box.height for glyph in self), 0.75)

    @cached_property
    def grey(self) -> float:
        """The usual grey value of its strokes."""
        return median(glyph.grey for glyph in self)

    @cached_property
    def relief(self) -> float:
        """By how much its strokes usually stand out."""
        return median(glyph.relief for glyph in self)

    @cached_property
    def bounds(self) -> Box:
        """The smallest box that holds it."""
        box = self[0].box
        for glyph in self[1:]:
            box = box.joined(glyph.box)
        return box

    def alone(self, height: float) -> int:
        """How many of its glyphs are by themselves beside letters of a height."""
        return bisect_right(self._grown_heights, _highest_alone(height))

    @cached_property
    def _grown_heights(self) -> list[int]:
        return sorted(glyph.grown_height for glyph in self)


def lines_of(glyphs: Sequence[Glyph]) -> list[Line]:
    """Groups glyphs that follow each other on a line and have one grey."""
    if not glyphs:
        return []
    greys = np.array([glyph.grey for glyph in glyphs])
    reliefs = np.array([glyph.relief for glyph in glyphs])
    spread = np.maximum(_LEAST_GREY_SPREAD, _GREY_SPREAD * np.maximum(reliefs[:, None], reliefs))
    same_grey = np.abs(greys[:, None] - greys) <= spread
    linked = same_grey & neighbours([glyph.box for glyph in glyphs])
    return [Line(glyphs[number] for number in chain) for chain in chains(linked)]


def on_base_line(glyphs: Sequence[Glyph], height: float, tolerance: float) -> list[Glyph]:
    """The glyphs that stand on the common base line, give or take a share of the height."""
    if not glyphs:
        return []
    base = median(glyph.box.bottom for glyph in glyphs)
    return [glyph for glyph in glyphs if abs(glyph.box.bottom - base) <= max(1.0, tolerance * height)]


def is_alone(glyph: Glyph, height: float) -> bool:
    """Whether a glyph is by itself beside letters of a height, and no piece of something larger."""
    return glyph.grown_height <= _highest_alone(height)


def _highest_alone(height: float) -> float:
    return 1.7 * height + 2
