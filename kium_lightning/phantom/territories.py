"""Where each artery's branches run: boxes, surfaces, and places for the branches to share out among them.

The boxes are the 1st to 99th percentile of the public BraVa tracings (Wright 2013, PMC3971907); the surfaces, and all
of the cerebellum, are estimates. Coordinates are (lateral, anterior, superior) in mm of one side.
"""

import numpy as np
from numpy.typing import NDArray

from kium_lightning.phantom.curves import Points
from kium_lightning.phantom.growth import Territory

_CENTRE = np.array([0.0, -11.0, 27.0])
_HALF_AXES = np.array([63.0, 71.0, 56.0])
_FALX_MM = 4.0
_OUTERMOST = 0.98  # of the brain's half axes: no waypoint of a trunk lies further out
_GOLDEN = np.pi * (3.0 - np.sqrt(5.0))


def _disc(count: int) -> NDArray[np.float64]:
    """Evenly spread points (n, 2) of the unit disc."""
    number = np.arange(count) + 0.5
    radius = np.sqrt(number / count)
    return np.column_stack([radius * np.cos(_GOLDEN * number), radius * np.sin(_GOLDEN * number)])


def _hemisphere(count: int) -> Points:
    """Evenly spread points (n, 3) of the hemisphere's outline seen from the side, without a lateral coordinate."""
    return np.column_stack([np.zeros(count), _CENTRE[1:] + _HALF_AXES[1:] * _disc(count)])


def _convexity_goals() -> Points:
    points = _hemisphere(170)
    ant, sup = points[:, 1], points[:, 2]
    points = points[(ant > -77.0) & (ant < 33.0) & (sup > -3.0) & (sup < 69.0)]
    room = 1.0 - (((points[:, 1:] - _CENTRE[1:]) / _HALF_AXES[1:]) ** 2).sum(axis=1)
    points[:, 0] = 0.97 * _HALF_AXES[0] * np.sqrt(np.clip(room, 0.1, 1.0))
    return points


def _falx_goals() -> Points:
    points = _hemisphere(170)
    ant, sup = points[:, 1], points[:, 2]
    beyond_callosum = ((ant + 8.0) / 42.0) ** 2 + ((sup - 18.0) / 22.0) ** 2 > 1.0
    points = points[beyond_callosum & (ant > -52.0) & (sup > 2.0) & ((sup > 30.0) | (ant > 22.0))]
    out = (((points[:, 1:] - _CENTRE[1:]) / _HALF_AXES[1:]) ** 2).sum(axis=1)
    points[:, 0] = _FALX_MM + 12.0 * np.clip(out - 0.7, 0.0, 0.3) / 0.3
    return points


def _occipital_goals() -> Points:
    below = np.column_stack([22.0 + 10.0 * _disc(40)[:, 0], -57.0 + 24.0 * _disc(40)[:, 1], np.full(40, 0.0)])
    below[:, 2] = 6.0 - 0.45 * (below[:, 0] - 10.0)
    medial = np.column_stack([np.full(40, 8.0), -70.0 + 14.0 * _disc(40)[:, 0], 22.0 + 24.0 * _disc(40)[:, 1]])
    return np.vstack([below, medial])


def _tentorial_goals() -> Points:
    disc = _disc(24)
    return np.column_stack(
        [19.0 + 17.0 * disc[:, 0], -60.0 + 16.0 * disc[:, 1], 6.0 - 0.3 * (17.0 + 17.0 * disc[:, 0])]
    )


def _suboccipital_goals() -> Points:
    disc = _disc(24)
    return np.column_stack([16.0 + 13.0 * disc[:, 0], -62.0 - 6.0 * disc[:, 0], -34.0 + 12.0 * disc[:, 1]])


def _petrosal_goals() -> Points:
    disc = _disc(16)
    return np.column_stack([30.0 + 8.0 * disc[:, 0], -46.0 + 11.0 * disc[:, 1], -26.0 + 6.0 * disc[:, 0]])


def _territory(
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    goals: Points,
    grip: float = 0.0,
    plane: float = 0.0,
) -> Territory:
    return Territory(np.array(low), np.array(high), _CENTRE, 0.97 * _HALF_AXES, grip, plane, goals)


MCA = _territory((20, -80, -4), (64, 36, 71), _convexity_goals(), grip=1.0)
ACA = _territory((-3, -54, 2), (26, 60, 83), _falx_goals(), plane=_FALX_MM)
PCA = _territory((1, -88, -12), (34, -12, 52), _occipital_goals())
SCA = _territory((1, -80, -14), (40, -10, 12), _tentorial_goals())
PICA = _territory((1, -76, -58), (34, -26, -16), _suboccipital_goals())
AICA = _territory((2, -64, -40), (44, -14, -14), _petrosal_goals())
SYLVIAN = (6.0, -0.4)  # height of the Sylvian fissure at anterior 0, and its rise per mm to the front
INSULA_MM = 45.0  # MCA branches medial to this still lie on the insula
_INSULA_CENTRE = np.array([-3.0, 13.0])
_INSULA_HALF_AXES = np.array([27.0, 14.0])


def held(course: Points, mean: Points, surface: NDArray[np.float64]) -> Points:
    """Brings waypoints that strayed back into the brain, or to the depth below its surface where they belong.

    Args:
        course: waypoints (n, 3) as drawn, mm.
        mean: where they would be without straying, (n, 3).
        surface: how strictly each keeps its depth, from 0 to 1, (n, 1).
    """
    half = 0.97 * _HALF_AXES
    drawn, usual = (np.sqrt((((each - _CENTRE) / half) ** 2).sum(axis=1))[:, None] for each in (course, mean))
    most = np.maximum(_OUTERMOST, usual)
    wanted = np.minimum(drawn + surface * (usual - drawn), most)
    kept: Points = _CENTRE + (course - _CENTRE) * wanted / drawn
    return kept


def round_the_operculum(origin: NDArray[np.float64], goal: NDArray[np.float64], turns: NDArray[np.float64]) -> Points:
    """The way of an MCA branch from the insula to the convexity: up to its edge, round the operculum, and out.

    Args:
        origin: where the branch leaves, (3,), mm.
        goal: where it goes on the convexity, (3,), mm.
        turns: three numbers from 0 to 1 that say how far it goes and how wide it turns.

    Returns:
        Points (5, 3): three for the turn, one where it comes out of the fissure, and the goal.
    """
    towards = (goal - origin)[1:]
    towards = towards / max(float(np.sqrt(towards @ towards)), 1e-6)
    place = (origin[1:] - _INSULA_CENTRE) / _INSULA_HALF_AXES
    course = towards / _INSULA_HALF_AXES
    along, square = float(place @ course), float(course @ course)
    room = along**2 - square * (float(place @ place) - 1.0)
    reach = (np.sqrt(room) - along) / square if room > 0.0 else 0.0
    reach = float(np.clip(reach, 5.0, 26.0)) * (0.75 + 0.25 * turns[0])
    across = np.array([-towards[1], towards[0]]) * (2.0 * turns[1] - 1.0)
    edge = origin[1:] + reach * towards
    back = 2.0 + 3.0 * turns[2]
    floor = origin[0]
    return np.array(
        [
            [min(floor + 2.0, 43.0), *(edge - 2.0 * towards)],
            [min(floor + 6.0, 48.0), *(edge + 1.0 * towards + 1.0 * across)],
            [floor + 11.0, *(edge - back * towards + 2.0 * across)],
            [max(floor + 15.0, 56.0), *(edge - 0.8 * back * towards + 3.0 * across)],
            goal,
        ]
    )
