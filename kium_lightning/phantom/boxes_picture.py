"""A picture of the crop windows: the eight views of one phantom, each artery's window drawn and named."""

from pathlib import Path

import cv2
import numpy as np

from kium_lightning.anatomy import Circulation, Location, View
from kium_lightning.data.crop_windows import CropWindows, WindowKey, filmed
from kium_lightning.data.cropped_rows import cropped_views
from kium_lightning.files import replacing
from kium_lightning.phantom.gallery import ColourImage, artery_colour, write
from kium_lightning.phantom.overlay import Image
from kium_lightning.phantom.patient import Distributions, draw_patient, film_picture

_TILE_PX = 620
_GAP = 8
_SHOWN = (  # far enough from each other to be told apart
    Location.LEFT_MCA, Location.LEFT_ACOM, Location.LEFT_PCOM, Location.RIGHT_ICA, Location.RIGHT_ACA, Location.BA,
    Location.LEFT_PICA, Location.RIGHT_SCA, Location.RIGHT_VA,
)  # fmt: skip
_INK, _SAC = (30, 30, 30), (40, 40, 230)  # blue, green, red
_JPEG_QUALITY = 80
_STEP = 24  # from one name to the next, pixels


def write_picture(windows: CropWindows, distributions: Distributions, seed: int, file: Path) -> None:
    """Draws a patient with several aneurysms in eight views, with the windows of what each view shows well."""
    patient = draw_patient(frozenset(_SHOWN), distributions, (seed, 0))
    tiles = []
    for view in View:
        picture, scene = film_picture(patient, view)
        tiles.append(_tile(view, picture, scene.sac_mask, windows))
    sheet = np.hstack([np.vstack(tiles[start::4]) for start in range(4)])
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if file.suffix == ".jpg" else []
    done, content = cv2.imencode(file.suffix, sheet, quality)
    if not done:
        raise RuntimeError("OpenCV could not encode the picture of the windows")
    with replacing(file) as temporary:
        temporary.write_bytes(content.tobytes())


def _tile(view: View, picture: Image, sac_mask: Image, windows: CropWindows) -> ColourImage:
    """One view, stretched to a square as nets see it, with its windows, the outlines of sacs and the view's code."""
    side = _TILE_PX - _GAP
    square = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    tile = np.asarray(cv2.cvtColor(square, cv2.COLOR_GRAY2BGR), np.uint8)
    outline = cv2.resize((sac_mask > 0).astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(outline, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(tile, contours, -1, _SAC, 1, cv2.LINE_AA)
    crops = [crop for circulation in Circulation for crop in cropped_views(circulation) if crop[0] is view]
    for place, (_, artery) in enumerate(crops):
        found = windows.windows[WindowKey.of(view, artery)]
        rows, columns = filmed(found.window, view).slices(side, side)
        colour = artery_colour(artery)
        cv2.rectangle(tile, (columns.start, rows.start), (columns.stop - 1, rows.stop - 1), colour, 2, cv2.LINE_AA)
        # Names at the windows would lie over each other.
        words = f"{artery} {found.share:.0%}"
        write(tile, words, (10, side - 12 - _STEP * (len(crops) - 1 - place)), colour, 0.6)
    write(tile, view.code, (10, 22), _INK, 0.6)
    return np.asarray(cv2.copyMakeBorder(tile, 0, _GAP, 0, _GAP, cv2.BORDER_CONSTANT, value=(255, 255, 255)), np.uint8)
