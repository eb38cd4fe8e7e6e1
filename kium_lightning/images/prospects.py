"""Where text may be, judged by the boxes of strokes alone; that rules out most pictures at a small part of the cost.

Strokes of one line follow each other, so that each line lies in one chain of boxes. What a whole chain lacks, each of
its lines lacks.
"""

from collections.abc import Iterator

import numpy as np

from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.components import Boxes, each
from kium_lightning.images.glyphs import Level, most_letters
from kium_lightning.images.relief import Relief
from kium_lightning.images.rows import chains, neighbours


def chains_of_letters(level: Level, band: Box, inner: Box, letters: int, height: int) -> Iterator[Boxes]:
    """Finds the chains of strokes side by side of which some may be a line of certain text.

    Args:
        level: the strokes.
        band: a line of text reaches beyond this box.
        inner: only letters within this box count; more than so many letters of one height count anywhere.
        letters: how many letters make a line certain.
        height: of a line, at least, pixels.

    Yields:
        The boxes of each chain.
    """
    boxes = level.boxes
    is_inside = (boxes[:, :2] >= inner[:2]).all(axis=1) & (boxes[:, 2:] <= inner[2:]).all(axis=1)
    most = np.where(is_inside, most_letters(boxes), 0).tolist()
    for chain in chains(neighbours(boxes)):
        if len(chain) > letters or sum(most[number] for number in chain) >= letters:
            some = boxes[chain]
            if (some[:, 3] - some[:, 1]).max() >= height and _goes_beyond(some, band):
                yield some


def chains_of_height(level: Level, band: Box, least: float, most: float) -> Iterator[Boxes]:
    """Finds the chains of strokes side by side of which some may be a line as high as wanted.

    Args:
        level: the strokes.
        band: a line of text reaches beyond this box.
        least: the height of a line, at least, pixels.
        most: its height, at most, pixels.

    Yields:
        The boxes of each chain.
    """
    boxes = level.boxes
    for chain in chains(neighbours(boxes)):
        some = boxes[chain]
        heights = some[:, 3] - some[:, 1]  # that of a line is one of these, or between two of them
        if heights.max() >= least and heights.min() <= most and _goes_beyond(some, band):
            yield some


def stands_out(boxes: Boxes, relief: Relief | GreyImage, peak: float) -> bool:
    """Whether there is a pixel of at least so much relief in one of the boxes."""
    return any(relief[box.slices].max() >= peak for box in each(boxes))


def is_black(boxes: Boxes, image: GreyImage, grey: float) -> bool:
    """Whether there is a pixel of at most this grey in one of the boxes."""
    return any(image[box.slices].min() <= grey for box in each(boxes))


def _goes_beyond(boxes: Boxes, band: Box) -> bool:
    bounds = Box(*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())
    return bounds.within(band) != bounds
