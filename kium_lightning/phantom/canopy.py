"""Sets drawn trees into space: branches along named arteries, and theirs, each towards its share of the territory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Side
from kium_lightning.phantom.curves import Points, path_lengths, tangent_at, unit
from kium_lightning.phantom.growth import Territory, grow
from kium_lightning.phantom.territories import INSULA_MM, round_the_operculum
from kium_lightning.phantom.topology import Rail, Sprig
from kium_lightning.phantom.tree import Branch, Key, Segment

_END_RADIUS_MM = 0.12
_CLOSING_MM = 18.0
_FORWARD = 0.45  # cosine of the widest angle between a vessel's first direction and what it heads for
_OWN_REACH = 0.7  # of an end's chord, beyond which one of its own goals must lie; else it goes anywhere it likes
_MINOR_SHARE = 0.72  # of the angle between two daughters, how much the thinner one turns


@dataclass(frozen=True)
class Planting:
    """What all branches of one named artery have in common.

    Attributes:
        segment: the part of the circulation they belong to.
        side: the side of the patient.
        territory: where they run.
        is_insular: whether branches that begin deep go round the operculum.
    """

    segment: Segment
    side: Side | None
    territory: Territory
    is_insular: bool = False


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


def tapered(
    along: NDArray[np.float64], lengths: list[float], radii: list[float], root: float = 1.04
) -> NDArray[np.float64]:
    """Radii (n,) of a vessel of several segments: each has its radius at its middle, and the last one closes.

    Args:
        along: the way from the vessel's start, (n,), in mm.
        lengths: of the segments, in mm.
        radii: of the segments, in mm.
        root: radius at the very beginning over that of the first segment.
    """
    ends = np.cumsum(lengths)
    middles = ends - 0.5 * np.asarray(lengths)
    places = np.concatenate([[0.0], middles, [ends[-1]]])
    values = np.concatenate([[root * radii[0]], radii, [0.5 * radii[-1]]])
    return closing(np.interp(along, places, values), along)


def plant(
    planting: Planting,
    rail: Rail,
    course: Points,
    name: str,
    goals: Points,
    start_mm: float,
    parent: Key,
    root: float = 1.04,
) -> list[Branch]:
    """Lays a named artery along its course and grows what leaves it.

    Args:
        planting: what its branches have in common.
        rail: the artery's plan.
        course: its centre line (n, 3), as long as the plan says.
        name: of the artery.
        goals: places (n, 3) for its branches to share out.
        start_mm: the way from the segment's root to its beginning.
        parent: what it leaves.
        root: radius at its beginning over that of its first segment.
    """
    along = path_lengths(course)
    radii = tapered(along, list(rail.lengths_mm), list(rail.radii_mm), root)
    artery = Branch(name, planting.segment, planting.side, course, radii, start_mm, parent)
    grown = [artery]
    terminals = 1 + sum(sprig.terminals for sprig in rail.branches)
    ends = np.cumsum(rail.lengths_mm)
    for number, (sprig, angle, end) in enumerate(zip(rail.branches, rail.angles_degrees, ends[:-1], strict=True), 1):
        index = int(np.argmin(np.abs(along - end)))
        origin, ahead = course[index], tangent_at(course, index)
        taken, goals = _nearest_share(goals, origin, course[along > end + 8.0], sprig.terminals / terminals)
        terminals -= sprig.terminals
        sideways = taken.mean(axis=0) - origin
        sideways = unit(sideways - (sideways @ ahead) * ahead)
        turned = np.radians(angle)
        direction = np.cos(turned) * ahead + np.sin(turned) * sideways
        grown += bear(planting, sprig, origin, direction, taken, f"{name} {number}", start_mm + float(end), artery.key)
    return grown


def bear(
    planting: Planting,
    sprig: Sprig,
    origin: NDArray[np.float64],
    direction: NDArray[np.float64],
    goals: Points,
    name: str,
    start_mm: float,
    parent: Key,
) -> list[Branch]:
    """Grows one vessel to its end along the thicker daughters, and from it the thinner ones."""
    pieces: list[Points] = [origin[None]]
    lengths: list[float] = []
    radii: list[float] = []
    offshoots: list[tuple[Sprig, NDArray[np.float64], NDArray[np.float64], Points, float]] = []
    key = (planting.segment, planting.side, name)
    while True:
        start = pieces[-1][-1]
        ways = _ways(planting, sprig, start, direction, goals)
        points = grow(start, direction, ways, sprig.length_mm, sprig.tortuosity, sprig.swing, planting.territory)
        pieces.append(points[1:])
        lengths.append(sprig.length_mm)
        radii.append(sprig.radius_mm)
        if sprig.daughters is None:
            break
        major, minor = sprig.daughters
        ahead = unit(points[-1] - points[max(len(points) - 3, 0)])
        out = _outwards(planting.territory, points[-1])
        across = unit(np.cross(out, ahead)) * sprig.turns
        seen = (goals - points[-1]) @ across
        count = min(max(1, round(len(goals) * minor.terminals / sprig.terminals)), max(len(goals) - 1, 1))
        order = np.argsort(-seen, kind="stable")
        angle = np.radians(sprig.angle_degrees)
        turned, other = _MINOR_SHARE * angle, (1.0 - _MINOR_SHARE) * angle
        aside = np.cos(turned) * ahead + np.sin(turned) * across
        offshoots.append((minor, points[-1], aside, goals[order[:count]], sum(lengths)))
        if count < len(goals):
            goals = goals[order[count:]]
        direction = np.cos(other) * ahead - np.sin(other) * across
        sprig = major
    course = np.concatenate(pieces)
    branch = Branch(
        name, planting.segment, planting.side, course, tapered(path_lengths(course), lengths, radii), start_mm, parent
    )
    grown = [branch]
    for number, (minor, place, aside, share, way) in enumerate(offshoots, 1):
        grown += bear(planting, minor, place, aside, share, f"{name}.{number}", start_mm + way, key)
    return grown


def _ways(
    planting: Planting, sprig: Sprig, start: NDArray[np.float64], direction: NDArray[np.float64], goals: Points
) -> Points:
    """What a segment heads for: the middle of its share, or the place of it that suits its length best."""
    if sprig.daughters is None:
        chord = sprig.length_mm / sprig.tortuosity
        away = goals - start
        if float((away**2).sum(axis=1).max()) < (_OWN_REACH * chord) ** 2:  # too long for its own share
            goals = planting.territory.goals
            away = goals - start
        distances = np.sqrt((away**2).sum(axis=1)) + 1e-6
        behind = 1.0 - (away @ direction) / distances
        goal = goals[int(np.argmin(np.abs(distances - chord) + 0.5 * chord * behind))]
    else:
        middle = goals.mean(axis=0)
        goal = goals[int(np.argmin(((goals - middle) ** 2).sum(axis=1)))]
    if planting.is_insular and start[0] < INSULA_MM:
        return round_the_operculum(start, goal, np.abs(np.sin(sprig.swing.phases)))
    return _not_behind(start, direction, goal)[None]


def _not_behind(
    start: NDArray[np.float64], direction: NDArray[np.float64], goal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A goal turned forwards, as far away, where it would make a vessel double back at once."""
    away = goal - start
    distance = float(np.sqrt(away @ away)) + 1e-6
    ahead = float(away @ direction) / distance
    if ahead > _FORWARD:
        return goal
    aside = away / distance - ahead * direction
    aside = aside / (float(np.sqrt(aside @ aside)) + 1e-6)
    turned: NDArray[np.float64] = start + distance * (_FORWARD * direction + np.sqrt(1.0 - _FORWARD**2) * aside)
    return turned


def _outwards(territory: Territory, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """The direction that faces the skull, or the falx, at a point."""
    if territory.plane_mm > 0.0:
        return np.array([1.0, 0.0, 0.0])
    return unit((point - territory.centre) / territory.half_axes**2)


def _nearest_share(goals: Points, origin: NDArray[np.float64], later: Points, share: float) -> tuple[Points, Points]:
    """Splits goals: those that a branch from here reaches better than any later one, and the rest."""
    near = np.sqrt(((goals - origin) ** 2).sum(axis=1))
    if len(later):
        gaps = np.sqrt(((goals[:, None] - later[None, ::4]) ** 2).sum(axis=2)).min(axis=1)
        near = near - 0.9 * gaps
    count = min(max(1, round(share * len(goals))), max(len(goals) - 1, 1))
    order = np.argsort(near, kind="stable")
    return goals[order[:count]], goals[order[count:]] if count < len(goals) else goals
