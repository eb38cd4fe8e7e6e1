"""Intervals of confidence by resampling patients, see ``metrics.drawn``.

Which kind of interval covers the truth how often is measured by ``benchmarks/interval_coverage.py``.
"""

from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from kium_lightning.metrics.corrections import bca_shares, widened
from kium_lightning.metrics.drawn import Metric, bootstrap_counts, bootstrap_values, left_out_values, patients_of

Method = Literal["bca", "percentile"]


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
    method: Method = "bca",
) -> Interval:
    """Draws cohorts and computes the bootstrap interval of a metric over patients.

    Args:
        metric: as of ``shared_interval``, and so are arrays, level, method, and what is returned and raised.
        arrays: one row per patient each.
        level: share of repetitions that the interval should cover.
        draws: how many cohorts to draw, at least 1.
        rng: where the draws come from.
        method: ``bca``, or ``percentile`` for differences.
    """
    _check(level, method)
    counts = bootstrap_counts(patients_of(arrays), draws, rng)
    return shared_interval(metric, *arrays, counts=counts, level=level, method=method)


def shared_interval(
    metric: Metric,
    *arrays: NDArray[np.generic],
    counts: NDArray[np.int16],
    level: float = 0.95,
    method: Method = "bca",
) -> Interval:
    """Computes the bootstrap interval of a metric over cohorts that are drawn already.

    BCa follows the skew of metrics that lie close to an end of [0, 1], as good AUROCs do. Differences of two metrics
    are nearly symmetric, and their percentiles cover the truth more often. Both are widened for few patients.

    Args:
        metric: a function of the arrays' rows that does not depend on their order.
        arrays: one row per patient each, (n,) or (n, ...).
        counts: (draws, n) as ``bootstrap_counts`` draws them.
        level: share of repetitions that the interval should cover, in (0, 1).
        method: ``bca``, or ``percentile`` for differences.

    Returns:
        The interval; NaN at both ends where the metric is NaN, or is NaN in more than half of the draws (only one
        class), or with fewer than two patients.

    Raises:
        ValueError: the arrays or counts differ in length, level or method are unknown, or the metric does not accept
            the arrays.
    """
    _check(level, method)
    patients = patients_of(arrays)
    values = bootstrap_values(metric, *arrays, counts=counts)
    if patients < 2:
        return UNKNOWN_INTERVAL
    wide = widened(level, patients)
    if method == "percentile":
        return percentile_interval(values, wide)
    return bca_interval(metric(*arrays), values, left_out_values(metric, *arrays), wide)


def percentile_interval(values: NDArray[np.float64], level: float = 0.95) -> Interval:
    """Cuts equal shares off both sides of drawn values; those that are NaN (only one class) are left out.

    Args:
        values: (draws,), such as ``bootstrap_values`` or the difference of two of them from the same counts.
        level: share of the values to keep, in (0, 1); ``widened`` for few patients.

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


def bootstrap_difference(
    value: float, values: NDArray[np.float64], patients: int, level: float = 0.95
) -> PairedDifference:
    """Puts the percentile interval, widened for few patients, and a p beside a difference.

    p is 1 minus the level at which the interval would just touch 0, the difference itself counted as one of the draws.

    Args:
        value: the difference.
        values: (draws,) of the drawn cohorts: of two ``bootstrap_values`` from the same counts.
        patients: n.
        level: share of repetitions that the interval should cover, in (0, 1).

    Returns:
        All but the value NaN where more than half of the values are NaN, or with fewer than two patients.

    Raises:
        ValueError: level is out of range.
    """
    _check_level(level)
    low, high = percentile_interval(values, widened(level, patients)) if patients > 1 else UNKNOWN_INTERVAL
    if np.isnan(low):
        return PairedDifference(value, low, high, float("nan"))
    known = values[~np.isnan(values)]
    beyond = min(np.count_nonzero(known <= 0), np.count_nonzero(known >= 0))
    tail = min(0.5, (beyond + 1) / (len(known) + 1))
    quantile = -NormalDist().inv_cdf(tail) * ((patients - 1) / patients) ** 0.5  # undoes the widening
    return PairedDifference(value, low, high, float(2 * student.sf(quantile, patients - 1)))


def bca_interval(
    value: float, values: NDArray[np.float64], left_out: NDArray[np.float64], level: float = 0.95
) -> Interval:
    """Cuts drawn values where ``corrections.bca_shares`` says; those that are NaN are left out.

    Args:
        value: the metric of the cohort itself.
        values: (draws,) of the drawn cohorts.
        left_out: (n,) of the cohort without each patient: ``left_out_values(metric, ...)``.
        level: share of repetitions that the interval should cover, in (0, 1); ``widened`` for few patients.

    Returns:
        The interval; NaN at both ends where the value is NaN or more than half of the values are.

    Raises:
        ValueError: level is out of range.
    """
    _check_level(level)
    known = values[~np.isnan(values)]
    if 2 * len(known) < len(values) or len(known) == 0 or np.isnan(value):
        return UNKNOWN_INTERVAL
    low, high = np.quantile(known, bca_shares(value, known, left_out[~np.isnan(left_out)], level))
    return Interval(float(low), float(high))


def _check(level: float, method: Method) -> None:
    _check_level(level)
    if method not in ("bca", "percentile"):
        raise ValueError(f"method must be bca or percentile, not {method}.")


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), not {level}.")
