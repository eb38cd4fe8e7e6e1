"""What a phantom knows of its images beyond the labels: outlines, boxes, visibility, and the numbers of arteries."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Artery, Side
from kium_lightning.phantom.overlay import Box, bounding_box
from kium_lightning.phantom.tree import Place, Segment

_VISIBLE_SIGNAL = 0.04  # mean signal that a sac must add to what lies over it, about twice a clean film's noise
_VISIBLE_SHARE = 0.3  # share of its outline in which it must do so


class Detail(StrEnum):
    """How much of the truth is written.

    ``boxes`` gives one JSON file per patient; ``masks`` adds per view the masks of text and sacs; ``full`` adds to
    these per view the map of arteries, and per patient the tree as a graph.
    """

    FULL = "full"
    MASKS = "masks"
    BOXES = "boxes"


class Hidden(StrEnum):
    """Why a view does not show a sac."""

    NOT_FILLED = "not filled"  # the injection does not reach it
    FAINT = "faint"  # it would not stand out even with nothing over or under it
    OVERLAP = "overlap"  # other vessels lie over or under it
    OFF_PICTURE = "off picture"


@dataclass(frozen=True)
class SacTruth:
    """What one view shows of one sac.

    Attributes:
        box: of its outline, in pixels of the file: left, top, right, bottom, the last two exclusive.
        diameter_px: the largest diameter as projected.
        hidden: why it is not visible; None where it is.
        contrast: mean of the signal that it adds, over its outline.
    """

    box: Box
    diameter_px: float
    hidden: Hidden | None
    contrast: float

    @property
    def visible(self) -> bool:
        """Whether contrast reaches it and it stands out from the vessels over and under it."""
        return self.hidden is None


def sac_truth(
    outline: NDArray[np.bool_],
    added: NDArray[np.float32],
    seen: NDArray[np.float32],
    alone: NDArray[np.float32],
    origin: tuple[int, int],
) -> SacTruth | None:
    """Judges what a view shows of a sac.

    Args:
        outline: (height, width) of a part of the picture, true where the sac is.
        added: the signal that it adds there.
        seen: what of that the film's window shows; nothing shows on what is black already.
        alone: the signal that it would give with nothing over or under it.
        origin: of this part in the file: column, row.

    Returns:
        The truth, or None where the outline is empty.
    """
    if not outline.any():
        return None
    mask = outline.astype(np.uint8)
    left, top, right, bottom = bounding_box(mask)
    _, (wide, high), _ = cv2.minAreaRect(cv2.findNonZero(mask))
    hidden: Hidden | None = None
    if not alone.any():
        hidden = Hidden.NOT_FILLED
    elif not _stands_out(alone[outline]):
        hidden = Hidden.FAINT
    elif not _stands_out(seen[outline]):
        hidden = Hidden.OVERLAP
    return SacTruth(
        box=(left + origin[0], top + origin[1], right + origin[0], bottom + origin[1]),
        diameter_px=float(max(wide, high)) + 1.0,
        hidden=hidden,
        contrast=float(added[outline].mean()),
    )


def _stands_out(signal: NDArray[np.float32]) -> bool:
    return bool(signal.mean() > _VISIBLE_SIGNAL and np.mean(signal > _VISIBLE_SIGNAL) > _VISIBLE_SHARE)


_ARTERIES: dict[Segment, Artery] = {
    Segment.ICA: Artery.ICA,
    Segment.PCOM: Artery.PCOM,
    Segment.ANTCHOR: Artery.ANTCHOR,
    Segment.A1: Artery.ACA,
    Segment.A2: Artery.ACA,
    Segment.ACOM: Artery.ACOM,
    Segment.MCA: Artery.MCA,
    Segment.VA: Artery.VA,
    Segment.PICA: Artery.PICA,
    Segment.SCA: Artery.SCA,
    Segment.BA: Artery.BA,
    Segment.P1: Artery.PCA,
    Segment.P2: Artery.PCA,
}
_PLACES: tuple[Place, ...] = tuple((segment, side) for segment in Segment for side in (None, *Side))
NUMBERS: dict[Place, int] = {place: number for number, place in enumerate(_PLACES, start=1)}


def legend() -> dict[str, Any]:
    """What the numbers in the maps of arteries mean: segment, side and the labelled artery that it belongs to."""
    return {
        str(number): {"segment": segment.value, "side": side and side.value, "artery": _artery(segment)}
        for (segment, side), number in NUMBERS.items()
    }


def _artery(segment: Segment) -> str | None:
    artery = _ARTERIES.get(segment)
    return None if artery is None else artery.value
