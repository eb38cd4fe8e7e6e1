"""A gallery: all eight views of several patients, as they are and with their truth drawn in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Artery, View
from kium_lightning.console import say_written, track
from kium_lightning.errors import ConfigError
from kium_lightning.files import replacing
from kium_lightning.images.box import Box
from kium_lightning.numbers import whole
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.phantom.overlay import Image
from kium_lightning.phantom.patient import Patient, Rendered, draw_patient, render
from kium_lightning.phantom.truth import Detail, Hidden, legend
from kium_lightning.phantom.writing import Job

ColourImage = NDArray[np.uint8]

_SMALLEST_TILE_PX = 300  # smaller ones cannot be judged
_GAP = 6
_HEADER = 34
_PAPER, _INK = (255, 255, 255), (30, 30, 30)  # blue, green, red
_SAC, _HIDDEN_SAC, _LOOKALIKE = (40, 40, 230), (0, 130, 255), (200, 150, 0)
_TINT = 0.45  # of an artery's colour where its vessel is darkest
_ROOM = 0.7  # of a sac's box by which its frame is wider, so that it hides nothing of it


@dataclass(frozen=True)
class Shown:
    """One patient of the gallery.

    Attributes:
        job: number and labels.
        patient: as drawn.
        files: the rendered views.
    """

    job: Job
    patient: Patient
    files: dict[View, Rendered]


def main(cohort: PhantomCohort, patients: int, tile_px: int, file: Path) -> None:
    """Writes the gallery of a cohort's first patients, half of them with aneurysms, as one PNG.

    Raises:
        ConfigError: there are too few patients of either kind, or the tiles are too small to judge.
    """
    whole("gallery.patients", patients, 1)
    whole("gallery.tile_px", tile_px, _SMALLEST_TILE_PX)
    jobs = _chosen(cohort.jobs(), patients)
    sheet = gallery([_shown(job) for job in track(jobs, "Rendering the gallery", len(jobs))], tile_px)
    done, content = cv2.imencode(".png", sheet)
    if not done:
        raise RuntimeError("OpenCV could not encode the gallery as PNG")
    with replacing(file.expanduser().absolute()) as temporary:
        temporary.write_bytes(content.tobytes())
    say_written([file])


def _chosen(jobs: Sequence[Job], patients: int) -> list[Job]:
    """The first patients with and without aneurysms in turn."""
    kinds = [[job for job in jobs if job.labels], [job for job in jobs if not job.labels]]
    wanted = [(patients + 1) // 2, patients // 2]
    for of_kind, number, words in zip(kinds, wanted, ("with", "without"), strict=True):
        if len(of_kind) < number:
            raise ConfigError(
                f"The gallery wants {number} patients {words} aneurysms, but the cohort has {len(of_kind)}. "
                "Give a larger cohort.train_patients or a smaller gallery.patients."
            )
    return [kinds[place % 2][place // 2] for place in range(patients)]


def _shown(job: Job) -> Shown:
    patient = draw_patient(job.labels, job.distributions, job.seed)
    return Shown(job, patient, {view: render(patient, view, Detail.FULL) for view in View})


def gallery(shown: Sequence[Shown], tile_px: int) -> ColourImage:
    """Draws for each patient a header, a row of the eight views as they are, and a row with the truth.

    Returns:
        Blue, green and red of shape (height, width, 3).
    """
    blocks = [_legend(len(View) * (tile_px + _GAP) + _GAP)]
    for each in shown:
        plain = [_tile(_grey(file), tile_px) for file in each.files.values()]
        marked = [_marked(each, view, tile_px) for view in each.files]
        blocks += [_header(each, blocks[0].shape[1]), _row(plain), _row(marked)]
    return np.vstack(blocks)


def _row(tiles: list[ColourImage]) -> ColourImage:
    height, width = tiles[0].shape[:2]
    row = np.full((height + _GAP, len(tiles) * (width + _GAP) + _GAP, 3), _PAPER, np.uint8)
    for number, tile in enumerate(tiles):
        left = _GAP + number * (width + _GAP)
        row[:height, left : left + width] = tile
    return row


def _grey(file: Rendered) -> ColourImage:
    grey = np.asarray(cv2.imdecode(np.frombuffer(file.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def _tile(picture: ColourImage, tile_px: int) -> ColourImage:
    height, width = picture.shape[:2]
    size = tile_px, round(height * tile_px / width)
    method = cv2.INTER_AREA if tile_px < width else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)


def _marked(shown: Shown, view: View, tile_px: int) -> ColourImage:
    """A tile with arteries in colour, frames around look-alikes and sacs, and the sacs' names."""
    file = shown.files[view]
    picture = _grey(file)
    if file.arteries is not None:
        _tint(picture, file.arteries, file.sac_mask)
    scale = tile_px / picture.shape[1]
    tile = _tile(picture, tile_px)

    if file.sac_mask is not None:
        _outline(tile, file.sac_mask)

    def on_tile(box: Box) -> Box:
        return Box(*(round(edge * scale) for edge in box))

    for lookalike, box in zip(shown.patient.lookalikes, file.lookalikes, strict=True):
        if box is not None and _is_filled(file, Box(*box)):
            frame = on_tile(Box(*box)).grown(2, 2)
            cv2.rectangle(tile, frame[:2], frame[2:], _LOOKALIKE, 1, cv2.LINE_AA)
            write(tile, str(lookalike.kind), (frame.left, frame.bottom + 12), _LOOKALIKE, 0.38)
    for sac, truth in zip(shown.patient.sacs, file.sacs, strict=True):
        if truth is None or truth.hidden is Hidden.NOT_FILLED:
            continue
        inner = on_tile(Box(*truth.box))
        grown = 4 + round(_ROOM * max(inner.width, inner.height) / 2)
        frame, colour = inner.grown(grown, grown), _SAC if truth.visible else _HIDDEN_SAC
        cv2.rectangle(tile, frame[:2], frame[2:], colour, 1, cv2.LINE_AA)
        words = f"{sac.location.column} {sac.diameter_mm:.1f} mm" if truth.visible else f"({truth.hidden})"
        write(tile, words, (min(frame.left, tile_px - 110), max(frame.top - 5, 28)), colour, 0.42)
    write(tile, view.code, (5, 14), _INK, 0.45)
    return tile


def _is_filled(file: Rendered, box: Box) -> bool:
    return file.arteries is None or bool(file.arteries[box.slices].any())


def _tint(picture: ColourImage, arteries: Image, sac_mask: Image | None) -> None:
    """Lays the colour of each artery over its vessels, but not over sacs, in place."""
    colours = np.array([_colour(number) for number in range(256)], np.float32)
    shown = arteries > 0 if sac_mask is None else (arteries > 0) & (sac_mask == 0)
    strength = np.where(shown, np.float32(_TINT), np.float32(0.0))[..., None]
    picture[:] = np.clip(picture * (1.0 - strength) + colours[arteries] * strength, 0, 255).astype(np.uint8)


def _outline(tile: ColourImage, sac_mask: Image) -> None:
    """Draws the outlines of the sacs that contrast reaches, in place."""
    for number in range(1, int(sac_mask.max()) + 1):
        large = cv2.resize(
            (sac_mask == number).astype(np.uint8) * 255, tile.shape[1::-1], interpolation=cv2.INTER_LINEAR
        )
        contours, _ = cv2.findContours((large > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(tile, contours, -1, _SAC, 1)


def _colour(number: int) -> tuple[int, int, int]:
    """Blue, green and red of an artery's number: one hue for each labelled artery, grey for the others."""
    entry = legend().get(str(number))
    if entry is None or entry["artery"] is None:
        return 120, 120, 120
    return artery_colour(Artery(entry["artery"]))


def artery_colour(artery: Artery) -> tuple[int, int, int]:
    """Blue, green and red of a labelled artery, each a hue of its own."""
    place = list(Artery).index(artery)
    hue = np.array([[[(place * 180 * 3 // len(Artery)) % 180, 210, 190]]], np.uint8)
    blue, green, red = cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)[0, 0]
    return int(blue), int(green), int(red)


def _header(shown: Shown, width: int) -> ColourImage:
    band = np.full((_HEADER, width, 3), _PAPER, np.uint8)
    sacs = ", ".join(f"{sac.location.column} {sac.diameter_mm:.1f} mm" for sac in shown.patient.sacs) or "no aneurysm"
    kinds = ", ".join(sorted(str(each.kind) for each in shown.patient.lookalikes)) or "none"
    sheet = shown.patient.sheets[View.LEFT_ANTERIOR_FRONTAL]
    words = f"{shown.job.index}: {sacs}   look-alikes: {kinds}   {sheet.form}, {sheet.width} x {sheet.height}"
    write(band, words, (_GAP, 23), _INK, 0.6)
    return band


def _legend(width: int) -> ColourImage:
    band = np.full((_HEADER, width, 3), _PAPER, np.uint8)
    left = _GAP
    for words, colour in (("aneurysm", _SAC), ("(why it does not show)", _HIDDEN_SAC), ("look-alike", _LOOKALIKE)):
        write(band, words, (left, 23), colour, 0.6)
        left += 13 * len(words)
    first = {entry["artery"]: int(number) for number, entry in legend().items() if entry["artery"] is not None}
    for artery in Artery:
        write(band, str(artery), (left, 23), _colour(first[artery.value]), 0.6)
        left += 13 * len(artery.value) + 14
    return band


def write(picture: ColourImage, text: str, at: tuple[int, int], colour: tuple[int, int, int], size: float) -> None:
    """Writes on a light ground, so that it can be read on black margins and on vessels."""
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    left, foot = at
    ground = picture[max(0, foot - height) : foot + below, max(0, left - 1) : left + width + 1]
    ground[:] = (0.35 * ground + 0.65 * np.array(_PAPER)).astype(np.uint8)
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
