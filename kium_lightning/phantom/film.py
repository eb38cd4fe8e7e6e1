"""How image files differ: form, size, margins, text, format, and what the run left. Nothing here knows of aneurysms."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from kium_lightning.anatomy import Projection, View
from kium_lightning.numbers import (
    Checked,
    Normal,
    NotNegative,
    Positive,
    PositiveRange,
    Probability,
    Rule,
    ShareRange,
    pair,
    single,
)
from kium_lightning.phantom.overlay import Box, Lettering, Level, Ruling, draw_marks, draw_text
from kium_lightning.phantom.sheet import Blob, Collimator, Sheet

FORMS = ("clean", "margins", "text")
_SMALLEST_PX = 64
_FORMS = f"a probability for each of {', '.join(FORMS)}, such as {{clean:0.5,margins:0.25,text:0.25}}"
_SIZES = f"at least one [width, height] in whole pixels, {_SMALLEST_PX} or more, such as [[512,512]]"


def _are_forms(value: Any) -> bool:
    is_table = isinstance(value, dict) and set(value) == set(FORMS) and all(map(single(0.0).fits, value.values()))
    return is_table and sum(value.values()) > 0


def _are_sizes(value: Any) -> bool:
    fits = single(_SMALLEST_PX, whole=True).fits
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(isinstance(size, list | tuple) and len(size) == 2 and all(map(fits, size)) for size in value)
    )


@dataclass(frozen=True)
class Film(Checked):
    """How image files differ.

    Attributes:
        sizes: (width, height) in pixels; each is as likely as the others.
        forms: probabilities of the raw forms clean, margins, and margins with burnt-in text.
        background: mean and standard deviation of the background's grey level.
        darkest_signal: range of the subtraction signal that is shown as black.
        fog: largest share of the signal range that slow shading spans.
        fog_exponent: the share of it is an even number from 0 to 1 to this power: mostly small above 1.
        misregistered_frontal: probability that a frontal run shows the skull's edges.
        misregistered_lateral: the same for a lateral run.
        misregistration_px: largest shift of the mask against the run, in pixels of a 1024-pixel picture.
        misregistration_degrees: largest turn of the mask against the run.
        residual: share of these that is left in all other runs.
        blob: probability of a bright and dark blob at the lower left of a lateral view, where the jaw moves.
        blob_signal: range of its depth, in signal.
        blob_across: range of its place as a fraction of the picture's width.
        blob_down: the same of the height.
        blob_size: range of the standard deviation of each half, as a fraction of the shorter side.
        collimated: probability of a faint circular collimator edge.
        collimator_radius: range of that circle's radius, over half the picture's diagonal.
        collimator_grey: range of the step beyond it, in grey levels.
        collimator_edge: width of that step over half the picture's diagonal.
        margin: largest width of a margin as a fraction of the side it takes from.
        margin_least: least width of that one side which always has a margin.
        margin_sides: probability of a margin for each of the other sides.
        margin_jitter_px: by how much at most margins differ between a patient's files.
        margin_grey: range of the margins' grey level.
        raw_border: probability that the margins are nothing but black columns and rows at the right and the bottom.
        raw_border_px: how many columns and rows.
        text_lines: range of the number of burnt-in lines.
        bright_text: probability that the text is bright.
        lettering: how that text looks.
        dashes: probability of dashes along the top and ticks down the left edge of a picture with text.
        ruling: how these look.
        quality: range of the JPEG quality.
        rgb: probability that the file stores three equal channels.
    """

    sizes: Annotated[list[tuple[int, int]], Rule(_are_sizes, _SIZES)]
    forms: Annotated[dict[str, float], Rule(_are_forms, _FORMS)]
    background: Normal
    darkest_signal: PositiveRange
    fog: Probability
    fog_exponent: Positive
    misregistered_frontal: Probability
    misregistered_lateral: Probability
    misregistration_px: NotNegative
    misregistration_degrees: NotNegative
    residual: Probability
    blob: Probability
    blob_signal: Annotated[tuple[float, float], pair(0.0)]
    blob_across: ShareRange
    blob_down: ShareRange
    blob_size: PositiveRange
    collimated: Probability
    collimator_radius: PositiveRange
    collimator_grey: Annotated[tuple[float, float], pair(0.0, 255.0)]
    collimator_edge: Positive
    margin: Annotated[float, single(0.0, 0.4)]
    margin_least: Annotated[float, single(0.0, 0.4)]
    margin_sides: Probability
    margin_jitter_px: Annotated[int, single(0, 16, whole=True)]
    margin_grey: Level
    raw_border: Probability
    raw_border_px: Annotated[int, single(1, 16, whole=True)]
    text_lines: Annotated[tuple[int, int], pair(1, whole=True)]
    bright_text: Probability
    lettering: Lettering
    dashes: Probability
    ruling: Ruling
    quality: Annotated[tuple[int, int], pair(1, 100, whole=True)]
    rgb: Probability

    def __post_init__(self) -> None:
        super().__post_init__()
        self.in_order("margin_least", "margin")


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
    texts = draw_text(film.lettering, lines, is_bright, shared)
    has_marks, marks = shared.uniform() < film.dashes, draw_marks(film.ruling, shared)
    margin_level = int(shared.integers(film.margin_grey[0], film.margin_grey[1] + 1))
    skull_seed = int(shared.integers(2**63))
    is_lateral = view.projection is Projection.LATERAL
    return Sheet(
        form=form,
        width=width,
        height=height,
        picture=(0, 0, width, height) if form == "clean" else picture,
        background=background,
        darkest_signal=float(own.uniform(*film.darkest_signal)),
        fog=film.fog * float(own.uniform()) ** film.fog_exponent,
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
    drawn = Blob(
        place=(_between(film.blob_across, across), _between(film.blob_down, down)),
        size=_between(film.blob_size, size),
        towards=2.0 * np.pi * float(towards),
        depth=_between(film.blob_signal, depth),
    )
    return drawn if is_lateral and chance < film.blob else None


def _between(limits: tuple[float, float], share: float) -> float:
    return limits[0] + (limits[1] - limits[0]) * float(share)


def _draw_collimator(film: Film, own: np.random.Generator) -> Collimator | None:
    radius, grey = float(own.uniform(*film.collimator_radius)), float(own.uniform(*film.collimator_grey))
    drawn = Collimator(radius, grey, film.collimator_edge)
    return drawn if own.uniform() < film.collimated else None


def _draw_picture(film: Film, width: int, height: int, shared: np.random.Generator, own: np.random.Generator) -> Box:
    """Margins of any width on any side, some sides without; or the raw border."""
    sizes = shared.uniform(0.0, film.margin, 4) * (shared.uniform(size=4) < film.margin_sides)
    sizes[int(shared.integers(4))] = shared.uniform(film.margin_least, film.margin)
    pixels = np.round(sizes * np.array([width, height, width, height])).astype(int)
    pixels += own.integers(0, film.margin_jitter_px + 1, 4) * (pixels > 0)
    if shared.uniform() < film.raw_border:
        return 0, 0, width - film.raw_border_px, height - film.raw_border_px
    return int(pixels[0]), int(pixels[1]), width - int(pixels[2]), height - int(pixels[3])
