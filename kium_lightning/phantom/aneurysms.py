"""Aneurysms on a patient's vessels: where they open into their parent, and the direction away from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Location, Side
from kium_lightning.phantom.curves import tangent_at, unit
from kium_lightning.phantom.forms import Aneurysms, draw_form
from kium_lightning.phantom.geometry import Ellipsoid, Plane
from kium_lightning.phantom.sites import Vector, feeders_of, find_site
from kium_lightning.phantom.tree import Branch, Tree

__all__ = ["Aneurysms", "Sac", "draw_sac"]

_TRIES = 16  # directions to try, each leaning further, before the least bad is taken
_BURIED = 0.8  # radii behind the parent's centre line at which a sac's base ends, flush with the vessel
_WIDEST_NECK = 5.0  # radii of the parent: a wider mouth would show its edge beside the vessel
_WIDEST_NECK_MM = 4.0  # but at least this, as several vessels may meet at the site
_STRAIGHTENED = 0.8  # share of the direction along the parent that a dome on a side wall loses


@dataclass(frozen=True)
class Sac:
    """One saccular aneurysm: an ellipsoid that opens into its parent, with lobes and a daughter sac.

    Attributes:
        location: the label it gives.
        dome: the main ellipsoid; the first axis points away from the parent.
        lobes: bumps of the wall and the daughter sac, each an ellipsoid that reaches into the dome.
        base: the plane behind which the sac has no blood of its own.
        neck: the plane of its mouth.
        neck_mm: width of the mouth.
        height_mm: from the mouth to the top of the dome.
        diameter_mm: the largest diameter in front of the neck, lobes included.
        is_irregular: whether the wall is lobulated.
        has_daughter: whether there is a daughter sac.
        branch: index of the parent in the tree's branches.
        point: index of the parent's point it sits on.
        feeders: index of branch and point of every vessel that opens into it; the fullest gives its contrast.
    """

    location: Location
    dome: Ellipsoid
    lobes: tuple[Ellipsoid, ...]
    base: Plane
    neck: Plane
    neck_mm: float
    height_mm: float
    diameter_mm: float
    is_irregular: bool
    has_daughter: bool
    branch: int
    point: int
    feeders: tuple[tuple[int, int], ...]

    @property
    def centre(self) -> Vector:
        """The middle of the dome, (3,), in mm: towards the patient's left, anterior, superior."""
        return self.dome.centre

    @property
    def axes(self) -> NDArray[np.float64]:
        """Unit vectors of the dome as rows (3, 3); the first points away from the parent."""
        return self.dome.axes

    @property
    def half_axes(self) -> Vector:
        """Of the dome, (3,), in mm."""
        return self.dome.half_axes

    @property
    def bodies(self) -> tuple[Ellipsoid, ...]:
        """The dome and all lobes."""
        return self.dome, *self.lobes


def draw_sac(
    location: Location,
    tree: Tree,
    dominant_side: Side,
    aneurysms: Aneurysms,
    rng: np.random.Generator,
    others: Sequence[Sac] = (),
) -> Sac:
    """Draws the aneurysm of a location on a patient's tree.

    Args:
        location: the labelled artery.
        tree: the patient's vessels.
        dominant_side: the side on which a midline aneurysm's neighbours are named; any will do for the basilar tip.
        aneurysms: the distributions.
        rng: the source of randomness.
        others: sacs that the patient has already, to be kept clear of.

    Raises:
        KeyError: the tree lacks an artery that the location needs.
    """
    place, aspect = (float(chance) for chance in rng.uniform(size=2))
    site = find_site(location, tree, dominant_side, place, aspect, aneurysms.places)
    lean = np.tan(np.radians(aneurysms.direction_sd_degrees))
    leans = lean * rng.standard_normal((_TRIES, 3)) * np.linspace(1.0, 3.0, _TRIES)[:, None]
    roll = 0.01 * rng.standard_normal(3)
    parent = tree.branches[site.branch]
    root, radius = parent.points[site.point], float(parent.radii[site.point])
    form = draw_form(aneurysms, max(_WIDEST_NECK * radius, _WIDEST_NECK_MM), rng)
    ahead = tangent_at(parent.points, site.point)
    directions = [unit(unit(site.usual) + each) for each in leans]
    if not site.ends:
        directions = [unit(each - _STRAIGHTENED * (each @ ahead) * ahead) for each in directions]
    away = _freest(directions, root, radius, form.diameter, tree, others)
    wall = _wall(root, away, radius, form.neck, tree)
    mouth = root + wall * away
    across = unit(np.cross(away, ahead + roll))
    axes = np.vstack([away, across, np.cross(away, across)])
    bodies = [Ellipsoid(mouth + centre @ axes, axes, half_axes) for centre, half_axes in form.parts]
    return Sac(
        location=location,
        dome=bodies[0],
        lobes=tuple(bodies[1:]),
        base=Plane(root - _BURIED * radius * away, away),
        neck=Plane(mouth, away),
        neck_mm=form.neck,
        height_mm=form.height,
        diameter_mm=form.diameter,
        is_irregular=form.is_irregular,
        has_daughter=form.has_daughter,
        branch=site.branch,
        point=site.point,
        feeders=feeders_of(root, radius, tree),
    )


def _freest(
    directions: list[Vector], root: Vector, radius: float, diameter: float, tree: Tree, others: Sequence[Sac]
) -> Vector:
    """The first direction whose dome stays clear of vessels and sacs, else the one that stays clearest."""
    points = np.concatenate([branch.points for branch in tree.branches] + [sac.centre[None] for sac in others])
    radii = np.concatenate([branch.radii for branch in tree.branches] + [sac.half_axes[:1] for sac in others])
    near = np.linalg.norm(points - root, axis=1) < radius + 2.0 * diameter + radii
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


def _wall(root: Vector, away: Vector, radius: float, neck: float, tree: Tree) -> float:
    """How far from the centre line a sac's mouth lies: just inside the outer wall of all vessels that meet there."""
    stubs = [_near(branch, root, 2.5 * radius + 1.0) for branch in tree.branches]
    points = np.concatenate([points for points, _ in stubs])
    radii = np.concatenate([radii for _, radii in stubs])
    steps = np.arange(0.5 * radius, 2.0 * radius, 0.1)
    clear = [float((np.linalg.norm(points - root - step * away, axis=1) - radii).min()) > 0.0 for step in steps]
    outside = steps[int(np.argmax(clear))] if any(clear) else steps[-1]
    sunk = radius - np.sqrt(max(radius**2 - (0.5 * neck) ** 2, 0.3 * radius**2))  # the wall curves away under the mouth
    return float(outside - min(sunk, 0.35 * radius) - 0.1)


def _near(branch: Branch, root: Vector, reach: float) -> tuple[Vector, Vector]:
    """The stretch of a vessel around a site, if the vessel passes through it."""
    gaps = np.linalg.norm(branch.points - root, axis=1)
    if gaps.min() > 0.8:  # it only passes by
        return branch.points[:0], branch.radii[:0]
    return branch.points[gaps < reach], branch.radii[gaps < reach]
