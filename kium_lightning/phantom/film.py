"""How image files differ: form, size, margins, text, format, and what the run left. Nothing here knows of aneurysms."""

from dataclasses import dataclass

import numpy as np

from kium_lightning.anatomy import Projection, View
from kium_lightning.errors import ConfigError
from kium_lightning.phantom.overlay import Box, draw_marks, draw_text
from kium_lightning.phantom.sheet import Blob, Sheet

FORMS = ("clean", "margins", "text")
_SMALLEST_PX = 64
_RAW_BORDER_PX = 2


@dataclass(frozen=True)
class Film:
    """How image files differ.

    Attributes:
        sizes: (width, height) in pixels; each is as likely as the others.
        forms: probabilities of the raw forms clean, margins, and margins with burnt-in text.
        background: mean and standard deviation of the background's grey level.
        darkest_signal: range of the subtraction signal that is shown as black.
        fog: largest share of the signal range that slow shading spans; mostly it is less.
        misregistered_frontal: probability that a frontal run shows the skull's edges.
        misregistered_lateral: the same for a lateral run.
        misregistration_px: largest shift of the mask against the run, in pixels of a 1024-pixel picture.
        misregistration_degrees: largest turn of the mask against the run.
        residual: share of these that is left in all other runs.
        blob: probability of a bright and dark blob at the lower left of a lateral view, where the jaw moves.
        blob_signal: range of its depth, in signal.
        collimated: probability of a faint circular collimator edge.
        collimator_radius: range of that circle's radius, over half the picture's diagonal.
        collimator_grey: range of the step beyond it, in grey levels.
        margin: largest width of a margin as a fraction of the side it takes from.
        raw_border: probability that the margins are nothing but two black columns and rows at the right and the bottom.
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
    misregistered_frontal: float
    misregistered_lateral: float
    misregistration_px: float
    misregistration_degrees: float
    residual: float
    blob: float
    blob_signal: tuple[float, float]
    collimated: float
    collimator_radius: tuple[float, float]
    collimator_grey: tuple[float, float]
    margin: float
    raw_border: float
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


def draw_sheet(film: Film, view: View, shared: np.random.Generator, own: np.random.Generator) -> Sheet:
    """Draws the look of one file.

    Args:
        film: the distributions.
        view: which view it is; lateral ones show more of the skull.
        shared: gives what is the same for all files of a patient when seeded alike: form, size, margins, format, skull.
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
    has_marks, marks = shared.uniform() < film.dashes, draw_marks(shared)
    margin_level, skull_seed = int(shared.integers(0, 16)), int(shared.integers(2**63))
    is_lateral = view.projection is Projection.LATERAL
    return Sheet(
        form=form,
        width=width,
        height=height,
        picture=(0, 0, width, height) if form == "clean" else picture,
        background=background,
        darkest_signal=float(own.uniform(*film.darkest_signal)),
        fog=film.fog * float(own.uniform()) ** 2,
        shift=_draw_shift(film, is_lateral, own),
        blob=_draw_blob(film, is_lateral, own),
        collimator=_draw_collimator(film, own),
        skull_seed=skull_seed,
        margin_level=margin_level,
        texts=tuple(texts) if form == "text" else (),
        marks=marks if has_marks and form == "text" else None,
        quality=quality,
        is_rgb=is_rgb,
        noise_seed=int(own.integers(2**63)),
    )


def _draw_shift(film: Film, is_lateral: bool, own: np.random.Generator) -> tuple[float, float, float]:
    chance = film.misregistered_lateral if is_lateral else film.misregistered_frontal
    share = 1.0 if own.uniform() < chance else film.residual
    length, towards, turn = (
        share * film.misregistration_px * own.uniform(),
        own.uniform(-np.pi, np.pi),
        own.uniform(-1, 1),
    )
    degrees = share * film.misregistration_degrees * turn
    return float(length * np.cos(towards)), float(length * np.sin(towards)), float(degrees)


def _draw_blob(film: Film, is_lateral: bool, own: np.random.Generator) -> Blob | None:
    chance, across, down, size, towards, depth = own.uniform(size=6)
    low, high = film.blob_signal
    drawn = Blob(
        place=(0.06 + 0.16 * float(across), 0.76 + 0.16 * float(down)),
        size=0.025 + 0.035 * float(size),
        towards=2.0 * np.pi * float(towards),
        depth=low + (high - low) * float(depth),
    )
    return drawn if is_lateral and chance < film.blob else None


def _draw_collimator(film: Film, own: np.random.Generator) -> tuple[float, float] | None:
    drawn = float(own.uniform(*film.collimator_radius)), float(own.uniform(*film.collimator_grey))
    return drawn if own.uniform() < film.collimated else None


def _draw_picture(film: Film, width: int, height: int, shared: np.random.Generator, own: np.random.Generator) -> Box:
    """Margins of any width on any side, some sides without; or the raw border of two columns and rows."""
    sizes = shared.uniform(0.0, film.margin, 4) * (shared.uniform(size=4) < 0.75)
    sizes[int(shared.integers(4))] = shared.uniform(0.02, film.margin)
    pixels = np.round(sizes * np.array([width, height, width, height])).astype(int)
    pixels += own.integers(0, 3, 4) * (pixels > 0)
    if shared.uniform() < film.raw_border:
        return 0, 0, width - _RAW_BORDER_PX, height - _RAW_BORDER_PX
    return int(pixels[0]), int(pixels[1]), width - int(pixels[2]), height - int(pixels[3])
