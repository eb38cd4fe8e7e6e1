"""Which boxes of strokes follow each other on a line."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box
from kium_lightning.images.components import Boxes

_GAP = 1.3  # of the letters' height: the widest gap within a line
_RATIO = 2.2  # of neighbouring letters: capitals to small letters
_OVERLAP = 0.5  # of the lower one's height: the rows that neighbours share, at least


def neighbours(boxes: Boxes | Sequence[Box]) -> NDArray[np.bool_]:
    """Which boxes are alike in height, share rows and are close to each other, shape (boxes, boxes), symmetric."""
    # Whole numbers, so that noise with thousands of strokes is compared fast; limits are rounded to what they let pass.
    left, top, right, bottom = np.asarray(boxes, np.int16).reshape(-1, 4).T
    height = bottom - top
    highest, widest = (np.floor(factor * height.astype(np.float64)).astype(np.int16) for factor in (_RATIO, _GAP))
    least = np.ceil(_OVERLAP * height.astype(np.float64)).astype(np.int16)
    follows = _larger(height) <= _smaller(highest)
    follows &= _smaller(bottom) - _larger(top) >= _smaller(least)
    follows &= _larger(left) - _smaller(right) <= _larger(widest)
    return follows


def _larger(values: NDArray[np.int16]) -> NDArray[np.int16]:
    """The larger value of each pair, shape (boxes, boxes)."""
    return np.maximum(values[:, None], values)


def _smaller(values: NDArray[np.int16]) -> NDArray[np.int16]:
    """The smaller value of each pair, shape (boxes, boxes)."""
    return np.minimum(values[:, None], values)


def chains(linked: NDArray[np.bool_]) -> list[list[int]]:
    """The numbers of what is linked, directly or over others, each in order, the chains by their first.

    Args:
        linked: shape (boxes, boxes), symmetric.
    """
    is_open = np.ones(len(linked), bool)
    is_alone = (np.count_nonzero(linked, axis=0) <= 1).tolist()  # linked with itself only
    found = []
    for number in range(len(linked)):
        if is_alone[number]:
            found.append([number])
            continue
        if not is_open[number]:
            continue
        is_open[number] = False
        chain = fresh = [number]
        while fresh:
            reached = np.flatnonzero(linked[fresh].any(axis=0) & is_open)
            is_open[reached] = False
            fresh = reached.tolist()
            chain = chain + fresh
        found.append(sorted(chain))
    return found
