"""Files to grey images; a file that was cut off is refused, although OpenCV would fill it up with grey."""

import zlib
from pathlib import Path

import cv2
import numpy as np

from kium_lightning.errors import ImageError
from kium_lightning.images.box import GreyImage

_JPEG_START = b"\xff\xd8"
_PNG_START = b"\x89PNG\r\n\x1a\n"
REMEDY = "Put a complete 8-bit JPEG or PNG in its place."


def read_grey(path: Path) -> GreyImage:
    """Reads a JPEG or PNG file as a grey image.

    Returns:
        Grey values of shape (H, W). A file with three equal channels gives that channel exactly; a coloured one gives
        its luma.

    Raises:
        ImageError: the file is missing, empty, cut off, damaged, or no 8-bit JPEG or PNG image.
    """
    return decode_grey(read_content(path), str(path))


def read_content(path: Path) -> bytes:
    """Reads the bytes of an image file.

    Raises:
        ImageError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror}). {REMEDY}") from error


def decode_grey(content: bytes, name: str) -> GreyImage:
    """Decodes the content of a JPEG or PNG file; see `read_grey`.

    Args:
        content: the bytes of the file.
        name: what error messages call it.
    """
    if not content:
        raise ImageError(f"{name} is empty. {REMEDY}")
    if content.startswith(_JPEG_START):
        # The luma is stored apart from the colours, and equals each of three equal channels.
        complete, way = is_complete_jpeg(content), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
    elif content.startswith(_PNG_START):
        complete, way = _is_complete_png(content), cv2.IMREAD_UNCHANGED
    else:
        raise ImageError(f"{name} is neither a JPEG nor a PNG image. {REMEDY}")
    if not complete:
        raise ImageError(f"{name} is cut off or damaged. {REMEDY}")
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), way)
    except cv2.error as error:
        raise ImageError(f"{name} cannot be decoded. {REMEDY}") from error
    if image is None:
        raise ImageError(f"{name} cannot be decoded. {REMEDY}")
    if image.dtype != np.uint8:
        raise ImageError(f"{name} holds {image.dtype} grey values. {REMEDY}")
    return _grey_plane(np.asarray(image))


def _grey_plane(image: GreyImage) -> GreyImage:
    if image.ndim == 2:
        return image
    if image.shape[2] == 1:
        return np.ascontiguousarray(image[..., 0])
    blue, green, red = image[..., 0], image[..., 1], image[..., 2]
    if image.shape[2] == 2 or (np.array_equal(blue, green) and np.array_equal(blue, red)):
        return np.ascontiguousarray(blue)
    code = cv2.COLOR_BGR2GRAY if image.shape[2] == 3 else cv2.COLOR_BGRA2GRAY
    return np.asarray(cv2.cvtColor(image, code))


def is_complete_jpeg(content: bytes) -> bool:
    """Tells whether bytes are a JPEG file that was not cut off.

    Walks its marker segments up to its end marker (ITU-T T.81, annex B).
    Looking for the last two bytes alone would refuse files with trailing padding and accept a cut inside an embedded
    thumbnail.
    """
    if not content.startswith(_JPEG_START):
        return False
    position = len(_JPEG_START)
    while True:
        position = content.find(b"\xff", position)
        if position < 0 or position + 1 >= len(content):
            return False
        marker = content[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker == 0xD9:  # end of image
            return True
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:  # stuffed byte, or a marker without a segment
            position += 2
        else:
            length = int.from_bytes(content[position + 2 : position + 4], "big")
            if length < 2:
                return False
            position += 2 + length


def _is_complete_png(content: bytes) -> bool:
    """Walks the chunks of a PNG up to IEND and compares their checksums (ISO/IEC 15948, section 5)."""
    position = len(_PNG_START)
    while position + 12 <= len(content):
        length = int.from_bytes(content[position : position + 4], "big")
        end = position + 12 + length
        if end > len(content):
            return False
        kind = content[position + 4 : position + 8]
        if zlib.crc32(content[position + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            return False
        if kind == b"IEND":
            return True
        position = end
    return False
