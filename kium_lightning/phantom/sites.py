"""Where on its artery an aneurysm sits, and which way it points, found on the patient's own vessels."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Artery, Location, Side
from kium_lightning.numbers import Checked, Probability, pair
from kium_lightning.phantom.curves import path_lengths, tangent_at, unit
from kium_lightning.phantom.tree import Branch, Segment, Tree

Vector = NDArray[np.float64]

_PICA_BELOW_JUNCTION_MM = 14.0  # where the PICA would leave a vertebral artery that has none
_TOUCHING_MM = 0.6  # a vessel whose wall comes this close to the site's centre line feeds the sac


@dataclass(frozen=True)
class Site:
    """The place of an aneurysm.

    Attributes:
        branch: index of the parent in the tree's branches.
        point: index of the parent's point.
        usual: (3,) the usual direction of the dome; of any length.
        ends: whether the parent ends there, so that the dome goes on along it; else it rises from a side wall.
    """

    branch: int
    point: int
    usual: Vector
    ends: bool


@dataclass(frozen=True)
class Places(Checked):
    """Which of several places an aneurysm takes on arteries that have more than one.

    Attributes:
        ica_terminus: share of the carotid ones that sit at its terminus; the others are paraclinoid.
        ica_superior: share of the paraclinoid ones that point upwards; the others point to the midline.
        ica_beyond_genu_mm: range of the way from the siphon's genu to a paraclinoid one.
        va_below_pica_mm: range of the way from the origin of the PICA down to a vertebral one.
    """

    ica_terminus: Probability
    ica_superior: Probability
    ica_beyond_genu_mm: Annotated[tuple[float, float], pair(0.0)]
    va_below_pica_mm: Annotated[tuple[float, float], pair(0.0)]


USUAL_PLACES = Places(0.3, 0.6, (2.5, 7.0), (2.0, 6.0))  # as in conf/cohort/phantom.yaml


def find_site(
    location: Location,
    tree: Tree,
    dominant_side: Side,
    place: float = 0.5,
    aspect: float = 0.5,
    places: Places = USUAL_PLACES,
) -> Site:
    """Finds the site of a location.

    Args:
        location: the labelled artery.
        tree: the patient's vessels.
        dominant_side: the side on which a midline aneurysm's neighbours are named; any will do for the basilar tip.
        place: which of an artery's places, from 0 to 1, as shares of the patients; the carotid artery has several.
        aspect: which way the dome points, from 0 to 1, where an artery's domes point more than one way.
        places: which places there are on arteries that have several.

    Raises:
        KeyError: the tree lacks an artery that the location needs.
    """
    side = location.side or dominant_side
    outwards = 1.0 if side is Side.LEFT else -1.0

    def towards(lateral: float, anterior: float, superior: float) -> Vector:
        return np.array([outwards * lateral, anterior, superior])

    def at(branch: Branch, point: int, usual: Vector, ends: bool = False) -> Site:
        return Site(_index(tree, branch), int(np.clip(point, 0, len(branch.points) - 1)), usual, ends)

    def at_end(branch: Branch, lean: Vector) -> Site:
        last = len(branch.points) - 1
        return at(branch, last, unit(tangent_at(branch.points, last) + lean), ends=True)

    def at_origin(segment: Segment, usual: Vector) -> Site:
        parent, point = parent_of(tree.branch(segment, side), tree)
        return at(parent, point, usual)

    match location.artery:
        case Artery.MCA:
            return at_end(tree.branch(Segment.MCA, side), towards(0.3, 0.1, -0.2))
        case Artery.ICA:
            ica = tree.branch(Segment.ICA, side)
            if place < places.ica_terminus:
                return at(ica, len(ica.points) - 1, towards(0.2, -0.1, 1.0), ends=True)
            rest = (place - places.ica_terminus) / max(1.0 - places.ica_terminus, 1e-9)
            beyond_genu = _between(places.ica_beyond_genu_mm, rest)
            usual = towards(-0.6, 0.2, 0.7) if aspect < places.ica_superior else towards(-1.0, 0.0, -0.2)
            return at(ica, _further(ica, int(np.argmax(ica.points[:, 1])), beyond_genu), usual)
        case Artery.PCOM:
            return at_origin(Segment.PCOM, towards(0.35, -1.0, -0.35))
        case Artery.ANTCHOR:
            return at_origin(Segment.ANTCHOR, towards(0.6, -1.0, 0.25))
        case Artery.ACOM:
            acom = tree.branch(Segment.ACOM, None)
            starts_here = acom.points[0, 0] * outwards > acom.points[-1, 0] * outwards
            corner = 1 if starts_here else len(acom.points) - 2
            return at(acom, corner, towards(-0.2, 1.0, (-0.7, 0.1, 0.8)[min(int(3 * aspect), 2)]), ends=True)
        case Artery.ACA:
            return at_end(tree.branch(Segment.A2, side), towards(0.1, 0.5, 0.0))
        case Artery.VA:
            va = tree.branch(Segment.VA, side)
            return at(va, _near_pica(va, side, tree, _between(places.va_below_pica_mm, place)), towards(0.8, 0.5, 0.2))
        case Artery.PICA:
            return at_origin(Segment.PICA, towards(0.3, -0.9, 0.5))
        case Artery.SCA:
            return at_origin(Segment.SCA, towards(1.0, 0.2, 0.15))
        case Artery.PCA:
            usual = towards(0.4, 0.5, 0.8)
            try:
                p1 = tree.branch(Segment.P1, side)
            except KeyError:  # a fetal PCA without a P1: where the PCOM goes on as P2
                return at(tree.branch(Segment.P2, side), 0, usual, ends=True)
            return at(p1, len(p1.points) - 1, usual, ends=True)
        case Artery.BA:
            return at_end(tree.branch(Segment.BA, None), np.array([0.0, 0.35, 0.6]))


def parent_of(child: Branch, tree: Tree) -> tuple[Branch, int]:
    """Finds the vessel that a branch leaves, and the point where.

    Where the branch does not name it, it is the trunk whose centre line passes nearest to the root.

    Raises:
        KeyError: no trunk passes within its own radius of the root.
    """
    if child.parent is not None:
        parent = tree.branch(*child.parent)
        return parent, int(np.argmin(np.linalg.norm(parent.points - child.points[0], axis=1)))
    best: tuple[float, Branch, int] | None = None
    for branch in tree.branches:
        if branch is child or branch.name != "trunk":
            continue
        gaps = np.linalg.norm(branch.points - child.points[0], axis=1)
        point = int(np.argmin(gaps))
        if gaps[point] < branch.radii[point] + _TOUCHING_MM and (point > 0 or branch.place != child.place):
            gap = float(gaps[point]) - 0.5 * float(branch.radii[point])  # of two that touch, the larger is the parent
            if best is None or gap < best[0]:
                best = gap, branch, point
    if best is None:
        raise KeyError(f"branch {child.name!r} of {child.segment} on side {child.side} leaves no other vessel")
    return best[1], best[2]


def feeders_of(site: Vector, reach_mm: float, tree: Tree) -> tuple[tuple[int, int], ...]:
    """The vessels that open into a sac at a site: index of the branch and of its point nearest to the site.

    Args:
        site: (3,) on the parent's centre line, mm.
        reach_mm: how far the sac's mouth reaches from there.
        tree: the patient's vessels.
    """
    feeders = []
    for index, branch in enumerate(tree.branches):
        gaps = np.linalg.norm(branch.points - site, axis=1)
        point = int(np.argmin(gaps))
        if gaps[point] < reach_mm:
            feeders.append((index, point))
    return tuple(feeders)


def _index(tree: Tree, branch: Branch) -> int:
    return next(index for index, each in enumerate(tree.branches) if each is branch)


def _between(limits: tuple[float, float], share: float) -> float:
    return limits[0] + share * (limits[1] - limits[0])


def _further(branch: Branch, point: int, way_mm: float) -> int:
    along = path_lengths(branch.points)
    return int(np.argmin(np.abs(along - along[point] - way_mm)))


def _near_pica(va: Branch, side: Side, tree: Tree, below_mm: float) -> int:
    """The point of a vertebral artery below its PICA, or below where the PICA would be."""
    along = path_lengths(va.points)
    origin = len(va.points) - 1
    try:
        parent, point = parent_of(tree.branch(Segment.PICA, side), tree)
        leaves_va = parent is va
    except KeyError:
        leaves_va = False
    if leaves_va:
        origin = point
    else:
        below_mm += _PICA_BELOW_JUNCTION_MM
    return int(np.argmin(np.abs(along - along[origin] + below_mm)))
