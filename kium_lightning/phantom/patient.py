"""One synthetic patient: everything that is drawn once, and what is rendered from it for each view."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Circulation, Location, Side, View
from kium_lightning.phantom.aneurysms import Aneurysms, Sac, draw_sac
from kium_lightning.phantom.exposure import expose
from kium_lightning.phantom.film import Film, Sheet, draw_sheet, encode, lay_out
from kium_lightning.phantom.injections import Crossing, contrasts, draw_crossing
from kium_lightning.phantom.overlay import Box, Image, bounding_box
from kium_lightning.phantom.population import Anatomy
from kium_lightning.phantom.projection import Rays
from kium_lightning.phantom.tree import Tree
from kium_lightning.phantom.variants import Variants, draw_variants
from kium_lightning.phantom.vessels import draw_tree
from kium_lightning.phantom.xray import Run, Xray, attenuation, draw_run, subtraction

_FINEST_MM = 0.6  # coarser pixels are rendered from finer rays, or thin vessels would break up
_VISIBLE_SIGNAL = 0.04  # mean signal that a sac must add to what lies over it, about twice a clean film's noise
_VISIBLE_SHARE = 0.3  # share of its outline in which it must do so


@dataclass(frozen=True)
class Patient:
    """A drawn patient.

    Attributes:
        labels: the locations of the aneurysms.
        variants: of the circle of Willis.
        tree: all vessels.
        sacs: all aneurysms, one for each label.
        crossings: the cross-filling of each injection.
        runs: the X-ray circumstances of each view.
        sheets: the look of each view's file.
    """

    labels: frozenset[Location]
    variants: Variants
    tree: Tree
    sacs: tuple[Sac, ...]
    crossings: dict[tuple[Side, Circulation], Crossing]
    runs: dict[View, Run]
    sheets: dict[View, Sheet]


@dataclass(frozen=True)
class SacTruth:
    """What one view shows of one sac.

    Attributes:
        box: of its outline, in pixels of the file.
        diameter_px: the largest diameter as projected.
        visible: whether contrast reaches it and it stands out from the vessels over and under it.
        contrast: mean of the signal that it adds, over its outline.
    """

    box: Box
    diameter_px: float
    visible: bool
    contrast: float


@dataclass(frozen=True)
class Rendered:
    """One view's file and its truth.

    Attributes:
        jpeg: the file's bytes.
        text_boxes: of the burnt-in lines, in pixels of the file.
        text_mask: (height, width), 255 where text was painted; None without text.
        sac_mask: (height, width), 255 inside sacs that contrast reaches; None without any.
        sacs: for each of the patient's sacs, in order; None where its outline is off the picture.
        millimetres_per_pixel: at the centre of the head.
    """

    jpeg: bytes
    text_boxes: list[Box]
    text_mask: Image | None
    sac_mask: Image | None
    sacs: list[SacTruth | None]
    millimetres_per_pixel: float


@dataclass(frozen=True)
class Distributions:
    """Everything that is drawn from: how patients, aneurysms, runs and files differ."""

    anatomy: Anatomy
    aneurysms: Aneurysms
    xray: Xray
    film: Film


def draw_patient(labels: frozenset[Location], distributions: Distributions, seed: tuple[int, ...]) -> Patient:
    """Draws a patient; film, geometry and filling come from streams that know nothing of the labels.

    Args:
        labels: where the patient has aneurysms.
        distributions: what to draw from.
        seed: the cohort's seed, the part and the patient's number.
    """

    def stream(*key: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(seed[0], spawn_key=(*seed[1:], *key)))

    variants = draw_variants(distributions.anatomy, labels, stream(0))
    streams = {"midline": stream(1, 0), "L": stream(1, 1), "R": stream(1, 2)}
    tree = draw_tree(distributions.anatomy, variants, streams)
    sacs = tuple(
        draw_sac(location, tree, Side.LEFT, distributions.aneurysms, stream(2, number))
        for number, location in enumerate(Location)
        if location in labels
    )
    injections = [(side, circulation) for side in Side for circulation in Circulation]
    views = list(View)
    return Patient(
        labels=labels,
        variants=variants,
        tree=tree,
        sacs=sacs,
        crossings={injection: draw_crossing(stream(3, number)) for number, injection in enumerate(injections)},
        runs={view: draw_run(view, distributions.xray, stream(4), stream(4, i)) for i, view in enumerate(views)},
        sheets={view: draw_sheet(distributions.film, stream(5), stream(5, i)) for i, view in enumerate(views)},
    )


def render(patient: Patient, view: View) -> Rendered:
    """Renders one view of a patient as a file with its truth."""
    run, sheet = patient.runs[view], patient.sheets[view]
    left, top, right, bottom = sheet.picture
    width, height = right - left, bottom - top
    finer = max(1, int(np.ceil(run.field_mm / min(width, height) / _FINEST_MM)))
    rays = Rays(run.geometry(width * finer, height * finer))
    filling = contrasts(
        patient.tree, view.side, view.circulation, patient.variants, patient.crossings[view.side, view.circulation]
    )
    for branch, contrast in zip(patient.tree.branches, filling, strict=True):
        if contrast is not None:
            rays.add_tube(branch.points, branch.radii, contrast)
    signal = _signal(rays, run, width, height)
    truths: list[SacTruth | None] = []
    mask: Image = np.zeros((sheet.height, sheet.width), dtype=np.uint8)
    for sac in patient.sacs:
        contrast = filling[sac.branch]
        strength = 0.0 if contrast is None else float(contrast[sac.point])
        fine = np.zeros((height * finer, width * finer), dtype=np.uint8)
        rays.add_ellipsoid(sac.centre, sac.axes, sac.half_axes, strength, fine)
        outline = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA) > 127
        with_sac = _signal(rays, run, width, height)
        truths.append(_sac_truth(outline, with_sac - signal, (left, top)))
        signal = with_sac
        if strength:
            mask[top:bottom, left:right] |= outline.astype(np.uint8) * np.uint8(255)
    image, boxes, text_mask = lay_out(expose(signal, sheet, run), sheet)
    return Rendered(
        jpeg=encode(image, sheet),
        text_boxes=boxes,
        text_mask=text_mask,
        sac_mask=mask if mask.any() else None,
        sacs=truths,
        millimetres_per_pixel=run.field_mm / min(width, height) / run.magnification,
    )


def _signal(rays: Rays, run: Run, width: int, height: int) -> NDArray[np.float32]:
    thickness = rays.thickness()
    signal = np.zeros_like(thickness)
    filled = thickness > 0.0  # a tenth of a film, so most of the logarithms can be spared
    signal[filled] = subtraction(attenuation(thickness[filled], run.iodine_mg_per_ml), run.scatter)
    if signal.shape == (height, width):
        return signal
    return np.asarray(cv2.resize(signal, (width, height), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _sac_truth(outline: NDArray[np.bool_], added: NDArray[np.float32], origin: tuple[int, int]) -> SacTruth | None:
    if not outline.any():
        return None
    left, top, right, bottom = bounding_box(outline.astype(np.uint8))
    points = cv2.findNonZero(outline.astype(np.uint8))
    _, (wide, high), _ = cv2.minAreaRect(points)
    gain = added[outline]
    stands_out = float(np.mean(gain > _VISIBLE_SIGNAL))
    return SacTruth(
        box=(left + origin[0], top + origin[1], right + origin[0], bottom + origin[1]),
        diameter_px=float(max(wide, high)) + 1.0,
        visible=bool(gain.mean() > _VISIBLE_SIGNAL and stands_out > _VISIBLE_SHARE),
        contrast=float(gain.mean()),
    )
