"""Grows single vessels over the brain: a course of given length that meanders as much as it was told to.

A vessel heads for a goal, keeps to the surface it lies on, swings sideways and dips into sulci. How far it swings is
found by trying, so that length over chord comes out as drawn.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kium_lightning.phantom.curves import Points
from kium_lightning.phantom.tangles import self_crossings, share_along

SPACING_MM = 1.0
_STRAIGHT_MM = 2.5  # a daughter keeps the direction of its take-off as long as this
_TURN_MM = 3.5  # way over which a vessel turns into the direction it wants
_SHARPEST = 0.3  # largest change of direction, radians per mm
_TURN_OF_PLANE_MM = 500.0
_TILT = 0.4  # of a half turn: how far that plane may lean; vessels dip into sulci more than they curl on the surface
_PULL_PER_MM = 0.07  # back to the surface; more would not let a vessel dip into a sulcus
_RIM = 0.92  # of the brain's outline, where vessels beside the falx begin to be pushed back
_RIM_PUSH_PER_MM = 0.16
_OUTERMOST = 1.01  # of the brain's outline: beyond, all vessels are pushed back from the skull
_SKULL_PUSH_PER_MM = 0.25
_RADIUS_MM = 60.0  # of the hemisphere, roughly
_WAVES = 3  # sines that add up to the swing
_LONGEST_WAVE_MM = 34.0
_SHORTEST_WAVE_MM = 13.0
_COIL, _KNOT = 0.7, 0.25  # what a crossing with itself counts, seen from the side and from the front
_LARGEST = 2.6  # length over chord from which a vessel that comes back to its beginning counts besides
_END_ON = 2.0  # what it counts to run from front to back all the way, as a black dot in frontal views,
_END_ON_LATERAL = 0.8  # and from side to side, as one in lateral views
_FORMS = 4  # phases of its swings that are tried for a vessel, until
_GOOD = 0.4  # its tortuosity, as a logarithm, is so close and it does not cross itself
_SWINGS = np.array([0.3, 0.45, 0.6, 0.8, 1.0, 1.25, 1.5, 1.8, 2.2, 2.7, 3.4, 4.5])


@dataclass(frozen=True)
class Territory:
    """Where an artery's branches run.

    Attributes:
        low: least lateral, anterior and superior coordinate, mm.
        high: greatest.
        centre: of the ellipsoid that the brain's surface is part of, mm.
        half_axes: of that ellipsoid, mm.
        grip: how strongly vessels keep to the ellipsoid, 0 to 1.
        plane_mm: lateral place of the surface facing the falx; its vessels keep to that where it is above 0.
        goals: places (n, 3) for the branches to share out among them.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    centre: NDArray[np.float64]
    half_axes: NDArray[np.float64]
    grip: float
    plane_mm: float
    goals: Points


@dataclass(frozen=True)
class Swing:
    """How a vessel leaves its straight way: a sum of sines in a plane that turns slowly about the vessel.

    Two independent swings, sideways and in depth, would make it a coil; a plane far from upright makes loops in lateral
    views, where known angiograms show a fan.

    Attributes:
        waves: wavelengths in mm (n,).
        phases: (n,) in radians.
        weights: (n,).
        tilt: angle of the plane to the surface at the vessel's beginning, radians.
        turn_mm: way over which the plane turns by a whole circle; its sign says to which side.
    """

    waves: NDArray[np.float64]
    phases: NDArray[np.float64]
    weights: NDArray[np.float64]
    tilt: float
    turn_mm: float


def draw_swing(rng: np.random.Generator) -> Swing:
    """Draws the form, not the size, of a vessel's swings."""
    drawn = rng.uniform(size=(3, _WAVES))
    tilt, turn = rng.uniform(size=2)
    waves = _SHORTEST_WAVE_MM * (_LONGEST_WAVE_MM / _SHORTEST_WAVE_MM) ** drawn[0]
    weights = (0.5 + drawn[2]) * np.sqrt(waves / _LONGEST_WAVE_MM)
    weights /= np.sqrt((weights**2).sum())
    turn_mm = _TURN_OF_PLANE_MM * (1.0 + turn) * (1.0 if turn < 0.5 else -1.0)
    return Swing(waves, 2.0 * np.pi * drawn[1], weights, np.pi * (0.5 + _TILT * (float(tilt) - 0.5)), float(turn_mm))


def grow(
    start: NDArray[np.float64],
    direction: NDArray[np.float64],
    goals: Points,
    length_mm: float,
    tortuosity: float,
    swing: Swing,
    territory: Territory,
) -> Points:
    """Grows a vessel of a given length.

    Args:
        start: where it leaves its parent, (3,), mm.
        direction: in which it leaves, a unit vector (3,).
        goals: places (n, 3) to head for, one after the other; it goes on beyond the last.
        length_mm: its length.
        tortuosity: length over chord to come close to; the way to the goals may ask for more.
        swing: the form of its swings.
        territory: where it runs.

    Returns:
        Points (m, 3) one millimetre apart, the last pair closer; the first is the start.
    """
    points: Points = _best(
        start, direction, goals, length_mm, tortuosity,
        swing.waves, swing.phases, swing.weights, swing.tilt, swing.turn_mm,
        territory.low, territory.high, territory.centre, territory.half_axes, territory.grip, territory.plane_mm,
    )  # fmt: skip
    return points


@njit(cache=True)
def _best(  # type: ignore[no-untyped-def]
    start, direction, goals, length, tortuosity, waves, phases, weights, tilt, turn_mm,
    low, high, centre, half, grip, plane,
):  # fmt: skip
    """Walks with growing swings until length over chord is reached; returns the closest of the walks."""
    count = max(3, math.ceil(length / SPACING_MM) + 1)
    best = np.empty((count, 3))
    best_gap = 1e30
    walked = np.empty((count, 3))
    step = 0
    form = 0
    while step < len(_SWINGS) and form < _FORMS:
        _walk(
            walked, start, direction, goals, length, _SWINGS[step], waves, phases + form * 2.0, weights, tilt, turn_mm,
            low, high, centre, half, grip, plane,
        )  # fmt: skip
        chord = 0.0
        for i in range(3):
            chord += (walked[-1, i] - start[i]) ** 2
        reached = length / max(math.sqrt(chord), 0.2 * length)
        gap = abs(math.log(max(reached - 1.0, 1e-3)) - math.log(max(tortuosity - 1.0, 1e-3)))
        gap += max(reached - _LARGEST, 0.0) + _END_ON * share_along(walked, 1)
        gap += _END_ON_LATERAL * share_along(walked, 0)
        gap += _COIL * self_crossings(walked, 1, 2) + _KNOT * self_crossings(walked, 0, 2)
        if gap < best_gap:
            best_gap = gap
            best[:] = walked
        step += 1
        if reached > 1.6 * tortuosity or step == len(_SWINGS):
            if best_gap < _GOOD:
                break
            step = 0
            form += 1
    return best


@njit(cache=True)
def _walk(  # type: ignore[no-untyped-def]
    points, start, direction, goals, length, swing, waves, phases, weights, tilt, turn_mm,
    low, high, centre, half, grip, plane,
):  # fmt: skip
    count = len(points)
    step = length / (count - 1)
    points[0] = start
    heading = direction.copy()
    wish = np.empty(3)
    normal = np.empty(3)
    onward = np.empty(3)
    change = np.empty(3)
    goal = 0
    arrived = False
    for index in range(1, count):
        p = points[index - 1]
        way = (index - 1) * step
        distance = 0.0
        for i in range(3):
            wish[i] = goals[goal, i] - p[i]
            distance += wish[i] ** 2
        distance = math.sqrt(distance)
        if distance < 3.5 and goal < len(goals) - 1:
            goal += 1
        ahead = 0.0
        for i in range(3):
            wish[i] /= max(distance, 1e-6)
            ahead += wish[i] * heading[i]
        if goal == len(goals) - 1 and not arrived and (distance < 6.0 or (ahead < 0.0 and way > 0.35 * length)):
            arrived = True  # beyond the last goal it goes on as it came
            onward[:] = heading
        if arrived:
            wish[:] = onward
        rest = 0.0  # the outward normal of the ellipsoid
        scale = 0.0
        for i in range(3):
            normal[i] = (p[i] - centre[i]) / half[i] ** 2
            rest += normal[i] ** 2
            scale += ((p[i] - centre[i]) / half[i]) ** 2
        for i in range(3):
            normal[i] /= math.sqrt(rest)
        over = (math.sqrt(scale) - _OUTERMOST) * _RADIUS_MM
        for i in range(3):
            wish[i] -= _SKULL_PUSH_PER_MM * min(max(over, 0.0), 12.0) * normal[i]
        if plane > 0.0:
            beyond = (math.sqrt(scale) - _RIM) * _RADIUS_MM  # a corner of the box may lie outside the skull
            for i in range(3):
                wish[i] -= _RIM_PUSH_PER_MM * min(max(beyond, 0.0), 12.0) * normal[i]
            normal[0], normal[1], normal[2] = 1.0, 0.0, 0.0
            wish[0] += 0.06 * (plane - p[0])
        elif grip > 0.0 and goal == len(goals) - 1:
            outside = (1.0 / math.sqrt(scale) - 1.0) * _RADIUS_MM  # roughly how many millimetres below the surface
            for i in range(3):
                wish[i] += grip * min(max(_PULL_PER_MM * outside, -2.0), 2.0) * normal[i]
        for i in range(3):
            wish[i] += 0.11 * (min(max(low[i] + 7.0 - p[i], 0.0), 14.0) - min(max(p[i] - high[i] + 7.0, 0.0), 14.0))
        if plane > 0.0:
            wish[0] += 1.2 * max(1.2 - p[0], 0.0)
        away = 0.0
        for k in range(len(waves)):
            away += weights[k] * math.sin(2.0 * math.pi * way / waves[k] + phases[k])
        plane_angle = tilt + 2.0 * math.pi * way / turn_mm
        sideways, deep = away * math.cos(plane_angle), away * math.sin(plane_angle)
        if plane == 0.0 and over > 0.0:
            deep = min(deep, 0.0)
        across = np.array(
            [
                normal[1] * wish[2] - normal[2] * wish[1],
                normal[2] * wish[0] - normal[0] * wish[2],
                normal[0] * wish[1] - normal[1] * wish[0],
            ]
        )
        size = math.sqrt(across[0] ** 2 + across[1] ** 2 + across[2] ** 2) + 1e-9
        towards = math.sqrt(wish[0] ** 2 + wish[1] ** 2 + wish[2] ** 2) + 1e-9
        turn = step / _TURN_MM * min(1.0, max(0.0, (way - 0.5 * _STRAIGHT_MM) / _STRAIGHT_MM))
        size_new = 0.0
        for i in range(3):
            target = wish[i] / towards + 1.6 * swing * (sideways * across[i] / size + deep * normal[i])
            change[i] = turn * (target - heading[i])
            size_new += change[i] ** 2
        limit = min(1.0, _SHARPEST * step / (math.sqrt(size_new) + 1e-9))
        size_new = 0.0
        for i in range(3):
            heading[i] += limit * change[i]
            size_new += heading[i] ** 2
        size_new = math.sqrt(size_new) + 1e-9
        for i in range(3):
            heading[i] /= size_new
            points[index, i] = p[i] + step * heading[i]
