"""Intervals of confidence by resampling patients.

Patients are drawn with replacement, without regard to their labels, since a new cohort would not keep the prevalence
either. A drawn cohort is a row of counts, how often it holds each patient; all metrics of one evaluation can share the
same draws, so that no number depends on which others are asked for, and the difference of two metrics is paired.
"""

from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kium_lightning.metrics.at_once import at_once

Metric = Callable[..., float]


class Interval(NamedTuple):
    """The ends of an interval; both NaN where it is not known."""

    low: float
    high: float


class PairedDifference(NamedTuple):
    """A difference of two answers about the same patients; what is not known is NaN.

    Attributes:
        value: the first answer's metric minus the second's.
        low: lower end of its interval.
        high: upper end.
        p: two-sided, of a difference as large by chance; not corrected for how many pairs are compared.
    """

    value: float
    low: float
    high: float
    p: float


UNKNOWN_INTERVAL = Interval(float("nan"), float("nan"))


def bootstrap_interval(
    metric: Metric,
    *arrays: NDArray[np.generic],
    level: float = 0.95,
    draws: int = 2000,
    rng: np.random.Generator,
) -> Interval:
    """Computes the percentile bootstrap interval of a metric over patients.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.

    Args:
        metric: a function of the arrays' rows that does not depend on their order.
        arrays: one row per patient each, (n,) or (n, ...).
        level: share of repetitions that the interval should cover, in (0, 1).
        draws: how many cohorts to draw.
        rng: where the draws come from.

    Returns:
        The interval; NaN at both ends where the metric is NaN in more than half of the draws, or without patients.

    Raises:
        ValueError: the arrays differ in length, or level or draws are out of range.
    """
    _check_level(level)
    counts = bootstrap_counts(_patients(arrays), draws, rng)
    return percentile_interval(bootstrap_values(metric, *arrays, counts=counts), level)


def bootstrap_counts(patients: int, draws: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """Draws cohorts of as many patients, with replacement.

    Args:
        patients: n.
        draws: how many cohorts to draw, at least 1.
        rng: where the draws come from.

    Returns:
        (draws, n) how often each cohort holds each patient; a row sums up to n.

    Raises:
        ValueError: draws is out of range.
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, not {draws}.")
    if patients == 0:
        return np.zeros((draws, 0), dtype=np.int16)
    rows = rng.integers(patients, size=(draws, patients)) + patients * np.arange(draws)[:, None]
    return np.bincount(rows.ravel(), minlength=draws * patients).reshape(draws, patients).astype(np.int16)


def bootstrap_values(metric: Metric, *arrays: NDArray[np.generic], counts: NDArray[np.int16]) -> NDArray[np.float64]:
    """Computes a metric of each drawn cohort, all at once where ``metrics.at_once`` knows how.

    Args:
        metric: a function of the arrays' rows that does not depend on their order.
        arrays: one row per patient each, (n,) or (n, ...).
        counts: (draws, n) as ``bootstrap_counts`` draws them.

    Returns:
        (draws,); NaN where the metric is.

    Raises:
        ValueError: the arrays or counts differ in length, or the metric does not accept the arrays.
    """
    patients = _patients(arrays)
    if counts.shape[1] != patients:
        raise ValueError(f"The counts are of {counts.shape[1]} patients and the arrays of {patients}.")
    if patients == 0:
        return np.full(len(counts), np.nan)
    metric(*arrays)  # refuses what it does not accept
    together = at_once(metric)
    if together is not None:
        return together(counts, *arrays)
    places = np.arange(patients)
    cohorts = (np.repeat(places, row) for row in counts)
    return np.array([metric(*(array[rows] for array in arrays)) for rows in cohorts], dtype=np.float64)


def percentile_interval(values: NDArray[np.float64], level: float = 0.95) -> Interval:
    """Cuts equal shares off both sides of drawn values; those that are NaN (only one class) are left out.

    Args:
        values: (draws,), such as ``bootstrap_values`` or the difference of two of them from the same counts.
        level: share of the values to keep, in (0, 1).

    Returns:
        The interval; NaN at both ends where more than half of the values are NaN.

    Raises:
        ValueError: level is out of range.
    """
    _check_level(level)
    known = values[~np.isnan(values)]
    if 2 * len(known) < len(values) or len(known) == 0:
        return UNKNOWN_INTERVAL
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def bootstrap_difference(value: float, values: NDArray[np.float64], level: float = 0.95) -> PairedDifference:
    """Puts the percentile interval and a p beside a difference.

    Source of p: the level at which the interval would just touch 0 (Davison and Hinkley, "Bootstrap Methods and their
    Application", 1997, section 4.2, counting the difference itself as one of the draws).

    Args:
        value: the difference.
        values: (draws,) of the drawn cohorts: of two ``bootstrap_values`` from the same counts.
        level: share of repetitions that the interval should cover, in (0, 1).

    Returns:
        All but the value NaN where more than half of the values are NaN.

    Raises:
        ValueError: level is out of range.
    """
    low, high = percentile_interval(values, level)
    if np.isnan(low):
        return PairedDifference(value, low, high, float("nan"))
    known = values[~np.isnan(values)]
    beyond = min(np.count_nonzero(known <= 0), np.count_nonzero(known >= 0))
    return PairedDifference(value, low, high, min(1.0, 2 * (beyond + 1) / (len(known) + 1)))


def bca_interval(
    value: float, values: NDArray[np.float64], left_out: NDArray[np.float64], level: float = 0.95
) -> Interval:
    """Computes the bias-corrected and accelerated bootstrap interval.

    Source: Efron, J Am Stat Assoc 1987; 82:171.

    Args:
        value: the metric of the cohort itself.
        values: (draws,) of the drawn cohorts.
        left_out: (n,) of the cohort without each patient: ``bootstrap_values(..., counts=leave_one_out(n))``.
        level: share of repetitions that the interval should cover, in (0, 1).

    Returns:
        The interval; NaN at both ends where the value is NaN or more than half of the values are.

    Raises:
        ValueError: level is out of range.
    """
    _check_level(level)
    known, influences = values[~np.isnan(values)], left_out[~np.isnan(left_out)]
    if 2 * len(known) < len(values) or len(known) == 0 or np.isnan(value):
        return UNKNOWN_INTERVAL
    normal = NormalDist()
    below = (np.sum(known < value) + 0.5 * np.sum(np.isclose(known, value, rtol=0, atol=1e-12))) / len(known)
    bias = normal.inv_cdf(float(np.clip(below, 0.5 / len(known), 1 - 0.5 / len(known))))
    apart = influences.mean() - influences
    spread = float(np.sum(apart**2)) ** 1.5
    acceleration = float(np.sum(apart**3)) / (6 * spread) if spread > 0 else 0.0
    shares = []
    for end in (normal.inv_cdf((1 - level) / 2), normal.inv_cdf((1 + level) / 2)):
        moved = bias + end
        shares.append(normal.cdf(bias + moved / (1 - acceleration * moved)))
    low, high = np.quantile(known, shares)
    return Interval(float(low), float(high))


def leave_one_out(patients: int) -> NDArray[np.int16]:
    """The counts of the n cohorts that lack one patient each, (n, n)."""
    return np.ones((patients, patients), dtype=np.int16) - np.eye(patients, dtype=np.int16)


def _patients(arrays: tuple[NDArray[np.generic], ...]) -> int:
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1:
        raise ValueError(f"The arrays must have one row per patient each, but their lengths are {sorted(lengths)}.")
    return lengths.pop()


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), not {level}.")
