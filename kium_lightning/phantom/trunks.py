"""Draws the courses, calibres and lengths of the named arteries of one side or of the midline."""

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Side
from kium_lightning.phantom.canopy import Planting, plant
from kium_lightning.phantom.curves import (
    Points,
    cut,
    evenly,
    lengthened,
    path_lengths,
    relaxed,
    smooth_curve,
    wander,
    wound,
)
from kium_lightning.phantom.dimensions import Normal, draw_normal
from kium_lightning.phantom.growth import Territory
from kium_lightning.phantom.population import Anatomy, TreeShape
from kium_lightning.phantom.territories import held
from kium_lightning.phantom.topology import draw_rail
from kium_lightning.phantom.tree import Branch, Key, Segment

_TRUNK_SPACING_MM = 0.7
_GOAL_JITTER_MM = 3.0
_FADE_MM = 22.0  # over which a course comes back from a given end to its own way
_FAR_MM = 120.0  # way from an artery's root at which its course strays most
_FAR_DRIFT_MM = 55.0  # waypoints closer than this stray together
_LOCAL = 1.5  # how much more an artery winds at its far end than at its root
NO_DRIFT, EVERYWHERE, BESIDE_FALX = (np.array(axes) for axes in ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.3, 1.0, 1.0)))


class Trunks:
    """Grows one side, or the midline, with one stream of randomness.

    Args:
        anatomy: how patients differ.
        shape: the patient's size along each axis against the mean, (3,).
        side: whose branches they will be; None on the midline.
        rng: the source of randomness.
    """

    def __init__(
        self, anatomy: Anatomy, shape: NDArray[np.float64], side: Side | None, rng: np.random.Generator
    ) -> None:
        self.anatomy = anatomy
        self.shape = shape
        self.side = side
        self.rng = rng
        self._calibre = float(rng.standard_normal())
        self.branches: list[Branch] = []

    def radius(self, diameter_mm: Normal, least_mm: float = 0.4) -> float:
        """Draws a lumen radius in mm; the arteries of a side tend to be wide or narrow together."""
        shared = self.anatomy.shared_calibre
        z = np.sqrt(shared) * self._calibre + np.sqrt(1.0 - shared) * float(self.rng.standard_normal())
        return max(least_mm, diameter_mm[0] + diameter_mm[1] * float(np.clip(z, -2.5, 2.5))) / 2

    def length(self, length_mm: Normal, least_mm: float = 1.0) -> float:
        """Draws a length in mm."""
        return draw_normal(self.rng, length_mm, least_mm)

    def course(
        self,
        waypoints: Points,
        start: Points | None = None,
        end: Points | None = None,
        spreads: Points | None = None,
        drift: NDArray[np.float64] = NO_DRIFT,
        surface: float = 0.0,
        winding: float = 0.0,
    ) -> tuple[Points, Points]:
        """Draws a smooth course through jittered waypoints; given ends replace the jittered ones exactly.

        Args:
            waypoints: mean places (n, 3), mm.
            start: place of the course's start.
            end: place of its end.
            spreads: standard deviation of each waypoint (n, 3), mm; None to let the jitter grow with the way from the
                root as ``root_sd_mm`` and ``distal_sd_mm`` say.
            drift: shares (3,) of ``distal_sd_mm`` by which the far end strays along each axis.
            surface: 1 keeps far waypoints as deep under the brain's surface as they were, 0 only inside the brain.
            winding: by which share the artery is longer than the smooth way through its waypoints.

        Returns:
            The course (n, 3), and the jittered waypoints (m, 3).
        """
        anatomy = self.anatomy
        waypoints = waypoints * self.shape
        along = path_lengths(waypoints)
        if spreads is not None:
            course = waypoints + wander(self.rng, along, anatomy.landmark_spread * spreads)
        else:
            away = np.clip(along / _FAR_MM, 0.0, 1.0)[:, None]
            near = anatomy.root_sd_mm * (1.0 + _LOCAL * away)
            course = waypoints + wander(self.rng, along, near)
            if drift.any():
                course += wander(self.rng, along, anatomy.distal_sd_mm * away * drift, _FAR_DRIFT_MM)
                course = held(course, waypoints, surface * np.clip(3.0 * away, 0.0, 1.0))
        share = (along / along[-1])[:, None]
        from_start, from_end = along[:, None] / _FADE_MM, (along[-1] - along)[:, None] / _FADE_MM
        moved = course
        if start is not None:  # bring the drawn course to its true ends without a kink
            moved = moved + (1.0 - share) * np.exp(-from_start) * (start - course[0])
        if end is not None:
            moved = moved + share * np.exp(-from_end) * (end - course[-1])
        course = moved
        smooth = smooth_curve(course, _TRUNK_SPACING_MM)
        if winding:
            smooth = evenly(wound(self.rng, smooth, winding), _TRUNK_SPACING_MM)
        return relaxed(smooth, rounds=8 if winding else 4), course

    def add(
        self,
        segment: Segment,
        points: Points,
        radii: tuple[float, float] | NDArray[np.float64],
        name: str = "trunk",
        start_mm: float = 0.0,
        parent: Key | None = None,
        joins: Key | None = None,
    ) -> Branch:
        """Adds a vessel with radii at its ends, or at each of its points."""
        if isinstance(radii, tuple):
            along = path_lengths(points)
            ripple = 1.0 + 0.025 * np.sin(along / self.rng.uniform(4.0, 9.0) + self.rng.uniform(0.0, 6.0))
            of_points = (radii[0] + (radii[1] - radii[0]) * along / along[-1]) * ripple
        else:
            of_points = radii
        branch = Branch(name, segment, self.side, points, of_points, start_mm, parent, joins)
        self.branches.append(branch)
        return branch

    def goals(self, territory: Territory) -> Points:
        """The places that a territory's branches share out, moved a little from patient to patient."""
        jitter = _GOAL_JITTER_MM * self.rng.standard_normal(territory.goals.shape)
        return territory.goals * self.shape + jitter

    def arborise(
        self,
        planting: Planting,
        tree: TreeShape,
        course: Points,
        terminals: int,
        radius_mm: float,
        length_mm: float,
        name: str,
        goals: Points,
        start_mm: float,
        parent: Key,
        first_mm: float | None = None,
        first_step: float = 1.0,
        root: float = 1.04,
    ) -> Branch:
        """Adds a named artery with all its branches; its course is cut or stretched to the length of its plan."""
        rail = draw_rail(self.rng, tree, terminals, radius_mm, length_mm, first_mm, first_step)
        course = fitted(course, rail.length_mm)
        grown = plant(planting, rail, course, name, goals, start_mm, parent, root)
        self.branches += grown
        return grown[0]


def fitted(course: Points, length_mm: float) -> Points:
    """A course (n, 3) of a given length: cut where it is longer, stretched where it is shorter."""
    longer = float(path_lengths(course)[-1]) >= length_mm
    return cut(course, length_mm) if longer else lengthened(course, length_mm)
