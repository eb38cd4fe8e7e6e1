"""Copies of image files as somebody might hand them in again, and pictures whose view can be told."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Circulation, Projection, Side, View
from kium_lightning.images.cleaning import clean_view
from kium_lightning.images.reading import read_grey


def write_altered(source: Path, target: Path, is_mirrored: bool = False, quality: int = 65, scale: float = 0.9) -> None:
    """Writes a picture anew: margins gone, cut by 2 to 4 %, resized, compressed, perhaps mirrored."""
    clean = clean_view(read_grey(source)).image
    height, width = clean.shape
    cut = clean[round(0.03 * height) : height - round(0.02 * height), round(0.02 * width) : width - round(0.04 * width)]
    copy = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    flipped = np.ascontiguousarray(copy[:, ::-1]) if is_mirrored else copy
    assert cv2.imwrite(str(target), flipped, [cv2.IMWRITE_JPEG_QUALITY, quality])


def sketch(view: View, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A trunk with branches that differ by circulation and projection; right frontal views are mirrored left ones."""
    film = np.full((128, 128), 195, np.uint8)
    shift = rng.normal(0.0, 3.0, (6, 2))
    if view.circulation is Circulation.ANTERIOR:
        lines = [[(70, 127), (62, 70)], [(62, 70), (100, 40)], [(62, 70), (60, 15)]]
    else:
        lines = [[(95, 127), (64, 80)], [(64, 80), (62, 45)], [(62, 45), (30, 30)]]
    if view.projection is Projection.LATERAL:
        lines = [[(y, x) for x, y in line] for line in lines]
    if view.projection is Projection.FRONTAL and view.side is Side.RIGHT:
        lines = [[(127 - x, y) for x, y in line] for line in lines]
    for line, (start, end) in zip(lines, shift.reshape(3, 2, 2), strict=True):
        ends = [
            tuple(int(value) for value in np.add(point, move)) for point, move in zip(line, (start, end), strict=True)
        ]
        cv2.line(film, ends[0], ends[1], 60, 4, cv2.LINE_AA)
    return np.clip(film + rng.normal(0.0, 2.0, film.shape), 0, 255).astype(np.uint8)
