"""Look-alikes: what a reader may take for an aneurysm, put into a drawn tree.

Infundibula, loops seen end-on, kinks and stenoses are drawn for every patient from streams of their own. How many a
patient has never depends on the labels. Loops, kinks and stenoses keep away from every place where any patient could
have an aneurysm; an infundibulum takes the next origin where its own carries an aneurysm. Crossings arise by
themselves, and fenestrations belong to the variants. The prevalences are estimates without a source.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from kium_lightning.anatomy import Artery, Location, Side
from kium_lightning.numbers import Checked, NotNegative, PositiveRange, ShareRange
from kium_lightning.phantom.bends import LOOP_MM, bent, looped, narrowed, widened_root
from kium_lightning.phantom.curves import path_lengths, tangent_at, unit
from kium_lightning.phantom.sites import Places, find_site, parent_of
from kium_lightning.phantom.tree import Branch, Segment, Tree

Vector = NDArray[np.float64]

_CLEAR_MM = 7.0  # between a loop, kink or stenosis and any possible aneurysm, joint or end
_CLEAR_OF_STRETCH_MM = 2.5  # between the whole stretch that it takes and these
_LOWEST_MM = -62.0  # what lies below the skull base is on few pictures
_STEP_MM = 3.0  # between places that are tried
_BEAMS = {"lateral": np.array([1.0, 0.0, 0.0]), "frontal": np.array([0.0, 1.0, 0.0])}


class Kind(StrEnum):
    """What a look-alike is."""

    INFUNDIBULUM = "infundibulum"
    LOOP = "loop"
    KINK = "kink"
    STENOSIS = "stenosis"


@dataclass(frozen=True)
class Lookalikes(Checked):
    """How often look-alikes occur and how large they are.

    Attributes:
        infundibula_per_patient: mean number; Poisson, at most one at each PCOM and AntChor origin.
        infundibulum_mm: range of the width at the base.
        infundibulum_height_mm: range from the parent's wall to the apex.
        loops_per_patient: mean number of loops along the beam.
        loop_height_mm: range of how far a loop runs along the beam.
        kinks_per_patient: mean number.
        kink_height_mm: range of how far a kink swings out.
        kink_length_mm: range of the standard deviation of its course along the vessel.
        stenoses_per_patient: mean number.
        stenosis_depth: range of the lost share of the calibre.
        stenosis_length_mm: range of the standard deviation of its course along the vessel.
    """

    infundibula_per_patient: NotNegative
    infundibulum_mm: PositiveRange
    infundibulum_height_mm: PositiveRange
    loops_per_patient: NotNegative
    loop_height_mm: PositiveRange
    kinks_per_patient: NotNegative
    kink_height_mm: PositiveRange
    kink_length_mm: PositiveRange
    stenoses_per_patient: NotNegative
    stenosis_depth: ShareRange
    stenosis_length_mm: PositiveRange


@dataclass(frozen=True)
class Lookalike:
    """One look-alike.

    Attributes:
        kind: what it is.
        branch: index of its vessel in the tree's branches.
        points: the stretch of centre line that it takes, (n, 3), mm.
        radii: of that stretch, (n,), mm.
    """

    kind: Kind
    branch: int
    points: NDArray[np.float64]
    radii: NDArray[np.float64]

    @property
    def position(self) -> Vector:
        """The middle of its stretch, (3,), mm."""
        return np.asarray(self.points.mean(axis=0), dtype=np.float64)


# Where each kind may sit, and on what calibre (mm radius): any branch of these segments.
_PLACES: dict[Kind, tuple[frozenset[Segment], tuple[float, float]]] = {
    Kind.LOOP: (frozenset({Segment.MCA, Segment.A2, Segment.P2}), (0.55, 1.4)),
    Kind.KINK: (frozenset({Segment.ICA, Segment.VA, Segment.MCA, Segment.A2, Segment.P2}), (0.8, 2.6)),
    Kind.STENOSIS: (frozenset({Segment.ICA, Segment.VA, Segment.BA, Segment.MCA, Segment.A2}), (0.9, 2.6)),
}


def draw_lookalikes(
    tree: Tree,
    labels: frozenset[Location],
    lookalikes: Lookalikes,
    places: Places,
    streams: Sequence[np.random.Generator],
) -> tuple[Tree, tuple[Lookalike, ...]]:
    """Draws a patient's look-alikes and puts them into the tree.

    Args:
        tree: the vessels as drawn.
        labels: where the patient has aneurysms; only which of its origins an infundibulum takes depends on them.
        lookalikes: the distributions.
        places: where aneurysms sit on arteries that have several places.
        streams: one generator for each kind, in the order of ``Kind``.

    Returns:
        The tree with its look-alikes, its branches in the same order, and what they are.
    """
    branches = list(tree.branches)
    found = _infundibula(branches, tree, labels, lookalikes, streams[0])
    closed: KDTree | None = None
    taken: set[int] = set()
    for kind, rng in zip((Kind.LOOP, Kind.KINK, Kind.STENOSIS), streams[1:], strict=True):
        mean = {
            Kind.LOOP: lookalikes.loops_per_patient,
            Kind.KINK: lookalikes.kinks_per_patient,
            Kind.STENOSIS: lookalikes.stenoses_per_patient,
        }[kind]
        count = int(rng.poisson(mean))
        if count == 0:
            continue
        closed = closed or _closed_places(tree, places)
        spots = _open_places(branches, kind, closed)
        for index in rng.permutation(len(spots)):
            number, point = spots[index]
            if count == 0:
                break
            if number in taken:  # one on each vessel, so that none undoes another
                continue
            changed = _changed(kind, branches[number], point, lookalikes, rng)
            branches[number], points, radii = changed
            taken.add(number)
            found.append(Lookalike(kind, number, points, radii))
            count -= 1
    return Tree(tuple(branches)), tuple(found)


def _changed(
    kind: Kind, branch: Branch, point: int, lookalikes: Lookalikes, rng: np.random.Generator
) -> tuple[Branch, NDArray[np.float64], NDArray[np.float64]]:
    ahead = tangent_at(branch.points, point)
    if kind is Kind.LOOP:
        beam = _BEAMS["lateral" if rng.uniform() < 0.5 else "frontal"] * rng.choice([-1.0, 1.0])
        beam = unit(beam + 0.1 * rng.standard_normal(3))
        return looped(branch, point, beam, float(rng.uniform(*lookalikes.loop_height_mm)))
    if kind is Kind.KINK:
        sideways = unit(np.cross(ahead, rng.standard_normal(3)))
        height, length = rng.uniform(*lookalikes.kink_height_mm), rng.uniform(*lookalikes.kink_length_mm)
        return bent(branch, point, sideways, float(height), float(length))
    depth, length = rng.uniform(*lookalikes.stenosis_depth), rng.uniform(*lookalikes.stenosis_length_mm)
    return narrowed(branch, point, float(depth), float(length))


def _infundibula(
    branches: list[Branch],
    tree: Tree,
    labels: frozenset[Location],
    lookalikes: Lookalikes,
    rng: np.random.Generator,
) -> list[Lookalike]:
    origins = [
        (segment, side, artery.at(side))
        for segment, artery in ((Segment.PCOM, Artery.PCOM), (Segment.ANTCHOR, Artery.ANTCHOR))
        for side in Side
    ]
    count = int(rng.poisson(lookalikes.infundibula_per_patient))
    order = rng.permutation(len(origins))
    sizes = rng.uniform(size=(len(origins), 2))
    found: list[Lookalike] = []
    for index in order:
        segment, side, location = origins[index]
        if len(found) == count:
            break
        if location in labels:
            continue
        try:
            child = tree.branch(segment, side)
            parent, point = parent_of(child, tree)
        except KeyError:  # the patient has no such artery
            continue
        low, high = lookalikes.infundibulum_mm
        width = low + (high - low) * float(sizes[index, 0])
        low, high = lookalikes.infundibulum_height_mm
        height = low + (high - low) * float(sizes[index, 1])
        number = next(place for place, branch in enumerate(branches) if branch is child)
        branches[number], points, radii = widened_root(child, 0.5 * width, height, float(parent.radii[point]))
        found.append(Lookalike(Kind.INFUNDIBULUM, number, points, radii))
    return found


def _closed_places(tree: Tree, places: Places) -> KDTree:
    """Where no loop, kink or stenosis may sit: joints, ends and the sites of all aneurysms of all labels."""
    closed = [branch.points[[0, -1]] for branch in tree.branches]
    for location in Location:
        for place in (0.0, 0.5, 1.0) if location.artery in (Artery.ICA, Artery.VA) else (0.5,):
            try:
                site = find_site(location, tree, Side.LEFT, place, places=places)
            except KeyError:
                continue
            closed.append(tree.branches[site.branch].points[site.point][None])
    return KDTree(np.concatenate(closed))


def _open_places(branches: Sequence[Branch], kind: Kind, closed: KDTree) -> list[tuple[int, int]]:
    """The branches and points where a kind of look-alike may sit."""
    segments, (thinnest, thickest) = _PLACES[kind]
    low, high = LOOP_MM if kind is Kind.LOOP else (-_CLEAR_MM, _CLEAR_MM)
    places: list[tuple[int, int]] = []
    for number, branch in enumerate(branches):
        if branch.segment not in segments or len(branch.points) < 12:
            continue
        way = path_lengths(branch.points)
        points = np.unique(np.searchsorted(way, np.arange(-low + 1.0, way[-1] - high - 1.0, _STEP_MM)))
        points = points[(branch.radii[points] >= thinnest) & (branch.radii[points] <= thickest)]
        points = points[branch.points[points, 2] > _LOWEST_MM]
        if len(points) == 0:
            continue
        gaps = np.asarray(closed.query(branch.points)[0])
        for point in points:
            stretch = (way >= way[point] + low) & (way <= way[point] + high)
            if gaps[point] > _CLEAR_MM and gaps[stretch].min() > _CLEAR_OF_STRETCH_MM:
                places.append((number, int(point)))
    return places
