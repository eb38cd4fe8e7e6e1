"""Smooth curves in space through waypoints, in millimetres."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Points = NDArray[np.float64]

_SWINGS = 3  # sines that add up to how an artery winds along each axis,
_SWING_MM = (16.0, 42.0)  # their shortest and longest wave,
_WIDEST_SWING_MM = 6.0  # and how far the longest may swing
_SHARPEST_PER_MM = 0.6  # largest change of direction of an artery that winds, radians per mm
_DRIFT_MM = 14.0  # waypoints closer than this move together


def path_lengths(points: Points) -> NDArray[np.float64]:
    """The distance along a polyline (n, 3) from its start to each of its points, (n,), in mm."""
    steps = points[1:] - points[:-1]
    along = np.zeros(len(points))
    np.cumsum(np.sqrt(np.einsum("ij,ij->i", steps, steps)), out=along[1:])
    return along


def smooth_curve(waypoints: Points, spacing_mm: float) -> Points:
    """Runs a twice differentiable curve through waypoints (n, 3) and samples it evenly.

    The curve is the natural cubic spline whose parameter is the square root of the chord lengths (centripetal), which
    keeps it from swinging out between waypoints of unequal distance.

    Returns:
        Points (m, 3) at most ``spacing_mm`` apart; the first and the last are the first and the last waypoint.
    """
    dense: Points = _natural_spline(np.ascontiguousarray(waypoints), 24)
    return evenly(dense, spacing_mm)


def relaxed(points: Points, rounds: int) -> Points:
    """Takes the sharpest bends out of an evenly sampled curve (n, 3); its ends stay in place.

    Each round averages every point with its neighbours, weights 1, 2, 1.
    """
    points = points.copy()
    for _ in range(rounds):
        points[1:-1] = 0.25 * (points[:-2] + 2.0 * points[1:-1] + points[2:])
    return points


@njit(cache=True)
def _natural_spline(waypoints, pieces):  # type: ignore[no-untyped-def]
    """Samples the natural cubic spline through waypoints (n, 3) at ``pieces`` points between neighbours."""
    n = len(waypoints)
    h = np.empty(n - 1)
    for i in range(n - 1):
        chord = 0.0
        for axis in range(3):
            chord += (waypoints[i + 1, axis] - waypoints[i, axis]) ** 2
        h[i] = max(chord**0.25, 1e-6)
    second = np.zeros((n, 3))  # second derivatives at the knots, by the tridiagonal algorithm
    upper = np.zeros(n)
    for i in range(1, n - 1):
        pivot = 2.0 * (h[i - 1] + h[i]) - h[i - 1] * upper[i - 1]
        upper[i] = h[i] / pivot
        for axis in range(3):
            slope = (waypoints[i + 1, axis] - waypoints[i, axis]) / h[i]
            slope -= (waypoints[i, axis] - waypoints[i - 1, axis]) / h[i - 1]
            second[i, axis] = (6.0 * slope - h[i - 1] * second[i - 1, axis]) / pivot
    for i in range(n - 2, 0, -1):
        for axis in range(3):
            second[i, axis] -= upper[i] * second[i + 1, axis]
    dense = np.empty(((n - 1) * pieces + 1, 3))
    for i in range(n - 1):
        for k in range(pieces):
            b = k / pieces
            a = 1.0 - b
            for axis in range(3):
                bend = (a**3 - a) * second[i, axis] + (b**3 - b) * second[i + 1, axis]
                dense[i * pieces + k, axis] = (
                    a * waypoints[i, axis] + b * waypoints[i + 1, axis] + bend * h[i] * h[i] / 6.0
                )
    dense[-1] = waypoints[-1]
    return dense


def tangent_at(points: Points, index: int) -> NDArray[np.float64]:
    """The unit direction of a polyline (n, 3) at one of its points."""
    low, high = max(index - 2, 0), min(index + 2, len(points) - 1)
    return unit(points[high] - points[low])


def unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """A vector (3,) scaled to length 1."""
    return np.asarray(vector / math.sqrt(vector @ vector), dtype=np.float64)


def wander(
    rng: np.random.Generator,
    along_mm: NDArray[np.float64],
    spreads_mm: NDArray[np.float64],
    drift_mm: float = _DRIFT_MM,
) -> Points:
    """Draws displacements (n, 3) of waypoints: a smooth drift along the vessel rather than a zigzag.

    Args:
        rng: the source of randomness.
        along_mm: the way from the first to each waypoint, (n,).
        spreads_mm: standard deviation of each waypoint's displacement per axis, (n, 3) or (n, 1).
        drift_mm: waypoints closer than this move together.
    """
    apart = (along_mm[:, None] - along_mm) / drift_mm
    covariance = np.exp(-0.5 * apart**2) + 1e-6 * np.eye(len(along_mm))
    drift: Points = np.linalg.cholesky(covariance) @ rng.standard_normal((len(along_mm), 3))
    return drift * spreads_mm


def wound(rng: np.random.Generator, points: Points, excess: float) -> Points:
    """Lets a polyline (n, 3) swing about its way until it is longer by a share; its start stays in place.

    The swings are sums of sines along each axis, so wide that nothing kinks.
    """
    along = path_lengths(points)
    drawn = rng.uniform(size=(2, _SWINGS, 3))
    waves = _SWING_MM[0] * (_SWING_MM[1] / _SWING_MM[0]) ** drawn[0]
    angle = 2.0 * np.pi * (along[:, None, None] / waves + drawn[1])
    away = (np.sin(angle) * waves / _SWING_MM[1]).sum(axis=1) * np.clip(along / _SWING_MM[0], 0.0, 1.0)[:, None]
    ahead = np.gradient(points, axis=0)
    ahead /= np.sqrt((ahead**2).sum(axis=1))[:, None]
    away -= (away * ahead).sum(axis=1)[:, None] * ahead
    low, high = 0.0, _WIDEST_SWING_MM
    for _ in range(10):
        middle = 0.5 * (low + high)
        swung = points + middle * away
        if path_lengths(swung)[-1] < (1.0 + excess) * along[-1] and _sharpest(swung) < _SHARPEST_PER_MM:
            low = middle
        else:
            high = middle
    return np.asarray(points + low * away, dtype=np.float64)


def _sharpest(points: Points) -> float:
    """The largest change of direction of a polyline (n, 3), radians per mm."""
    steps = points[1:] - points[:-1]
    sizes = np.sqrt((steps**2).sum(axis=1))
    ahead = steps / sizes[:, None]
    turns = np.arccos(np.clip((ahead[1:] * ahead[:-1]).sum(axis=1), -1.0, 1.0))
    return float((turns / sizes[1:]).max())


def cut(points: Points, length_mm: float) -> Points:
    """The first stretch of a polyline (n, 3), ending exactly at a length; all of it where it is shorter."""
    along = path_lengths(points)
    if along[-1] <= length_mm:
        return points
    count = max(int(np.searchsorted(along, length_mm)), 1)
    share = (length_mm - along[count - 1]) / (along[count] - along[count - 1])
    end = points[count - 1] + share * (points[count] - points[count - 1])
    kept = count - 1 if share < 0.3 and count > 1 else count  # no stub of a step
    return np.vstack([points[:kept], end])


def evenly(points: Points, spacing_mm: float) -> Points:
    """Samples a polyline (n, 3) anew at even steps of at most a spacing."""
    along = path_lengths(points)
    wanted = np.linspace(0.0, along[-1], max(2, math.ceil(along[-1] / spacing_mm - 1e-6) + 1))
    return np.column_stack([np.interp(wanted, along, points[:, axis]) for axis in range(3)])


def lengthened(points: Points, length_mm: float) -> Points:
    """Scales a polyline (n, 3) about its start to a length."""
    scaled: Points = points[0] + (points - points[0]) * (length_mm / path_lengths(points)[-1])
    return scaled


def bowed(points: Points, length_mm: float) -> Points:
    """Bends a polyline (n, 3) between fixed ends more or less, until it has a length.

    Its ends must be nearer to each other than that; where they are not, it comes as close to straight as 3 % of excess.
    """
    straight = np.linspace(0.0, 1.0, len(points))[:, None] * (points[-1] - points[0]) + points[0]
    away = points - straight
    low, high = 0.0, 12.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        if path_lengths(straight + middle * away)[-1] < length_mm:
            low = middle
        else:
            high = middle
    return evenly(straight + low * away, length_mm / (len(points) - 1))
