"""Where text may be, judged by the boxes of strokes alone; that rules out most pictures at a small part of the cost."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box
from kium_lightning.images.components import Boxes
from kium_lightning.images.glyphs import Level, most_letters
from kium_lightning.images.rows import chains, neighbours


def promising(
    level: Level, relief: NDArray[np.generic], band: Box, inner: Box, letters: int, height: int, peak: float
) -> Iterator[Boxes]:
    """Finds the chains of strokes side by side of which some may be a line of certain text.

    Strokes of one line follow each other, so that each line lies in one chain. What a whole chain lacks, each of its
    lines lacks.

    Args:
        level: the strokes.
        relief: what they were found in, shape (H, W).
        band: a line of text reaches beyond this box.
        inner: only letters within this box count; more than so many letters of one height count anywhere.
        letters: how many letters make a line certain.
        height: of a line, at least, pixels.
        peak: by how much some stroke of a line stands out, at least.

    Yields:
        The boxes of each chain.
    """
    boxes = level.boxes
    if not len(boxes):
        return
    most = np.where(_lies_in(boxes, inner), most_letters(boxes), 0).tolist()
    for chain in chains(neighbours(boxes)):
        if len(chain) <= letters and sum(most[number] for number in chain) < letters:
            continue
        some = boxes[chain]
        bounds = Box(*some[:, :2].min(axis=0).tolist(), *some[:, 2:].max(axis=0).tolist())
        is_high = (some[:, 3] - some[:, 1]).max() >= height
        if is_high and bounds.within(band) != bounds and any(relief[box.slices].max() >= peak for box in _each(some)):
            yield some


def _lies_in(boxes: Boxes, room: Box) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (boxes[:, :2] >= room[:2]).all(axis=1) & (boxes[:, 2:] <= room[2:]).all(axis=1)
    return inside


def _each(boxes: Boxes) -> Iterator[Box]:
    return (Box(*box) for box in boxes.tolist())
