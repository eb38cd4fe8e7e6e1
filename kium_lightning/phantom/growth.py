"""Grows the distal branches of a trunk: take-off, course over the brain's surface, and side branches."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kium_lightning.phantom.curves import Points, path_lengths, relaxed, smooth_curve, tangent_at, unit
from kium_lightning.phantom.landmarks import BRAIN_CENTRE, BRAIN_HALF_AXES
from kium_lightning.phantom.tree import Branch

SPACING_MM = 1.0
_DAUGHTER = 0.77  # minor daughter's radius over the parent's, BraVa tracings
_TERMINAL_RADIUS_MM = 0.38
_END_RADIUS_MM = 0.12
_CLOSING_MM = 14.0

Surface = Callable[[Points], Points]


@dataclass(frozen=True)
class Bush:
    """How a group of distal branches grows.

    Attributes:
        tortuosity: standard deviation of a branch's sideways swing as a fraction of its length.
        twigs: mean number of side branches of each branch.
        generations: how many times side branches branch again.
    """

    tortuosity: float
    twigs: float
    generations: int


def convexity(points: Points) -> Points:
    """Moves points (n, 3) onto the lateral surface of the hemisphere, keeping their anterior and superior place."""
    inside = ((points[:, 1:] - BRAIN_CENTRE[1:]) / BRAIN_HALF_AXES[1:]) ** 2
    room = np.clip(1.0 - inside.sum(axis=1), 0.06, 1.0)
    return np.column_stack([BRAIN_HALF_AXES[0] * np.sqrt(room), points[:, 1:]])


def falx(points: Points) -> Points:
    """Keeps points (n, 3) on the medial surface of the hemisphere, close to the midline."""
    return np.column_stack([np.clip(points[:, 0], 0.8, 12.0), points[:, 1:]])


def closing(radii: NDArray[np.float64], along: NDArray[np.float64]) -> NDArray[np.float64]:
    """Thins the end of a vessel below what a film resolves, as vessels fade out rather than stop.

    Args:
        radii: (n,) in mm.
        along: the way from the vessel's start, (n,), in mm.
    """
    over = min(_CLOSING_MM, 0.4 * float(along[-1]))
    rest = np.clip((along[-1] - along) / over, 0.0, 1.0)
    thinned: NDArray[np.float64] = np.minimum(radii, _END_RADIUS_MM + (radii - _END_RADIUS_MM) * rest)
    return thinned


def anywhere(points: Points) -> Points:
    """Leaves points where they are."""
    return points


def sprout(
    parent: Branch,
    fraction: float,
    end: Points,
    via: Points,
    surface: Surface,
    radius_mm: float,
    tortuosity: float,
    name: str,
    rng: np.random.Generator,
) -> Branch:
    """Grows one branch from a point of its parent to an end.

    Args:
        parent: the vessel it leaves.
        fraction: where it leaves, as a fraction of the parent's length.
        end: where it ends, (3,), mm.
        via: waypoints (n, 3) to pass between take-off and end; may be empty (0, 3).
        surface: moves the course onto the surface it follows after the waypoints.
        radius_mm: radius at the take-off.
        tortuosity: sideways swing over length.
        name: the branch's name.
        rng: the source of randomness.
    """
    index = parent.index_at(fraction)
    start = parent.points[index]
    first = via[0] if len(via) else end
    leaving = unit(0.6 * tangent_at(parent.points, index) + unit(first - start))
    reach = min(4.0, 0.25 * float(np.linalg.norm(first - start)))
    waypoints = [start, start + reach * leaving, *via]
    last = waypoints[-1]
    length = float(np.linalg.norm(end - last))
    bends = max(2, round(length / 11.0))
    steps = np.linspace(0.0, 1.0, bends + 1)[1:, None]
    course = last + steps * (end - last)
    swing = rng.standard_normal((bends, 3)) * tortuosity * min(length, 45.0)
    swing[-1] *= 0.3
    course = course + swing
    weight = np.clip(steps * 1.6, 0.0, 1.0)
    course = (1.0 - weight) * course + weight * surface(course)
    points = relaxed(smooth_curve(np.vstack([*waypoints, course]), SPACING_MM), rounds=8)
    along = path_lengths(points)
    end_radius = min(radius_mm, max(_TERMINAL_RADIUS_MM, 0.62 * radius_mm))
    radii = closing(radius_mm + (end_radius - radius_mm) * along / along[-1], along)
    start_mm = parent.start_mm + float(path_lengths(parent.points)[index])
    return Branch(name, parent.segment, parent.side, points, radii, start_mm)


def bush(branch: Branch, surface: Surface, settings: Bush, rng: np.random.Generator) -> list[Branch]:
    """Gives a branch its side branches, and those theirs."""
    if settings.generations == 0:
        return []
    grown: list[Branch] = []
    length = float(path_lengths(branch.points)[-1])
    count = int(rng.poisson(settings.twigs))
    for number in range(count):
        fraction = float(rng.uniform(0.3, 0.85))
        index = branch.index_at(fraction)
        ahead = tangent_at(branch.points, index)
        sideways = unit(np.cross(rng.standard_normal(3), ahead))
        angle = np.radians(np.clip(rng.normal(61.0, 20.0), 25.0, 110.0))
        reach = float(np.clip(rng.normal(0.4, 0.1), 0.15, 0.6)) * length
        end = branch.points[index] + reach * (np.cos(angle) * ahead + np.sin(angle) * sideways)
        end = surface(end[None])[0]
        radius = max(_TERMINAL_RADIUS_MM, _DAUGHTER * float(branch.radii[index]))
        if np.linalg.norm(end - branch.points[index]) < 5.0:
            continue
        name = f"{branch.name}.{number + 1}"
        via = np.empty((0, 3))
        twig = sprout(branch, fraction, end, via, surface, radius, settings.tortuosity, name, rng)
        finer = Bush(settings.tortuosity, 0.7 * settings.twigs, settings.generations - 1)
        grown += [twig, *bush(twig, surface, finer, rng)]
    return grown
