"""One image file: its drawn look, and how a picture is laid out and stored in it."""

from dataclasses import dataclass

import cv2
import numpy as np

from kium_lightning.phantom.overlay import Box, Image, Marks, Text, bounding_box, paint_marks, paint_text


@dataclass(frozen=True)
class Blob:
    """A bright and a dark blob side by side, which something that moved has left.

    Attributes:
        place: its middle, as fractions of the picture (across, down).
        size: standard deviation of each half, as a fraction of the shorter side.
        towards: direction from the bright to the dark half, radians.
        depth: of each half, in signal.
    """

    place: tuple[float, float]
    size: float
    towards: float
    depth: float


@dataclass(frozen=True)
class Collimator:
    """The round edge of the beam.

    Attributes:
        radius: of the circle, over half the picture's diagonal.
        step: by how many grey levels the picture is darker beyond it.
        edge: width of that step, over half the diagonal.
    """

    radius: float
    step: float
    edge: float


@dataclass(frozen=True)
class Sheet:
    """The drawn look of one file.

    Attributes:
        form: ``clean``, ``margins`` or ``text``.
        width: of the file, in pixels.
        height: of the file.
        picture: the part of the file that the picture takes: left, top, right, bottom.
        background: grey level.
        darkest_signal: the signal shown as black.
        fog: share of the signal range that slow shading spans.
        shift: of the mask: right, down in pixels of a 1024-pixel picture, and degrees.
        blob: where the jaw moved, or None.
        collimator: the edge of the beam, or None.
        skull_seed: for the patient's skull.
        margin_level: grey level of the margins.
        texts: burnt-in lines.
        marks: dashes and ticks, or None.
        quality: of the JPEG.
        is_rgb: whether the file has three channels.
        noise_seed: for the noise of this file.
    """

    form: str
    width: int
    height: int
    picture: Box
    background: float
    darkest_signal: float
    fog: float
    shift: tuple[float, float, float]
    blob: Blob | None
    collimator: Collimator | None
    skull_seed: int
    margin_level: int
    texts: tuple[Text, ...]
    marks: Marks | None
    quality: int
    is_rgb: bool
    noise_seed: int


def lay_out(picture: Image, sheet: Sheet) -> tuple[Image, list[Box], Image | None]:
    """Puts a picture into its file, with margins and text.

    Returns:
        The file's grey levels (height, width), the boxes of the text, and the mask of all text pixels or None.
    """
    left, top, right, bottom = sheet.picture
    image: Image = np.full((sheet.height, sheet.width), sheet.margin_level, dtype=np.uint8)
    image[top:bottom, left:right] = picture
    boxes, mask = [], np.zeros_like(image)
    for text in sheet.texts:
        box, painted = paint_text(image, text, sheet.picture)
        boxes.append(box)
        mask |= painted
    if sheet.marks is not None:
        painted = paint_marks(image, sheet.picture, sheet.marks)
        boxes.append(bounding_box(painted))
        mask |= painted
    return image, boxes, mask if boxes else None


def encode(image: Image, sheet: Sheet) -> bytes:
    """Compresses a file's grey levels as JPEG, grey or with three equal channels."""
    pixels = cv2.merge([image, image, image]) if sheet.is_rgb else image
    done, buffer = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, sheet.quality])
    if not done:
        raise RuntimeError("OpenCV could not encode a JPEG image")
    return bytes(buffer.tobytes())
