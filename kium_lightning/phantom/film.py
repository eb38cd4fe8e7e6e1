"""The file: form, size, margins, text and format of one image. Nothing here knows of aneurysms."""

from dataclasses import dataclass

import cv2
import numpy as np

from kium_lightning.errors import ConfigError
from kium_lightning.phantom.overlay import Box, Image, Text, bounding_box, draw_text, paint_dashes, paint_text

FORMS = ("clean", "margins", "text")
_SMALLEST_PX = 64


@dataclass(frozen=True)
class Film:
    """How image files differ.

    Attributes:
        sizes: (width, height) in pixels; each is as likely as the others.
        forms: probabilities of the raw forms clean, margins, and margins with burnt-in text.
        background: mean and standard deviation of the background's grey level.
        darkest_signal: range of the subtraction signal that is shown as black.
        fog: largest share of the signal range by which slow shading lifts or lowers the background.
        misregistered: probability that a run shows the skull's edges.
        shift_px: largest shift of the mask against the run, in pixels of a 1024-pixel picture.
        collimator: probability of a faint circular collimator edge.
        margin: largest width of a margin as a fraction of the side it takes from.
        thin_margin: probability that all margins are at most two pixels wide.
        text_lines: range of the number of burnt-in lines.
        bright_text: probability that the text is bright.
        dashes: probability of dashes along the top and ticks down the left edge of a picture with text.
        quality: range of the JPEG quality.
        rgb: probability that the file stores three equal channels.
    """

    sizes: list[tuple[int, int]]
    forms: dict[str, float]
    background: tuple[float, float]
    darkest_signal: tuple[float, float]
    fog: float
    misregistered: float
    shift_px: float
    collimator: float
    margin: float
    thin_margin: float
    text_lines: tuple[int, int]
    bright_text: float
    dashes: float
    quality: tuple[int, int]
    rgb: float

    def __post_init__(self) -> None:
        if set(self.forms) != set(FORMS) or min(self.forms.values()) < 0 or sum(self.forms.values()) <= 0:
            raise ConfigError(
                f"film.forms is {self.forms}, but must give each of {', '.join(FORMS)} a probability. "
                "Write, for instance, cohort.film.forms={clean:0.5,margins:0.25,text:0.25}."
            )
        if not self.sizes or min(min(size) for size in self.sizes) < _SMALLEST_PX:
            raise ConfigError(
                f"film.sizes is {self.sizes}, but needs at least one [width, height] of {_SMALLEST_PX} pixels or more. "
                "Write, for instance, cohort.film.sizes=[[512,512]]."
            )


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
        fog: standard deviation of the slow shading, in signal.
        shift: of the mask: right, down in pixels of a 1024-pixel picture, and degrees.
        collimator: grey step beyond the collimator's circle; 0 for none.
        margin_level: grey level of the margins.
        texts: burnt-in lines.
        dashes: whether there are dashes and ticks.
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
    collimator: float
    margin_level: int
    texts: tuple[Text, ...]
    dashes: bool
    quality: int
    is_rgb: bool
    noise_seed: int


def draw_sheet(film: Film, shared: np.random.Generator, own: np.random.Generator) -> Sheet:
    """Draws the look of one file.

    Args:
        film: the distributions.
        shared: gives what is the same for all files of a patient when seeded alike: form, size, margins, format.
        own: gives what differs from file to file.
    """
    width, height = film.sizes[int(shared.integers(len(film.sizes)))]
    weights = np.array([film.forms[form] for form in FORMS])
    form = FORMS[int(shared.choice(len(FORMS), p=weights / weights.sum()))]
    background = float(shared.normal(*film.background))
    is_rgb, quality = bool(shared.uniform() < film.rgb), int(shared.integers(film.quality[0], film.quality[1] + 1))
    picture = _draw_picture(film, width, height, shared, own)
    is_bright = bool(shared.uniform() < film.bright_text)
    lines = int(shared.integers(film.text_lines[0], film.text_lines[1] + 1))
    texts = draw_text(lines, is_bright, shared)
    dashes = bool(shared.uniform() < film.dashes)
    margin_level = int(shared.integers(0, 16))
    moves = own.uniform() < film.misregistered
    reach = film.shift_px if moves else 0.08 * film.shift_px
    shift = own.uniform(-1.0, 1.0, 3) * np.array([reach, reach, 0.2 * reach])
    step = float(own.uniform(2.0, 7.0)) if own.uniform() < film.collimator else 0.0
    return Sheet(
        form=form,
        width=width,
        height=height,
        picture=(0, 0, width, height) if form == "clean" else picture,
        background=background,
        darkest_signal=float(own.uniform(*film.darkest_signal)),
        fog=float(own.uniform(0.0, film.fog)),
        shift=(float(shift[0]), float(shift[1]), float(shift[2])),
        collimator=step,
        margin_level=margin_level,
        texts=tuple(texts) if form == "text" else (),
        dashes=dashes and form == "text",
        quality=quality,
        is_rgb=is_rgb,
        noise_seed=int(own.integers(2**63)),
    )


def _draw_picture(film: Film, width: int, height: int, shared: np.random.Generator, own: np.random.Generator) -> Box:
    """Margins of any width on any side; some sides have none."""
    if shared.uniform() < film.thin_margin:
        left, top, right, bottom = (int(size) for size in shared.integers(0, 3, 4))
        return left, top, width - max(right, 1), height - bottom
    sizes = shared.uniform(0.0, film.margin, 4) * (shared.uniform(size=4) < 0.75)
    sizes[int(shared.integers(4))] = shared.uniform(0.02, film.margin)
    pixels = np.round(sizes * np.array([width, height, width, height])).astype(int)
    pixels += own.integers(0, 3, 4) * (pixels > 0)
    return int(pixels[0]), int(pixels[1]), width - int(pixels[2]), height - int(pixels[3])


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
    if sheet.dashes:
        painted = paint_dashes(image, sheet.picture, 20)
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
