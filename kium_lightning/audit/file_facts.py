"""What an image file tells without a look at its vessels: its size, its compression, its margins and its text."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.images.box import GreyImage
from kium_lightning.images.cleaning import CleanView

# Luminance table of ITU-T T.81, annex K.1, in zigzag order; the IJG's library scales it by a quality of 1 to 100.
_LUMINANCE = np.array(
    [16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51,
     61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77,
     113, 121, 112, 100, 120, 92, 101, 103, 99], dtype=np.float64,
)  # fmt: skip
_UNKNOWN = float("nan")


class FileFacts(NamedTuple):
    """Numbers about one image file; NaN where a number is not known.

    Attributes:
        bytes: of the file.
        bytes_per_pixel: of the raw image.
        width: of the raw image, pixels.
        height: likewise.
        channels: 1 for grey, 3 for colour.
        jpeg_quality: 1 to 100, read from the quantisation table; NaN for a PNG.
        left_margin: columns that cleaning cuts off at the left, pixels; the other three likewise.
        top_margin: rows above.
        right_margin: columns at the right.
        bottom_margin: rows below.
        text_pixels: area that cleaning covers for burnt-in text, dashes and ticks.
    """

    bytes: float
    bytes_per_pixel: float
    width: float
    height: float
    channels: float
    jpeg_quality: float
    left_margin: float
    top_margin: float
    right_margin: float
    bottom_margin: float
    text_pixels: float


def read_facts(path: Path, cleaned: CleanedViews) -> tuple[FileFacts, GreyImage]:
    """Reads what a file tells, and its clean picture.

    Args:
        path: of a JPEG or PNG file.
        cleaned: remembers what cleaning found.

    Returns:
        The numbers, and the clean picture (H, W).

    Raises:
        ImageError: the file cannot be read.
    """
    view = cleaned.view(path)
    content = path.read_bytes()
    return facts_of(content, view), view.image


def facts_of(content: bytes, view: CleanView) -> FileFacts:
    """Puts together the numbers of a file's bytes and of what cleaning did to it."""
    stored = np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED))
    height, width = stored.shape[:2]
    box = view.record.picture_box
    return FileFacts(
        bytes=float(len(content)),
        bytes_per_pixel=len(content) / (height * width),
        width=float(width),
        height=float(height),
        channels=1.0 if stored.ndim == 2 else float(stored.shape[2]),
        jpeg_quality=jpeg_quality(content),
        left_margin=float(box.left),
        top_margin=float(box.top),
        right_margin=float(width - box.right),
        bottom_margin=float(height - box.bottom),
        text_pixels=float(sum(covered.box.width * covered.box.height for covered in view.record.covered)),
    )


def jpeg_quality(content: bytes) -> float:
    """Estimates the quality setting that a JPEG was written with, from its first quantisation table.

    The table is compared with the standard's, which the IJG's library scales by 5000/q percent below a quality q of 50
    and by 200 - 2q above. Writers with other tables get the quality of the IJG's nearest table.

    Returns:
        1 to 100; NaN for what is no JPEG or has no 8-bit table.
    """
    position = 2
    while content.startswith(b"\xff\xd8") and position + 4 <= len(content) and content[position] == 0xFF:
        marker, length = content[position + 1], int.from_bytes(content[position + 2 : position + 4], "big")
        if marker == 0xDA or length < 2:
            break
        table = content[position + 4 : position + 2 + length]
        if marker == 0xDB and len(table) >= 65 and table[0] >> 4 == 0:
            percent = 100.0 * float(np.frombuffer(table[1:65], np.uint8).sum()) / float(_LUMINANCE.sum())
            quality = (200.0 - percent) / 2.0 if percent <= 100.0 else 5000.0 / percent
            return min(100.0, max(1.0, quality))
        position += 2 + length
    return _UNKNOWN
