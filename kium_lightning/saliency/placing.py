"""From cells of a feature map back to the pixels of the original file."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import View
from kium_lightning.data.rows import Window
from kium_lightning.data.transforms import Preparation
from kium_lightning.images.box import Box
from kium_lightning.saliency.feature_map import Grid

HeatMap = NDArray[np.float32]


@dataclass(frozen=True)
class Placement:
    """Which part of a file a net saw, and how.

    Attributes:
        height: of the file, pixels.
        width: of the file, pixels.
        part: what was left of it after cleaning and windowing, in pixels of the file.
        image_size: side of the square that this part was resized to.
        is_mirrored: whether it was flipped.
    """

    height: int
    width: int
    part: Box
    image_size: int
    is_mirrored: bool


def placement(
    shape: tuple[int, ...], picture: Box, window: Window | None, preparation: Preparation, view: View
) -> Placement:
    """Says which part of a file of shape (H, W) the net saw, whose picture without margins lies in a box."""
    part = picture
    if window is not None:
        down, right = window.slices(picture.height, picture.width)
        part = Box(right.start, down.start, right.stop, down.stop).moved(picture.left, picture.top)
    return Placement(shape[0], shape[1], part, preparation.image_size, preparation.mirrors(view))


def place_back(cells: HeatMap, grid: Grid, place: Placement) -> HeatMap:
    """Lays the cells of a heat map over the original file, linearly interpolated between their centres.

    Args:
        cells: (H', W').
        grid: where the cells lie in the net's input image.
        place: where that image lies in the file.

    Returns:
        (height, width) of the file; NaN where the net did not look.
    """
    part, size = place.part, place.image_size
    down = _pixel_centres(part.height, size)
    right = _pixel_centres(part.width, size)
    if place.is_mirrored:
        right = size - 1 - right
    whole = np.full((place.height, place.width), np.nan, np.float32)
    rows = _weights((down - grid.first) / grid.step, cells.shape[0])
    columns = _weights((right - grid.first) / grid.step, cells.shape[1])
    whole[part.slices] = rows @ cells.astype(np.float64) @ columns.T
    return whole


def _pixel_centres(pixels: int, size: int) -> NDArray[np.float64]:
    """Where the centres of a number of pixels lie after resizing, 0 being the centre of the first new pixel."""
    centres: NDArray[np.float64] = (np.arange(pixels) + 0.5) * size / pixels - 0.5
    return centres


def _weights(positions: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    """Linear interpolation as a matrix (positions, cells); beyond the outermost centres the outermost cell counts."""
    inside = np.clip(positions, 0, cells - 1)
    before = np.minimum(inside.astype(np.int64), max(cells - 2, 0))
    share = inside - before
    weights = np.zeros((len(positions), cells))
    places = np.arange(len(positions))
    weights[places, before] = 1 - share
    weights[places, np.minimum(before + 1, cells - 1)] += share
    return weights
