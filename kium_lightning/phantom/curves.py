"""Smooth curves in space through waypoints, in millimetres."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Points = NDArray[np.float64]


def path_lengths(points: Points) -> NDArray[np.float64]:
    """The distance along a polyline (n, 3) from its start to each of its points, (n,), in mm."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def smooth_curve(waypoints: Points, spacing_mm: float) -> Points:
    """Runs a twice differentiable curve through waypoints (n, 3) and samples it evenly.

    The parameter is the square root of the chord lengths (centripetal), which keeps the curve from swinging out
    between waypoints of unequal distance.

    Returns:
        Points (m, 3) at most ``spacing_mm`` apart; the first and the last are the first and the last waypoint.
    """
    chords = np.linalg.norm(np.diff(waypoints, axis=0), axis=1)
    keep = np.concatenate([[True], chords > 1e-6])
    waypoints = waypoints[keep]
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(chords[keep[1:]]))])
    spline = CubicSpline(knots, waypoints, bc_type="natural")
    dense: Points = spline(np.linspace(0.0, knots[-1], 24 * (len(waypoints) - 1) + 1))
    along = path_lengths(dense)
    count = max(2, int(np.ceil(along[-1] / spacing_mm)) + 1)
    wanted = np.linspace(0.0, along[-1], count)
    return np.column_stack([np.interp(wanted, along, dense[:, axis]) for axis in range(3)])


def tangent_at(points: Points, index: int) -> NDArray[np.float64]:
    """The unit direction of a polyline (n, 3) at one of its points."""
    low, high = max(index - 2, 0), min(index + 2, len(points) - 1)
    return unit(points[high] - points[low])


def unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """A vector (3,) scaled to length 1."""
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float64)


def wander(rng: np.random.Generator, spreads_mm: NDArray[np.float64], memory: float = 0.75) -> Points:
    """Draws displacements (n, 3) of successive waypoints that drift rather than zigzag.

    Args:
        rng: the source of randomness.
        spreads_mm: standard deviation of each waypoint's displacement per axis, (n,).
        memory: correlation of neighbouring waypoints, 0 to 1.
    """
    fresh = rng.standard_normal((len(spreads_mm), 3))
    drift = np.empty_like(fresh)
    drift[0] = fresh[0]
    for i in range(1, len(fresh)):
        drift[i] = memory * drift[i - 1] + np.sqrt(1.0 - memory**2) * fresh[i]
    return drift * spreads_mm[:, None]
