"""Intervals of confidence by resampling patients."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Interval(NamedTuple):
    """The ends of an interval; both NaN where it is not known."""

    low: float
    high: float


def bootstrap_interval(
    metric: Callable[..., float],
    *arrays: NDArray[np.generic],
    level: float = 0.95,
    draws: int = 2000,
    rng: np.random.Generator,
) -> Interval:
    """Computes the percentile bootstrap interval of a metric over patients.

    Patients are drawn with replacement, without regard to their labels, since a new cohort would not keep the
    prevalence either. Draws in which the metric is NaN (only one class) are left out.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.

    Args:
        metric: a function of the arrays' rows.
        arrays: one row per patient each, (n,) or (n, ...).
        level: share of repetitions that the interval should cover, in (0, 1).
        draws: how many cohorts to draw.
        rng: where the draws come from.

    Returns:
        The interval; NaN at both ends where the metric is NaN in more than half of the draws, or without patients.

    Raises:
        ValueError: the arrays differ in length, or level or draws are out of range.
    """
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1:
        raise ValueError(f"The arrays must have one row per patient each, but their lengths are {sorted(lengths)}.")
    if not 0 < level < 1 or draws < 1:
        raise ValueError(f"level must lie in (0, 1) and draws be at least 1, not {level} and {draws}.")
    patients = lengths.pop()
    if patients == 0:
        return Interval(float("nan"), float("nan"))
    values = np.empty(draws)
    for draw in range(draws):
        chosen = rng.integers(patients, size=patients)
        values[draw] = metric(*(array[chosen] for array in arrays))
    known = values[~np.isnan(values)]
    if 2 * len(known) < draws:
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
