"""Raw films whose box, text and vessels are known, drawn without the package's own phantom."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from kium_lightning.images.box import Box

_CV_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_COMPLEX_SMALL,
)
_FONT_FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
_FONT_NAMES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSerif.ttf", "STIXGeneral.ttf")
_WORDS = (
    "LAO",
    "RAO 30",
    "CRA 12",
    "Se: 4",
    "Im: 12/30",
    "120 kV",
    "FD 22 cm",
    "L ICA",
    "R VERT",
    "2021-03-11",
    "10:42:33",
)
_MORE_WORDS = (
    "DSA 4 f/s",
    "M 054Y",
    "W 256 C 128",
    "Mag 1.2",
    "HOSPITAL",
    "Zoom: 100%",
    "id 1003817",
    "Frame 12",
    "WL 2048",
)


@dataclass(frozen=True)
class RawFilm:
    """A raw image and what is known of it: the picture's box, the text pixels and the vessel pixels."""

    image: NDArray[np.uint8]
    box: Box
    text: NDArray[np.bool_]
    vessel: NDArray[np.bool_]
    words: int


@cache
def clean_picture(seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A picture without margins or text, and where its vessels are."""
    draw = np.random.default_rng([seed, 1])
    height, width = [(360, 360), (420, 500), (512, 512), (388, 388), (400, 668), (720, 720)][draw.integers(6)]
    rows, columns = np.mgrid[0:height, 0:width]
    radius = np.hypot(rows / height - 0.5, columns / width - 0.5) / 0.5
    level = draw.uniform(110, 220)
    background = level * (1 - draw.uniform(0, 0.25) * radius**2)
    if draw.random() < 0.4:  # a collimator rounds the corners
        edge = 1 / (1 + np.exp((radius - draw.uniform(1.05, 1.3)) * draw.uniform(20, 80)))
        background *= 1 - draw.uniform(0.05, 0.6) * (1 - edge)
    fog = cv2.GaussianBlur(draw.normal(size=(height, width)), (0, 0), 40) * 40
    background *= 1 + fog * draw.uniform(0, 0.08)
    depth = _vessels(draw, height, width)
    picture = background * np.exp(-depth)
    if draw.random() < 0.3:  # skull edge that the subtraction left
        angle = draw.uniform(0, 2 * np.pi)
        ring = np.hypot(rows / height - 0.5 - 0.1 * np.cos(angle), columns / width - 0.5 - 0.1 * np.sin(angle)) / 0.42
        picture += draw.uniform(3, 14) * (np.exp(-(((ring - 1) * 60) ** 2)) - np.exp(-(((ring - 1.02) * 60) ** 2)))
    noise = cv2.GaussianBlur(draw.normal(size=(height, width)), (0, 0), draw.uniform(0.5, 0.9))
    picture += noise / noise.std() * draw.uniform(1.5, 7)
    return picture, depth > 0.12


def _vessels(draw: np.random.Generator, height: int, width: int) -> NDArray[np.float64]:
    depth = np.zeros((height, width))
    size = min(height, width)
    branches = []
    for _ in range(draw.integers(1, 4)):  # trunks may enter at an edge, run along it or cross the centre
        side = draw.integers(4)
        start = [
            (draw.uniform(0.1, 0.9), 1.02),
            (draw.uniform(0.1, 0.9), -0.02),
            (-0.02, draw.uniform(0.1, 0.9)),
            (0.5, 0.5),
        ]
        heading = [-np.pi / 2, np.pi / 2, 0.0, draw.uniform(0, 2 * np.pi)][side] + draw.normal() * 0.3
        x, y = start[side]
        branches.append((x * width, y * height, heading, size * draw.uniform(0.02, 0.05), 0))
    count = 0
    while branches and count < 60:
        x, y, heading, calibre, order = branches.pop(0)
        count += 1
        layer = np.zeros((height, width), np.uint8)
        turn = 0.0
        steps = int(draw.uniform(0.15, 0.6) * size / 4)
        for _ in range(steps):
            turn = 0.85 * turn + draw.normal() * 0.12
            heading += turn * 0.5
            new = x + 4 * np.cos(heading), y + 4 * np.sin(heading)
            cv2.line(layer, _fixed(x, y), _fixed(*new), 255, max(1, round(calibre)), cv2.LINE_AA, 4)
            x, y = new
        if draw.random() < 0.12:
            cv2.circle(layer, _fixed(x, y), round(16 * draw.uniform(0.7, 2.5) * calibre), 255, -1, cv2.LINE_AA, 4)
        soft = cv2.GaussianBlur(layer.astype(np.float64) / 255, (0, 0), max(0.8, calibre / 6))
        depth += soft * (0.25 + calibre / (size * 0.04) * draw.uniform(0.7, 2.0)) * 0.9**order
        if calibre > 1.2:
            for sign in (-1, 1):
                spread = sign * draw.uniform(0.2, 1.1)
                branches.append((x, y, heading + spread, calibre * draw.uniform(0.55, 0.9), order + 1))
    return depth


def _fixed(x: float, y: float) -> tuple[int, int]:
    return round(x * 16), round(y * 16)


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONT_FOLDER / name), size)


def _word_mask(draw: np.random.Generator, word: str, height: int) -> NDArray[np.uint8]:
    """The coverage of a word whose capitals are about ``height`` pixels high."""
    canvas = np.zeros((3 * height + 12, 2 * height * len(word) + 40), np.uint8)
    if draw.random() < 0.5:
        font = _CV_FONTS[draw.integers(len(_CV_FONTS))]
        thickness = int(draw.integers(1, 3)) if height > 12 else 1
        scale = cv2.getFontScaleFromHeight(font, height, thickness)
        line = cv2.LINE_AA if draw.random() < 0.7 else cv2.LINE_8
        cv2.putText(canvas, word, (6, 2 * height), font, scale, 255, thickness, line)
    else:
        picture = Image.fromarray(canvas)
        font_file = _FONT_NAMES[draw.integers(len(_FONT_NAMES))]
        ImageDraw.Draw(picture).text((6, 4), word, 255, _font(font_file, round(height / 0.72)))
        canvas = np.array(picture)
    rows, columns = np.nonzero(canvas)
    return canvas[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def raw_film(seed: int, form: str, pictures: int = 12, is_hard: bool = False) -> RawFilm:
    """A raw film of a form, ``clean``, ``margins`` or ``text``, drawn from the seed.

    Args:
        seed: of everything but the picture between the margins.
        form: the raw form.
        pictures: how many pictures the films share, since these take the most time.
        is_hard: let text lie over vessels and differ little from the background.
    """
    draw = np.random.default_rng([seed, 2])
    picture, vessel = clean_picture(seed % pictures)
    height, width = picture.shape
    if form == "clean":
        image = _stored(draw, picture)
        return RawFilm(image, Box.whole(image), np.zeros(picture.shape, bool), vessel, 0)
    left, right, top, bottom = (_margin(draw, size) for size in (width, width, height, height))
    if max(left, right, top, bottom) == 0:
        right = bottom = 2
    full = (height + top + bottom, width + left + right)
    box = Box(left, top, left + width, top + height)
    film = np.full(full, draw.choice([0, 0, 2, draw.uniform(0, 55)])) + draw.normal(size=full) * draw.choice([0, 0.7])
    vessels = np.zeros(full, bool)
    film[box.slices], vessels[box.slices] = picture, vessel
    _marks(draw, film, box)
    text = np.zeros(full, bool)
    words = _burn_text(draw, film, box, text, vessels, is_hard) if form == "text" else 0
    return RawFilm(_stored(draw, film), box, text, vessels, words)


def _margin(draw: np.random.Generator, size: int) -> int:
    kind = draw.integers(4)
    if kind == 0:
        return 0
    return int(draw.integers(1, 3)) if kind == 1 else int(draw.uniform(0.01, 0.6) * size)


def _marks(draw: np.random.Generator, film: NDArray[np.float64], box: Box) -> None:
    grey = draw.uniform(90, 255)
    if box.top > 4 and draw.random() < 0.5:  # dashes along the top
        row = int(draw.integers(0, box.top - 3))
        for column in range(0, film.shape[1], 12):
            film[row : row + 1, column : column + 5] = grey
    if box.left > 8 and draw.random() < 0.5:  # ticks down the left
        for row in range(0, film.shape[0], 20):
            film[row, 0 : int(draw.integers(3, 8))] = grey


def _burn_text(
    draw: np.random.Generator,
    film: NDArray[np.float64],
    box: Box,
    text: NDArray[np.bool_],
    vessels: NDArray[np.bool_],
    is_hard: bool,
) -> int:
    height, width = film.shape
    letter = int(np.clip(draw.uniform(0.014, 0.05) * box.height, 6, 40))
    dark = draw.random() < 0.35
    grey = draw.uniform(0, 40) if dark else draw.uniform(235, 255)
    drawn = 0
    for _ in range(draw.integers(1, 4)):
        corner_right, corner_bottom = draw.random() < 0.5, draw.random() < 0.5
        inset = int(draw.uniform(-1.0, 2.0) * letter), int(draw.uniform(-1.0, 2.0) * letter)
        for line in range(draw.integers(1, 5)):
            mask = _word_mask(draw, str(draw.choice(_WORDS + _MORE_WORDS)), letter)
            rows, columns = mask.shape
            x = box.right - columns - inset[0] if corner_right else box.left + inset[0]
            step = round(line * letter * 1.7)
            y = box.bottom - rows - inset[1] - step if corner_bottom else box.top + inset[1] + step
            x, y = int(np.clip(x, 1, width - columns - 1)), int(np.clip(y, 1, height - rows - 1))
            where = np.s_[y : y + rows, x : x + columns]
            room = np.s_[max(0, y - 12) : y + rows + 12, max(0, x - 12) : x + columns + 12]
            contrast = abs(float(np.median(film[room])) - grey)
            if not is_hard and (vessels[room].any() or (contrast < 60 and not np.median(film[room]) < 60)):
                continue
            if columns > width - 4 or text[y - 1 : y + rows + 1, x - 1 : x + columns + 1].any():
                continue
            alpha = mask / 255
            film[where] = film[where] * (1 - alpha) + grey * alpha
            text[where] |= mask > 64
            drawn += 1
    return drawn


def _stored(draw: np.random.Generator, film: NDArray[np.float64]) -> NDArray[np.uint8]:
    image = np.clip(np.round(film), 0, 255).astype(np.uint8)
    quality = int(draw.integers(80, 99))
    content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE))
