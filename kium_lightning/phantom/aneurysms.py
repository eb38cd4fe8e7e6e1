"""Aneurysms: the site on the artery, the direction away from the parent, size and shape."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Artery, Location, Side
from kium_lightning.phantom.curves import tangent_at, unit
from kium_lightning.phantom.tree import Branch, Segment, Tree

Vector = NDArray[np.float64]

_TRIES = 16  # directions to try, each leaning further, before the least bad is taken


@dataclass(frozen=True)
class Aneurysms:
    """How large and how long aneurysms are.

    Attributes:
        median_mm: median of the log-normal largest diameter.
        sigma: standard deviation of its logarithm.
        smallest_mm: diameters are clipped to at least this.
        largest_mm: and to at most this.
        aspect_median: median of height over neck width.
        aspect_sigma: standard deviation of its logarithm.
        direction_sd_degrees: how far a dome leans from the site's usual direction.
    """

    median_mm: float
    sigma: float
    smallest_mm: float
    largest_mm: float
    aspect_median: float
    aspect_sigma: float
    direction_sd_degrees: float


@dataclass(frozen=True)
class Sac:
    """One saccular aneurysm, an ellipsoid that opens into its parent.

    Attributes:
        location: the label it gives.
        centre: (3,) in mm, towards the patient's left, anterior, superior.
        axes: unit vectors as rows (3, 3); the first points away from the parent.
        half_axes: (3,) in mm.
        branch: index of the parent in the tree's branches.
        point: index of the parent's point it sits on, which gives its contrast.
    """

    location: Location
    centre: Vector
    axes: NDArray[np.float64]
    half_axes: Vector
    branch: int
    point: int

    @property
    def diameter_mm(self) -> float:
        """The largest diameter."""
        return 2.0 * float(self.half_axes.max())


def draw_sac(
    location: Location, tree: Tree, dominant_side: Side, aneurysms: Aneurysms, rng: np.random.Generator
) -> Sac:
    """Draws the aneurysm of a location on a patient's tree.

    Args:
        location: the labelled artery.
        tree: the patient's vessels.
        dominant_side: the side on which a midline aneurysm's neighbours are named; any will do for the basilar tip.
        aneurysms: the size and shape distributions.
        rng: the source of randomness.
    """
    side = location.side or dominant_side
    parent, point, usual = _site(location.artery, side, tree, rng)
    lean = np.tan(np.radians(aneurysms.direction_sd_degrees))
    leans = lean * rng.standard_normal((_TRIES, 3)) * np.linspace(1.0, 3.0, _TRIES)[:, None]
    spread = np.exp(aneurysms.sigma * rng.standard_normal())
    diameter = float(np.clip(aneurysms.median_mm * spread, aneurysms.smallest_mm, aneurysms.largest_mm))
    aspect = aneurysms.aspect_median * np.exp(aneurysms.aspect_sigma * rng.standard_normal())
    slimness = rng.uniform(0.75, 1.0, 2)
    half_height = 0.5 * diameter
    half_axes = half_height * np.array([1.0, *slimness])
    neck = min(2.0 * half_height / aspect, 1.9 * half_axes[1])
    above = half_height * np.sqrt(1.0 - (neck / (2.0 * half_axes[1])) ** 2)
    radius = float(parent.radii[point])
    away = _freest([unit(unit(usual) + each) for each in leans], parent.points[point], radius, diameter, tree)
    centre = parent.points[point] + away * (0.85 * radius + above)
    across = unit(np.cross(away, tangent_at(parent.points, point) + 0.01 * rng.standard_normal(3)))
    axes = np.vstack([away, across, np.cross(away, across)])
    return Sac(location, centre, axes, half_axes, tree.branches.index(parent), point)


def _freest(directions: list[Vector], root: Vector, radius: float, diameter: float, tree: Tree) -> Vector:
    """The first direction whose dome stays clear of other vessels, else the one that stays clearest."""
    points = np.concatenate([branch.points for branch in tree.branches])
    radii = np.concatenate([branch.radii for branch in tree.branches])
    near = np.linalg.norm(points - root, axis=1) < radius + 2.0 * diameter
    points, radii = points[near], radii[near]
    best, best_room = directions[0], -np.inf
    for direction in directions:
        dome = root + direction * (radius + 0.6 * diameter)
        room = float((np.linalg.norm(points - dome, axis=1) - radii).min())
        if room > 0.3 * diameter:
            return direction
        if room > best_room:
            best, best_room = direction, room
    return best


def _site(artery: Artery, side: Side, tree: Tree, rng: np.random.Generator) -> tuple[Branch, int, Vector]:
    """The parent, the point on it and the usual direction of the dome, by artery."""
    outwards = 1.0 if side is Side.LEFT else -1.0

    def towards(lateral: float, anterior: float, superior: float) -> Vector:
        return np.array([outwards * lateral, anterior, superior])

    def end_of(segment: Segment, name: str = "trunk") -> tuple[Branch, int]:
        branch = tree.branch(segment, side, name)
        return branch, len(branch.points) - 1

    def at_origin(child: Segment, parent: Segment, parent_side: Side | None) -> tuple[Branch, int]:
        branch = tree.branch(parent, parent_side)
        root = tree.branch(child, side).points[0]
        return branch, int(np.argmin(np.linalg.norm(branch.points - root, axis=1)))

    if artery is Artery.MCA:
        m1, last = end_of(Segment.MCA)
        return m1, last, unit(tangent_at(m1.points, last) + towards(0.3, 0.1, -0.2))
    if artery is Artery.ICA:
        ica = tree.branch(Segment.ICA, side)
        if rng.uniform() < 0.3:
            return ica, len(ica.points) - 1, towards(0.2, -0.1, 1.0)
        point = int(np.argmax(ica.points[:, 1])) + int(rng.integers(4, 10))  # just beyond the genu: paraclinoid
        return ica, point, towards(-0.6, 0.2, 0.7) if rng.uniform() < 0.6 else towards(-1.0, 0.0, -0.2)
    if artery is Artery.PCOM:
        return *at_origin(Segment.PCOM, Segment.ICA, side), towards(0.35, -1.0, -0.35)
    if artery is Artery.ANTCHOR:
        return *at_origin(Segment.ANTCHOR, Segment.ICA, side), towards(0.6, -1.0, 0.25)
    if artery is Artery.ACOM:
        acom = tree.branch(Segment.ACOM, None)
        corner = 1 if side is Side.LEFT else len(acom.points) - 2
        return acom, corner, towards(-0.2, 1.0, float(rng.choice([-0.7, 0.1, 0.8])))
    if artery is Artery.ACA:
        a2, last = end_of(Segment.A2)
        return a2, last, unit(tangent_at(a2.points, last) + towards(0.1, 0.5, 0.0))
    if artery is Artery.VA:
        va, root = at_origin(Segment.PICA, Segment.VA, side)
        point = max(root - int(rng.integers(3, 8)), 0)
        return va, point, towards(0.8, 0.5, 0.2)
    if artery is Artery.PICA:
        return *at_origin(Segment.PICA, Segment.VA, side), towards(0.3, -0.9, 0.5)
    if artery is Artery.SCA:
        return *at_origin(Segment.SCA, Segment.BA, None), towards(1.0, 0.2, 0.15)
    if artery is Artery.PCA:
        p1, last = end_of(Segment.P1)
        return p1, last, towards(0.4, 0.5, 0.8)
    ba = tree.branch(Segment.BA, None)
    return ba, len(ba.points) - 1, towards(0.0, 0.15, 1.0)
