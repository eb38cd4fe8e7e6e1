"""What a console adds to a picture: black margins, burnt-in text, dashes and ticks. Never depends on the patient."""

from dataclasses import dataclass
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.numbers import Checked, Probability, Rule, pair, single

Box = tuple[int, int, int, int]
Image = NDArray[np.uint8]


def _are_words(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(isinstance(word, str) and word for word in value)


_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_COMPLEX_SMALL)
Pixels = Annotated[tuple[int, int], pair(1, whole=True)]
Level = Annotated[tuple[int, int], pair(0, 255, whole=True)]


@dataclass(frozen=True)
class Lettering(Checked):
    """How burnt-in text differs; every range is drawn from evenly, whole numbers up to and with the larger.

    Attributes:
        words: what a line is put together from.
        words_per_line: range of their number.
        numbered: probability that a number follows a word.
        blocks: range of the number of corners that text stands in.
        height: range of the letter height as a fraction of the file's shorter side.
        inset: range of a block's distance from the file's edges, as a fraction of the room that is left.
        line_spacing: from line to line, in letter heights.
        bright_grey: range of the grey level of bright text; consoles write white.
        dark_grey: range of the grey level of dark text; on a margin it turns bright.
    """

    words: Annotated[list[str], Rule(_are_words, "a list of words, not empty")]
    words_per_line: Annotated[tuple[int, int], pair(1, 20, whole=True)]
    numbered: Probability
    blocks: Annotated[tuple[int, int], pair(1, 4, whole=True)]
    height: Annotated[tuple[float, float], pair(most=0.2, above=0.0)]
    inset: Annotated[tuple[float, float], pair(0.0, 0.5)]
    line_spacing: Annotated[float, single(1.0)]
    bright_grey: Level
    dark_grey: Level


@dataclass(frozen=True)
class Ruling(Checked):
    """How the dashes and ticks along a picture's edges differ; ranges of whole numbers, both ends included.

    Attributes:
        dash_px: length of a dash.
        gap_px: between dashes.
        row_px: row of the dashes below the picture's top.
        tick_px: length of a tick.
        ticks: number of ticks down the edge.
        grey: grey level.
    """

    dash_px: Pixels
    gap_px: Pixels
    row_px: Annotated[tuple[int, int], pair(0, 32, whole=True)]
    tick_px: Pixels
    ticks: Pixels
    grey: Level


@dataclass(frozen=True)
class Text:
    """One burnt-in line.

    Attributes:
        words: what it says.
        corner: where it stands, as fractions of the room that the file leaves (across, down).
        height: letter height as a fraction of the file's shorter side.
        font: an OpenCV font.
        thickness: stroke width in pixels.
        level: grey level, 0 to 255.
        margin_level: grey level where the line starts on a margin.
    """

    words: str
    corner: tuple[float, float]
    height: float
    font: int
    thickness: int
    level: int
    margin_level: int

    def origin(self, width: int, height: int) -> tuple[int, int, float]:
        """The left end of the base line in a file of a size in pixels, and OpenCV's font scale."""
        scale = self.height * min(height, width) / 21.0 * (1.6 if self.font == cv2.FONT_HERSHEY_PLAIN else 1.0)
        scale = max(scale, 0.3)
        (wide, high), baseline = cv2.getTextSize(self.words, self.font, scale, self.thickness)
        left = round(self.corner[0] * (width - wide))
        return left, high + round(self.corner[1] * (height - high - baseline)), scale


@dataclass(frozen=True)
class Marks:
    """Dashes and ticks that a console draws along a picture's edges.

    Attributes:
        dash_px: length of a dash along the top.
        gap_px: between dashes.
        row_px: row of the dashes below the picture's top.
        tick_px: length of a tick on the left edge.
        ticks: number of ticks down the edge.
        level: grey level, 0 to 255.
    """

    dash_px: int
    gap_px: int
    row_px: int
    tick_px: int
    ticks: int
    level: int


def draw_text(lettering: Lettering, lines: int, is_bright: bool, rng: np.random.Generator) -> list[Text]:
    """Draws blocks of lines at one to four corners of a file."""
    font = int(rng.choice(_FONTS))
    height = float(rng.uniform(*lettering.height))
    level = _whole(lettering.bright_grey if is_bright else lettering.dark_grey, rng)
    corners = [(x, y) for x in (0.0, 1.0) for y in (0.0, 1.0)]
    chosen = [corners[index] for index in rng.permutation(4)[: _whole(lettering.blocks, rng)]]
    inset = rng.uniform(*lettering.inset, 2)
    texts = []
    for number in range(lines):
        x, y = chosen[number % len(chosen)]
        row = number // len(chosen)
        step = row * height * lettering.line_spacing
        across = inset[0] if x == 0.0 else 1.0 - inset[0]
        down = inset[1] + step if y == 0.0 else 1.0 - inset[1] - step
        words = " ".join(
            str(rng.choice(lettering.words))
            + (f" {rng.integers(0, 9999)}" if rng.uniform() < lettering.numbered else "")
            for _ in range(_whole(lettering.words_per_line, rng))
        )
        texts.append(
            Text(words, (float(across), float(down)), height, font, 1, level, max(level, lettering.bright_grey[0]))
        )
    return texts


def paint_text(image: Image, text: Text, picture: Box) -> tuple[Box, Image]:
    """Paints a line into an image (height, width) in place; one that starts in a margin has its level there.

    Returns:
        The box of the painted pixels, right and bottom exclusive, and their mask (height, width), 255 where painted.
    """
    height, width = image.shape
    left, foot, scale = text.origin(width, height)
    layer = np.zeros_like(image)
    cv2.putText(layer, text.words, (left, foot), text.font, scale, 255, text.thickness, cv2.LINE_AA)
    starts_inside = picture[0] <= left < picture[2] and picture[1] < foot <= picture[3]
    mask = blend(image, layer, text.level if starts_inside else text.margin_level)
    return bounding_box(mask), mask


def draw_marks(ruling: Ruling, rng: np.random.Generator) -> Marks:
    """Draws one row of dashes along the top and ticks down the left edge, darker than the picture."""
    limits = (ruling.dash_px, ruling.gap_px, ruling.row_px, ruling.tick_px, ruling.ticks, ruling.grey)
    dash, gap, row, tick, ticks, level = (_whole(each, rng) for each in limits)
    return Marks(dash, gap, row, tick, ticks, level)


def _whole(limits: tuple[int, int], rng: np.random.Generator) -> int:
    """Draws a whole number from a range, both ends included."""
    return int(rng.integers(limits[0], limits[1] + 1))


def paint_marks(image: Image, picture: Box, marks: Marks) -> Image:
    """Paints dashes and ticks onto the picture's edges in an image (height, width) in place; returns their mask."""
    left, top, right, bottom = picture
    layer = np.zeros_like(image)
    for start in range(left + 2, right - marks.dash_px - 1, marks.dash_px + marks.gap_px):
        layer[top + marks.row_px, start : start + marks.dash_px] = 255
    for row in range(top + 20, bottom - 4, max(8, (bottom - top) // marks.ticks)):
        layer[row, left : left + marks.tick_px] = 255
    return blend(image, layer, marks.level)


def blend(image: Image, layer: Image, level: int) -> Image:
    """Mixes a grey level into an image in place, by the layer's strength; returns the mask of changed pixels."""
    touched = layer > 0
    strength = layer[touched].astype(np.float32) / 255.0
    image[touched] = np.round(image[touched] * (1.0 - strength) + level * strength).astype(np.uint8)
    return touched.astype(np.uint8) * np.uint8(255)


def bounding_box(mask: Image) -> Box:
    """The box of a mask's non-zero pixels, right and bottom exclusive; (0, 0, 0, 0) where there are none."""
    if not mask.any():
        return (0, 0, 0, 0)
    left, top, wide, high = cv2.boundingRect(mask)
    return (int(left), int(top), int(left + wide), int(top + high))
