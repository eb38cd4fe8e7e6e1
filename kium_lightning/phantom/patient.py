"""One synthetic patient: everything that is drawn once, and what is rendered from it for each view."""

from dataclasses import dataclass, replace

import numpy as np

from kium_lightning.anatomy import Circulation, Location, Side, View
from kium_lightning.phantom.aneurysms import Aneurysms, Sac, draw_sac
from kium_lightning.phantom.bones import Skull, draw_skull
from kium_lightning.phantom.exposure import expose
from kium_lightning.phantom.film import Film, draw_sheet
from kium_lightning.phantom.injections import Crossing, contrasts, draw_crossing
from kium_lightning.phantom.lookalikes import Kind, Lookalike, Lookalikes, draw_lookalikes
from kium_lightning.phantom.overlay import Box, Image
from kium_lightning.phantom.population import Anatomy
from kium_lightning.phantom.scene import Filling, Scene, cast, lookalike_box
from kium_lightning.phantom.sheet import Sheet, encode, lay_out
from kium_lightning.phantom.skull_shape import SkullShape
from kium_lightning.phantom.tree import Tree
from kium_lightning.phantom.truth import Detail, SacTruth
from kium_lightning.phantom.variants import Variants, draw_variants
from kium_lightning.phantom.vessels import draw_tree
from kium_lightning.phantom.xray import Run, Xray, draw_run


@dataclass(frozen=True)
class Patient:
    """A drawn patient.

    Attributes:
        labels: the locations of the aneurysms.
        variants: of the circle of Willis.
        tree: all vessels, with the look-alikes.
        sacs: all aneurysms, one for each label.
        lookalikes: what may be taken for an aneurysm and is none.
        crossings: the cross-filling of each injection.
        runs: the X-ray circumstances of each view.
        sheets: the look of each view's file.
        skull: the bones.
    """

    labels: frozenset[Location]
    variants: Variants
    tree: Tree
    sacs: tuple[Sac, ...]
    lookalikes: tuple[Lookalike, ...]
    crossings: dict[tuple[Side, Circulation], Crossing]
    runs: dict[View, Run]
    sheets: dict[View, Sheet]
    skull: Skull

    def without_sacs(self) -> "Patient":
        """The same patient with all aneurysms taken off and nothing else changed."""
        return replace(self, labels=frozenset(), sacs=())

    def filling(self, view: View) -> Filling:
        """The contrast at each point of each branch in a view, 0 to 1; None for branches that stay empty."""
        crossing = self.crossings[view.side, view.circulation]
        return contrasts(self.tree, view.side, view.circulation, self.variants, crossing)


@dataclass(frozen=True)
class Rendered:
    """One view's file and its truth.

    Attributes:
        jpeg: the file's bytes.
        text_boxes: of the burnt-in lines, in pixels of the file.
        text_mask: (height, width), 255 where text was painted; None without text.
        sac_mask: (height, width), 1 + the number of the sac inside sacs that contrast reaches; None without any.
        arteries: (height, width), the number of the artery in each pixel (see ``truth.legend``); None unless asked for.
        sacs: for each of the patient's sacs, in order; None where its outline is off the picture.
        lookalikes: the box of each of the patient's look-alikes, in order; None where it is off the picture or
            its vessel stays empty.
        millimetres_per_pixel: at the centre of the head.
    """

    jpeg: bytes
    text_boxes: list[Box]
    text_mask: Image | None
    sac_mask: Image | None
    arteries: Image | None
    sacs: list[SacTruth | None]
    lookalikes: list[Box | None]
    millimetres_per_pixel: float


@dataclass(frozen=True)
class Distributions:
    """Everything that is drawn from: how patients, aneurysms, look-alikes, runs and files differ."""

    anatomy: Anatomy
    aneurysms: Aneurysms
    lookalikes: Lookalikes
    skull: SkullShape
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

    anatomy = distributions.anatomy
    variants = draw_variants(anatomy, labels, stream(0))
    streams = {"midline": stream(1, 0), "L": stream(1, 1), "R": stream(1, 2)}
    tree = draw_tree(anatomy, variants, streams)
    of_kinds = [stream(6, number) for number in range(len(Kind))]
    tree, lookalikes = draw_lookalikes(tree, labels, distributions.lookalikes, distributions.aneurysms.places, of_kinds)
    sacs: list[Sac] = []
    for number, location in enumerate(Location):
        if location in labels:
            sacs.append(draw_sac(location, tree, Side.LEFT, distributions.aneurysms, stream(2, number), sacs))
    injections = [(side, circulation) for side in Side for circulation in Circulation]
    views = list(View)
    sheets = {view: draw_sheet(distributions.film, view, stream(5), stream(5, i)) for i, view in enumerate(views)}
    of_skull = np.random.Generator(np.random.SFC64(sheets[views[0]].skull_seed))
    return Patient(
        labels=labels,
        variants=variants,
        tree=tree,
        sacs=tuple(sacs),
        lookalikes=lookalikes,
        crossings={
            (side, circulation): draw_crossing(anatomy.filling, circulation, stream(3, number))
            for number, (side, circulation) in enumerate(injections)
        },
        runs={view: draw_run(view, distributions.xray, stream(4), stream(4, i)) for i, view in enumerate(views)},
        sheets=sheets,
        skull=draw_skull(distributions.skull, of_skull),
    )


def film_picture(patient: Patient, view: View, detail: Detail = Detail.BOXES) -> tuple[Image, Scene]:
    """Renders the picture of one view, before margins, text and compression.

    Returns:
        Grey levels (height, width), and what the rays met.
    """
    run, sheet = patient.runs[view], patient.sheets[view]
    names_arteries = detail is Detail.FULL
    scene = cast(
        patient.tree, patient.sacs, patient.filling(view), run, sheet.picture, sheet.darkest_signal, names_arteries
    )
    return expose(scene.signal, sheet, run, patient.skull), scene


def render(patient: Patient, view: View, detail: Detail = Detail.FULL) -> Rendered:
    """Renders one view of a patient as a file with its truth."""
    run, sheet = patient.runs[view], patient.sheets[view]
    picture, scene = film_picture(patient, view, detail)
    image, boxes, text_mask = lay_out(picture, sheet)
    height, width = picture.shape
    geometry, filling = run.geometry(width, height), patient.filling(view)
    return Rendered(
        jpeg=encode(image, sheet),
        text_boxes=boxes,
        text_mask=text_mask,
        sac_mask=_on_file(scene.sac_mask, sheet) if scene.sac_mask.any() else None,
        arteries=None if scene.arteries is None else _on_file(scene.arteries, sheet),
        sacs=scene.sacs,
        lookalikes=[
            None if filling[each.branch] is None else lookalike_box(each, geometry, sheet.picture)
            for each in patient.lookalikes
        ],
        millimetres_per_pixel=run.pixel_mm(width, height) / run.magnification,
    )


def _on_file(of_picture: Image, sheet: Sheet) -> Image:
    """Puts a map of the picture into one of the whole file."""
    left, top, right, bottom = sheet.picture
    of_file: Image = np.zeros((sheet.height, sheet.width), dtype=np.uint8)
    of_file[top:bottom, left:right] = of_picture
    return of_file
