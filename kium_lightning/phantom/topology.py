"""Draws how an artery divides: which vessel gives which, and how long, winding and thick each of them is."""

import math
from dataclasses import dataclass

import numpy as np

from kium_lightning.phantom.dimensions import draw_normal
from kium_lightning.phantom.growth import Swing, draw_swing
from kium_lightning.phantom.population import TreeShape

_LEAST_MM = 6.0
_LEAST_ANGLE = 12.0
_LARGEST_ANGLE = 150.0
_LARGEST_TORTUOSITY = 2.8
_UNEVENNESS = 1.8  # 1: every split of the ends as likely as every other; larger: mostly one end and the rest


@dataclass(frozen=True)
class Sprig:
    """One segment of a tree with all that grows from its end.

    Attributes:
        length_mm: of the segment.
        tortuosity: length over chord to aim at.
        radius_mm: at its middle.
        swing: the form of its course.
        terminals: how many ends the tree that it bears has.
        angle_degrees: between its daughters; 0 for a terminating segment.
        turns: whether the thinner daughter leaves to the left (1) or to the right (-1) seen from outside.
        daughters: the thicker and the thinner one, or none.
    """

    length_mm: float
    tortuosity: float
    radius_mm: float
    swing: Swing
    terminals: int
    angle_degrees: float
    turns: int
    daughters: "tuple[Sprig, Sprig] | None"


def draw_length(rng: np.random.Generator, median_sigma: tuple[float, float]) -> float:
    """Draws a segment's length in mm from a log-normal distribution, cut below."""
    spread = float(np.clip(rng.standard_normal(), -2.0, 2.0))
    return max(_LEAST_MM, median_sigma[0] * math.exp(median_sigma[1] * spread))


def draw_tortuosity(rng: np.random.Generator, mean: float, sigma: float) -> float:
    """Draws length over chord: 1 and a log-normal excess with the given mean."""
    excess = (mean - 1.0) * math.exp(sigma * rng.standard_normal() - 0.5 * sigma**2)
    return min(1.0 + excess, _LARGEST_TORTUOSITY)


def draw_ratios(rng: np.random.Generator, shape: TreeShape) -> tuple[float, float]:
    """Draws the radii of two daughters over their parent's, the thicker one first."""
    major = float(np.clip(draw_normal(rng, shape.major_ratio), 0.6, 1.05))
    minor = float(np.clip(draw_normal(rng, shape.minor_ratio), 0.4, 1.0))
    return max(major, minor), min(major, minor)


def draw_angle(rng: np.random.Generator, shape: TreeShape) -> float:
    """Draws the angle between two daughters in degrees."""
    return float(np.clip(draw_normal(rng, shape.angle_degrees), _LEAST_ANGLE, _LARGEST_ANGLE))


def draw_sprig(rng: np.random.Generator, shape: TreeShape, terminals: int, radius_mm: float) -> Sprig:
    """Draws a tree with a number of ends; the thicker daughter bears the larger part.

    Splits are uneven: only so can thin daughters be 0.77 of their parents while radii hardly fall from order to order.
    """
    swing = draw_swing(rng)
    turns = 1 if rng.uniform() < 0.5 else -1
    if terminals == 1:
        length = draw_length(rng, shape.terminating_mm)
        tortuosity = draw_tortuosity(rng, shape.terminating_tortuosity, shape.tortuosity_sigma)
        return Sprig(length, tortuosity, radius_mm, swing, 1, 0.0, turns, None)
    length = draw_length(rng, shape.bifurcating_mm)
    tortuosity = draw_tortuosity(rng, shape.bifurcating_tortuosity, shape.tortuosity_sigma)
    angle = draw_angle(rng, shape)
    ratios = draw_ratios(rng, shape)
    fewer = 1 + int((terminals // 2) * rng.uniform() ** _UNEVENNESS)
    parts = terminals - min(fewer, terminals // 2), min(fewer, terminals // 2)
    major, minor = (
        draw_sprig(rng, shape, part, max(shape.least_radius_mm, ratio * radius_mm))
        for part, ratio in zip(parts, ratios, strict=True)
    )
    return Sprig(length, tortuosity, radius_mm, swing, terminals, angle, turns, (major, minor))


@dataclass(frozen=True)
class Rail:
    """The plan of a named artery that gives off branches along its known course.

    Attributes:
        lengths_mm: of its segments, the last of them terminating.
        radii_mm: of its segments, at their middles.
        angles_degrees: at each division.
        branches: what leaves at each division.
    """

    lengths_mm: tuple[float, ...]
    radii_mm: tuple[float, ...]
    angles_degrees: tuple[float, ...]
    branches: tuple[Sprig, ...]

    @property
    def length_mm(self) -> float:
        """Its whole length."""
        return sum(self.lengths_mm)


def draw_rail(
    rng: np.random.Generator,
    shape: TreeShape,
    terminals: int,
    radius_mm: float,
    length_mm: float,
    first_mm: float | None = None,
    first_step: float = 1.0,
) -> Rail:
    """Draws the divisions of a named artery.

    Args:
        rng: the source of randomness.
        shape: how it divides.
        terminals: its own end and those of all its branches.
        radius_mm: of its first segment.
        length_mm: its length; as many segments are taken as come closest to it, and scaled by at most a third.
        first_mm: length of the first segment; None to draw it as the others.
        first_step: what both daughters' radii at the first division are multiplied with.
    """
    last = draw_length(rng, shape.terminating_mm)
    drawn = [draw_length(rng, shape.bifurcating_mm) for _ in range(max(terminals - 1, 0))]
    if first_mm is not None and drawn:
        drawn[0] = first_mm
    sums = np.concatenate([[0.0], np.cumsum(drawn)]) + last
    most = min(terminals - 1, len(drawn))
    least = 1 if terminals > 1 else 0
    count = least + int(np.argmin(np.abs(sums[least : most + 1] - length_mm)))
    scaled = [*drawn[:count], last]
    fixed = 1 if first_mm is not None and count else 0
    rest = sum(scaled[fixed:])
    factor = float(np.clip((length_mm - sum(scaled[:fixed])) / rest, 0.6, 1.6))
    lengths = [*scaled[:fixed], *(factor * each for each in scaled[fixed:])]
    shares = [1] * count
    for _ in range(terminals - 1 - count):  # more to the later ones, as the artery itself gets thinner
        shares[int(count * np.sqrt(rng.uniform()))] += 1
    radii, angles, branches = [radius_mm], [], []
    for number, share in enumerate(shares):
        step = first_step if number == 0 else 1.0
        major, minor = (step * ratio for ratio in draw_ratios(rng, shape))
        remaining = terminals - sum(shares[: number + 1])
        own, other = (major, minor) if remaining >= share else (minor, major)
        branches.append(draw_sprig(rng, shape, share, max(shape.least_radius_mm, other * radii[-1])))
        radii.append(max(shape.least_radius_mm, own * radii[-1]))
        angles.append(draw_angle(rng, shape))
    return Rail(tuple(lengths), tuple(radii), tuple(angles), tuple(branches))


def draw_terminals(rng: np.random.Generator, shape: TreeShape, least: int) -> int:
    """Draws a tree's number of ends."""
    return max(least, round(draw_normal(rng, shape.terminals)))
