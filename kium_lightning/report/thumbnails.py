"""Small pictures that stand in a page, as data URIs."""

import base64

import cv2
import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

from kium_lightning.images.box import GreyImage

SIDE = 248  # pixels of the longer side
_QUALITY = 72
_MOST_OPAQUE = 0.6
_OUTLINE = (0, 229, 255)  # red, green, blue


def thumbnail(picture: GreyImage) -> str:
    """Makes a JPEG data URI of a grey picture (H, W)."""
    return _encoded(_small(picture))


def heat_thumbnail(picture: GreyImage, heat: NDArray[np.float32], outline: NDArray[np.bool_]) -> str:
    """Makes a JPEG data URI of a picture under its heat map, transparent where there is little evidence.

    Args:
        picture: (H, W) grey values.
        heat: (H, W) in [0, 1].
        outline: (H, W) the aneurysms that the picture is known to show.
    """
    small = _small(picture)
    size = small.shape[1], small.shape[0]
    share = cv2.resize(heat, size, interpolation=cv2.INTER_AREA).clip(0, 1)
    colours = colormaps["plasma"](share)[..., :3] * 255
    opacity = _MOST_OPAQUE * share[..., None]
    mixed = ((1 - opacity) * small[..., None] + opacity * colours).astype(np.uint8)
    if outline.any():
        inside = (cv2.resize(outline.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.25).astype(np.uint8)
        rims, _ = cv2.findContours(
            cv2.dilate(inside, np.ones((3, 3), np.uint8)), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(mixed, rims, -1, _OUTLINE, 1)
    return _encoded(np.ascontiguousarray(mixed[..., ::-1]))


def _small(picture: GreyImage) -> GreyImage:
    scale = SIDE / max(picture.shape)
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def _encoded(picture: NDArray[np.uint8]) -> str:
    done, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert done  # OpenCV encodes any 8-bit picture
    return f"data:image/jpeg;base64,{base64.b64encode(content.tobytes()).decode('ascii')}"
