"""Draws the trunks of one side through their landmarks, and the cortical branches that leave them."""

import numpy as np
from numpy.typing import NDArray

from kium_lightning.phantom.curves import Points, path_lengths, relaxed, smooth_curve, wander
from kium_lightning.phantom.growth import SPACING_MM, Bush, Surface, bush, closing, sprout
from kium_lightning.phantom.population import Anatomy
from kium_lightning.phantom.tree import Branch, Segment


class Trunks:
    """Grows one side, or the midline, with one stream of randomness."""

    def __init__(self, anatomy: Anatomy, rng: np.random.Generator) -> None:
        self._anatomy = anatomy
        self._rng = rng
        self._calibre = float(np.exp(rng.normal(0.0, anatomy.calibre_sd)))
        self.branches: list[Branch] = []

    def diameter(self, mean_mm: float, sd_mm: float) -> float:
        """Draws a lumen diameter in mm, within two standard deviations."""
        return self._calibre * (mean_mm + sd_mm * float(np.clip(self._rng.standard_normal(), -2.0, 2.0)) * 0.7)

    def trunk(
        self,
        segment: Segment,
        waypoints: Points,
        radii: tuple[float, float],
        name: str = "trunk",
        start: Points | None = None,
        end: Points | None = None,
        start_mm: float = 0.0,
        closes: bool = False,
        root_is_last: bool = False,
    ) -> Branch:
        """Draws a trunk through jittered waypoints; given ends replace the jittered ones exactly.

        A trunk that closes thins out at its far end; the others go on in another branch. A trunk whose root, where
        landmarks vary least, is its last point comes up from the neck.
        """
        anatomy = self._anatomy
        along = path_lengths(waypoints)
        away = np.clip((along[-1] - along if root_is_last else along) / 120.0, 0.0, 1.0)
        shift = wander(self._rng, along, anatomy.root_sd_mm + (anatomy.distal_sd_mm - anatomy.root_sd_mm) * away)
        course = waypoints + shift
        fade = (along / along[-1])[:, None]
        if start is not None:  # bring the drawn course to its true ends without a kink
            course = course + (1.0 - fade) * (start - course[0])
        if end is not None:
            course = course + fade * (end - course[-1])
        points = relaxed(smooth_curve(course, SPACING_MM * 0.7), rounds=4)
        position = path_lengths(points)
        radius = radii[0] + (radii[1] - radii[0]) * position / position[-1]
        ripple = 1.0 + 0.03 * np.sin(position / self._rng.uniform(4.0, 9.0) + self._rng.uniform(0.0, 6.0))
        radius = radius * ripple
        branch = Branch(name, segment, None, points, closing(radius, position) if closes else radius, start_mm)
        self.branches.append(branch)
        return branch

    def cortical(
        self,
        parents: list[Branch],
        ends: Points,
        surface: Surface,
        radius_mm: float,
        through_insula: bool,
        label: str,
        twigs: float = 1.0,
        generations: int = 2,
    ) -> None:
        """Grows named cortical branches, each from the parent and the fraction that suit its end."""
        anatomy = self._anatomy
        for number, mean_end in enumerate(ends):
            end = mean_end + self._rng.normal(0.0, anatomy.distal_sd_mm, 3)
            end = surface(end[None])[0]
            parent, fraction = _take_off(parents, end, self._rng)
            origin = parent.points[parent.index_at(fraction)]
            via = _over_the_insula(origin, end, self._rng) if through_insula else np.empty((0, 3))
            radius = min(0.92 * float(parent.radii[parent.index_at(fraction)]), self.diameter(2 * radius_mm, 0.2) / 2)
            name = f"{label} {number + 1}"
            branch = sprout(parent, fraction, end, via, surface, radius, anatomy.tortuosity, name, self._rng)
            self.branches.append(branch)
            settings = Bush(anatomy.tortuosity, anatomy.twigs * twigs, generations)
            self.branches += bush(branch, surface, settings, self._rng)


def _take_off(parents: list[Branch], end: NDArray[np.float64], rng: np.random.Generator) -> tuple[Branch, float]:
    """Chooses where a branch leaves: upstream of the parents' point nearest to its end."""
    distances = [np.linalg.norm(parent.points - end, axis=1) for parent in parents]
    parent = parents[int(np.argmin([distance.min() for distance in distances]))]
    distance = distances[parents.index(parent)]
    nearest = int(np.argmin(distance)) / (len(parent.points) - 1)
    return parent, float(np.clip(nearest - abs(rng.normal(0.0, 0.12)) - 0.04, 0.12, 0.85))


def _over_the_insula(origin: NDArray[np.float64], end: NDArray[np.float64], rng: np.random.Generator) -> Points:
    """The way of an MCA branch up the insula and round the operculum: two turns, the outer one below the inner."""
    towards = (end - origin)[1:] / np.linalg.norm((end - origin)[1:])
    across = np.array([-towards[1], towards[0]]) * rng.choice([-1.0, 1.0])
    top = origin[1:] + rng.uniform(8.0, 14.0) * towards
    width = rng.uniform(2.0, 4.5)  # a loop, not a hairpin: its legs lie side by side in the lateral view
    rise = np.concatenate([[origin[0] + 0.5], top - 2.0 * towards - 0.5 * width * across])
    inner = np.concatenate([[origin[0] + 1.5], top])
    outer = np.concatenate([[origin[0] + rng.uniform(4.0, 7.0)], top - 3.5 * towards + 0.8 * width * across])
    below = np.concatenate([[outer[0] + rng.uniform(2.0, 4.0)], top - 3.0 * towards + 1.8 * width * across])
    return np.vstack([rise, inner, outer, below])
