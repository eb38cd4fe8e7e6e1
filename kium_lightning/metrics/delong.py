"""DeLong's intervals of one AUROC and of the difference of two on the same patients."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import rankdata

from kium_lightning.metrics.intervals import UNKNOWN_INTERVAL, Interval, PairedDifference
from kium_lightning.metrics.ranking import auroc

_NO_VARIANCE = 1e-18  # below what one tie among 10,000 patients makes, above rounding
_UNKNOWN = float("nan")


def delong_interval(labels: NDArray[np.generic], scores: NDArray[np.generic], level: float = 0.95) -> Interval:
    """Computes DeLong's interval of an AUROC, symmetric on the logit scale, so that its ends stay within [0, 1].

    Where all positives score above all negatives, or all below, DeLong's variance is 0 and says nothing; so does it
    where either class has a single patient. Then the ends are those values that lie within as many standard errors of
    the AUROC as the level asks, each value with its own standard error (after Hanley and McNeil): with 10 patients of
    each class an AUROC of 1 has the interval 0.80 to 1.

    Sources: DeLong, DeLong and Clarke-Pearson, Biometrics 1988; 44:837; Sun and Xu, IEEE Signal Process Lett 2014;
    21:1389 (by midranks); the logit after Pepe, "The Statistical Evaluation of Medical Tests", 2003, chapter 5; the
    ends without DeLong's variance after Newcombe, Stat Med 2006; 25:559, method 5.

    Args:
        labels: (n,) in {0, 1}.
        scores: (n,).
        level: share of repetitions that the interval should cover, in (0, 1).

    Returns:
        The interval; NaN at both ends where only one class is there or a score is NaN.

    Raises:
        ValueError: the arrays are not two vectors of one length, a label is neither 0 nor 1, or level is out of range.
    """
    quantile = _quantile(level)
    value = auroc(labels, scores)
    if np.isnan(value):
        return UNKNOWN_INTERVAL
    positive = labels == 1
    of_positives, of_negatives = placements(positive, scores)
    variance = _variance_of_mean(of_positives) + _variance_of_mean(of_negatives)
    if not variance > _NO_VARIANCE or not 0 < value < 1:
        return _ends_by_value(value, len(of_positives), len(of_negatives), quantile)
    middle = np.log(value / (1 - value))
    half = quantile * np.sqrt(variance) / (value * (1 - value))
    low, high = 1 / (1 + np.exp(-(middle + np.array([-half, half]))))
    return Interval(float(low), float(high))


def delong_difference(
    labels: NDArray[np.generic], first: NDArray[np.generic], second: NDArray[np.generic], level: float = 0.95
) -> PairedDifference:
    """Compares the AUROCs of two scores of the same patients.

    Sources: as of ``delong_interval``.

    Args:
        labels: (n,) in {0, 1}.
        first: (n,) one score.
        second: (n,) the other.
        level: share of repetitions that the interval should cover, in (0, 1).

    Returns:
        The first AUROC minus the second with its interval, cut to [-1, 1], and the two-sided p. Scores that rank the
        patients alike differ by 0 with p 1. Where the variance is 0 though they rank them otherwise (both AUROCs are 1)
        or cannot be known (a class of one patient), interval and p are NaN; all is NaN where only one class is there
        or a score is NaN.

    Raises:
        ValueError: the arrays are not vectors of one length, a label is neither 0 nor 1, or level is out of range.
    """
    quantile = _quantile(level)
    value = auroc(labels, first) - auroc(labels, second)
    if np.isnan(value):
        return PairedDifference(_UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN)
    if np.array_equal(rankdata(first), rankdata(second)):
        return PairedDifference(0.0, 0.0, 0.0, 1.0)
    positive = labels == 1
    apart = [one - other for one, other in zip(placements(positive, first), placements(positive, second), strict=True)]
    variance = sum(_variance_of_mean(each) for each in apart)
    if not variance > _NO_VARIANCE:
        return PairedDifference(value, _UNKNOWN, _UNKNOWN, _UNKNOWN)
    error = float(np.sqrt(variance))
    p = 2 * NormalDist().cdf(-abs(value) / error)
    return PairedDifference(value, max(value - quantile * error, -1.0), min(value + quantile * error, 1.0), p)


def placements(
    positive: NDArray[np.bool_], scores: NDArray[np.generic]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Computes for each patient the share of the other class that is ranked on the right side, ties counting half.

    The mean of either is the AUROC; their variances and covariances over patients are DeLong's.

    Args:
        positive: (n,) who has the label: m of them, at least one, and at least one who has not.
        scores: (n,).

    Returns:
        Of the positives the share of negatives below, (m,), and of the negatives that of positives above, (n - m,).
    """
    above, below = scores[positive], scores[~positive]
    among_all = rankdata(np.concatenate([above, below]))
    of_positives = (among_all[: len(above)] - rankdata(above)) / len(below)
    of_negatives = 1 - (among_all[len(above) :] - rankdata(below)) / len(above)
    return of_positives, of_negatives


def _variance_of_mean(values: NDArray[np.float64]) -> float:
    return float(np.var(values, ddof=1)) / len(values) if len(values) > 1 else _UNKNOWN


def _ends_by_value(value: float, positives: int, negatives: int, quantile: float) -> Interval:
    """The ends at which the AUROC lies just ``quantile`` standard errors away, each with its own standard error."""
    others = (positives + negatives) / 2 - 1

    def beyond(end: float) -> float:
        variance = end * (1 - end) * (1 + others * ((1 - end) / (2 - end) + end / (1 + end))) / (positives * negatives)
        return (value - end) ** 2 - quantile**2 * variance

    low = 0.0 if value == 0 else float(brentq(beyond, 0.0, value - 1e-9))
    high = 1.0 if value == 1 else float(brentq(beyond, value + 1e-9, 1.0))
    return Interval(low, high)


def _quantile(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), not {level}.")
    return NormalDist().inv_cdf((1 + level) / 2)
