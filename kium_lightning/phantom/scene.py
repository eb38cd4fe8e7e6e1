"""What the rays of one view meet: the subtraction signal of vessels and sacs, and the truth about them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.phantom.aneurysms import Sac
from kium_lightning.phantom.geometry import Geometry
from kium_lightning.phantom.lookalikes import Lookalike
from kium_lightning.phantom.overlay import Box, Image
from kium_lightning.phantom.projection import Rays
from kium_lightning.phantom.tree import Tree
from kium_lightning.phantom.truth import NUMBERS, SacTruth, sac_truth
from kium_lightning.phantom.xray import Run

_FINEST_MM = 0.6  # coarser pixels are rendered from finer rays, or thin vessels would break up
_ADDS_MM = 0.05  # blood behind its neck counts as a sac's where it adds this much to a ray

Filling = Sequence[NDArray[np.float64] | None]


@dataclass(frozen=True)
class Scene:
    """What the rays of one view meet.

    Attributes:
        signal: of the subtraction, (height, width) of the picture.
        sacs: what it shows of each sac; None where the outline is off the picture.
        sac_mask: (height, width): 1 + the number of the sac inside sacs that contrast reaches, else 0.
        arteries: (height, width): the number of the artery that weighs most on each ray, without sacs; or None.
    """

    signal: NDArray[np.float32]
    sacs: list[SacTruth | None]
    sac_mask: Image
    arteries: Image | None


def cast(
    tree: Tree,
    sacs: Sequence[Sac],
    filling: Filling,
    run: Run,
    picture: Box,
    darkest_signal: float,
    names_arteries: bool,
) -> Scene:
    """Casts the rays of one view.

    Args:
        tree: the vessels.
        sacs: the aneurysms.
        filling: the contrast at each point of each branch.
        run: the X-ray circumstances.
        picture: the part of the file that the picture takes.
        darkest_signal: what the film shows as black; more signal cannot be seen.
        names_arteries: whether to make the map of arteries.
    """
    width, height = picture[2] - picture[0], picture[3] - picture[1]
    finer = max(1, int(np.ceil(run.pixel_mm(width, height) / _FINEST_MM)))
    rays = Rays(run.geometry(width * finer, height * finer), names_arteries)
    for branch, contrast in zip(tree.branches, filling, strict=True):
        if contrast is not None:
            rays.add_tube(branch.points, branch.radii, contrast, NUMBERS[branch.place])
    thickness = rays.thickness()
    signal = _reduced(run.signal(thickness), finer)
    truths: list[SacTruth | None] = []
    mask: Image = np.zeros((height, width), dtype=np.uint8)
    longest = np.zeros((height, width), dtype=np.float32)
    for number, sac in enumerate(sacs, start=1):
        strength = filled_to(sac, filling)
        chords = rays.add_bodies(sac.bodies, strength, sac.base, sac.neck)
        fuller = rays.thickness() if strength else thickness
        inside = (chords > 0.0) | (fuller - thickness > _ADDS_MM)
        rows, columns = _window(inside, finer)
        fine = slice(rows.start * finer, rows.stop * finer), slice(columns.start * finer, columns.stop * finer)
        outline = _reduced(inside[fine].astype(np.float32), finer) > 0.5
        with_sac = _reduced(run.signal(fuller[fine]), finer)
        before = signal[rows, columns]
        seen = np.minimum(with_sac, darkest_signal) - np.minimum(before, darkest_signal)
        alone = _reduced(run.signal(np.float32(strength) * chords[fine]), finer)
        origin = columns.start + picture[0], rows.start + picture[1]
        truths.append(sac_truth(outline, with_sac - before, seen, alone, origin))
        signal[rows, columns] = with_sac
        thickness = fuller
        if strength:  # where two sacs overlap, the one with more blood on the ray has the pixel
            length = _reduced(chords[fine], finer)
            wins = outline & (length >= longest[rows, columns])
            mask[rows, columns][wins] = number
            longest[rows, columns][wins] = length[wins]
    arteries = _named(rays.arteries(), finer) if names_arteries else None
    return Scene(signal, truths, mask, arteries)


def filled_to(sac: Sac, filling: Filling) -> float:
    """The contrast in a sac, 0 to 1: that of the fullest vessel that opens into it."""
    reached = [0.0]
    for branch, point in sac.feeders:
        contrast = filling[branch]
        if contrast is not None:
            reached.append(float(contrast[point]))
    return max(reached)


def lookalike_box(lookalike: Lookalike, geometry: Geometry, picture: Box) -> Box | None:
    """The box of a look-alike in pixels of the file; None where it is off the picture."""
    pixels = geometry.project(lookalike.points)
    depth = geometry.local(lookalike.points)[:, 2]
    reach = (lookalike.radii * geometry.source_image_mm / (depth * geometry.pixel_mm))[:, None]
    left, top = np.clip(np.floor((pixels - reach).min(axis=0)), 0, None).astype(int)
    right, bottom = np.ceil((pixels + reach).max(axis=0)).astype(int) + 1
    right, bottom = min(int(right), geometry.width), min(int(bottom), geometry.height)
    if left >= right or top >= bottom:
        return None
    return int(left) + picture[0], int(top) + picture[1], right + picture[0], bottom + picture[1]


def _reduced(fine: NDArray[np.float32], finer: int) -> NDArray[np.float32]:
    """The mean of each pixel's finer rays."""
    if finer == 1 or fine.size == 0:
        return fine
    height, width = fine.shape[0] // finer, fine.shape[1] // finer
    return np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _named(arteries: Image, finer: int) -> Image:
    """The artery of each pixel: that of its middle ray."""
    if finer == 1:
        return arteries
    return np.ascontiguousarray(arteries[finer // 2 :: finer, finer // 2 :: finer])


def _window(inside: NDArray[np.bool_], finer: int) -> tuple[slice, slice]:
    """The rows and columns of the picture that hold all true finer rays; empty slices where there are none."""
    left, top, wide, high = cv2.boundingRect(inside.astype(np.uint8))
    if wide == 0:
        return slice(0, 0), slice(0, 0)
    return (
        slice(top // finer, -(-(top + high) // finer)),
        slice(left // finer, -(-(left + wide) // finer)),
    )
