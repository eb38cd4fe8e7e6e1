"""A sheet of images before and after cleaning, with what was cut and covered drawn in."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.cleaning import CleanView

_TILE = 420  # pixels
_GAP = 12
_CAPTION = 46
_PAPER = (255, 255, 255)
_INK = (30, 30, 30)
_CUT = (0, 140, 255)  # blue, green, red
_COVERED = (60, 170, 0)
_LINE = 2

ColourImage = NDArray[np.uint8]


@dataclass(frozen=True)
class Sample:
    """An image to show: what it is called, its raw grey values of shape (H, W), and its clean view."""

    name: str
    raw: GreyImage
    view: CleanView


def contact_sheet(samples: Sequence[Sample]) -> ColourImage:
    """Draws two samples a row, each before and after.

    Returns:
        Blue, green and red of shape (H, W, 3).
    """
    cells = [_cell(sample) for sample in samples]
    if len(cells) % 2:
        cells.append(np.full_like(cells[0], 255))
    rows = [np.hstack(cells[start : start + 2]) for start in range(0, len(cells), 2)]
    return np.vstack([_legend(rows[0].shape[1]), *rows])


def _legend(width: int) -> ColourImage:
    band = np.full((_CAPTION + _GAP, width, 3), _PAPER, np.uint8)
    _write(band, "left: raw image   right: clean image", (_GAP, 34), _INK, 0.7)
    _write(band, "kept box", (640, 34), _CUT, 0.7)
    _write(band, "covered", (780, 34), _COVERED, 0.7)
    return band


def _cell(sample: Sample) -> ColourImage:
    cell = np.full((_TILE + _CAPTION + 2 * _GAP, 2 * _TILE + 4 * _GAP, 3), _PAPER, np.uint8)
    scale = _TILE / max(sample.raw.shape)
    before = _scaled(sample.raw, scale)
    record = sample.view.record
    for cover in record.covered:
        _frame(before, cover.box, scale, _COVERED)
    _frame(before, record.picture_box, scale, _CUT)
    after = _scaled(sample.view.image, scale)
    for left, picture in ((_GAP, before), (_TILE + 2 * _GAP, after)):
        height, width = picture.shape[:2]
        cell[_CAPTION : _CAPTION + height, left : left + width] = picture
    raw_height, raw_width = sample.raw.shape
    box = record.picture_box
    _write(cell, f"{sample.name}  {record.form}", (_GAP, 18), _INK, 0.55)
    cuts = {"left": box.left, "top": box.top, "right": raw_width - box.right, "bottom": raw_height - box.bottom}
    cut = ", ".join(f"{width} {side}" for side, width in cuts.items() if width) or "nothing"
    caption = f"{raw_width} x {raw_height}   cut: {cut}   covered: {len(record.covered)}"
    _write(cell, caption, (_GAP, 38), _INK, 0.5)
    return cell


def _scaled(image: GreyImage, scale: float) -> ColourImage:
    height, width = image.shape
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_GRAY2BGR), np.uint8)


def _frame(picture: ColourImage, box: Box, scale: float, colour: tuple[int, int, int]) -> None:
    left, top, right, bottom = (round(edge * scale) for edge in box)
    thickness = _LINE if colour == _CUT else 1  # a thicker frame would hide the letters in it
    cv2.rectangle(picture, (left, top), (max(left, right - 1), max(top, bottom - 1)), colour, thickness)


def _write(picture: ColourImage, text: str, at: tuple[int, int], colour: tuple[int, int, int], size: float) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
