"""Metrics of the cohorts that lack one patient each, in one pass over the patients where that is known."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from kium_lightning.metrics.at_once import RATIOS
from kium_lightning.metrics.official import official_auroc
from kium_lightning.metrics.ranking import auroc, average_precision

Values = NDArray[np.float64]


def left_out(metric: Callable[..., float]) -> Callable[..., Values] | None:
    """Finds the function that computes a metric without each patient in turn; None where there is none.

    It takes the metric's own arrays and returns (n,) values. One cohort after the other would take the square of the
    time: 10,000 patients are 10,000 cohorts.
    """
    return _LEFT_OUT.get(metric)


def auroc_left_out(labels: NDArray[np.generic], scores: NDArray[np.generic]) -> Values:
    """Computes the AUROC without each patient: what is in order, less the pairs of that patient.

    Args:
        labels: (n,) in {0, 1}.
        scores: (n,).

    Returns:
        (n,) in [0, 1]; NaN where the others are of one class only, or if any score is NaN.
    """
    positive, values = np.asarray(labels == 1), scores.astype(np.float64)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    without = np.full(len(values), np.nan)
    if not positives or not negatives or np.isnan(values).any():
        return without
    ranks, own = rankdata(values), np.empty(len(values))
    own[positive], own[~positive] = rankdata(values[positive]), rankdata(values[~positive])
    pairs = ranks - own  # of the other class below, ties counting half
    pairs[~positive] = positives - pairs[~positive]
    in_order = pairs[positive].sum()
    if positives > 1:
        without[positive] = (in_order - pairs[positive]) / ((positives - 1) * negatives)
    if negatives > 1:
        without[~positive] = (in_order - pairs[~positive]) / (positives * (negatives - 1))
    return without


def average_precision_left_out(labels: NDArray[np.generic], scores: NDArray[np.generic]) -> Values:
    """Computes the average precision without each patient.

    Leaving out a patient changes the precision at its own score and at all lower ones: there one call less, and one
    true call less if it is a positive. So the sums over the scores above and below are all that is needed.

    Args:
        labels: (n,) in {0, 1}.
        scores: (n,).

    Returns:
        (n,) in [0, 1]; NaN where no positive is left, or if any score is NaN.
    """
    positive, values = np.asarray(labels == 1), scores.astype(np.float64)
    total = int(positive.sum())
    if not total or np.isnan(values).any():
        return np.full(len(values), np.nan)
    _, group = np.unique(-values, return_inverse=True)  # equal scores are called together, highest first
    here = np.bincount(group, weights=positive)
    true, called = np.cumsum(here), np.cumsum(np.bincount(group))
    fewer = np.maximum(called - 1, 1)
    above = np.concatenate([[0.0], np.cumsum(here * true / called)[:-1]])

    def below(each: Values) -> Values:
        """The sum over all lower scores."""
        return np.concatenate([np.cumsum(each[::-1])[::-1][1:], [0.0]])

    negative_out = above + here * true / fewer + below(here * true / fewer)
    positive_out = above + (here - 1) * (true - 1) / fewer + below(here * (true - 1) / fewer)
    without = np.where(positive, positive_out[group], negative_out[group])
    left = total - positive.astype(np.int64)
    return np.asarray(np.divide(without, left, out=np.full(len(values), np.nan), where=left > 0))


def ratio_left_out(parts: NDArray[np.generic], wholes: NDArray[np.generic]) -> Values:
    """Computes without each patient a sum over patients divided by another; NaN where that is 0.

    Args:
        parts: (n,) what each patient adds above the line.
        wholes: (n,) what each patient adds below it.

    Returns:
        (n,).
    """
    above, below = (each.astype(np.float64) for each in (parts, wholes))
    left = below.sum() - below
    return np.asarray(np.divide(above.sum() - above, left, out=np.full(len(left), np.nan), where=left > 0))


def _of_terms(terms: Callable[..., tuple[NDArray[np.generic], NDArray[np.generic]]]) -> Callable[..., Values]:
    return lambda *arrays: ratio_left_out(*terms(*arrays))


_LEFT_OUT: dict[Callable[..., float], Callable[..., Values]] = {
    auroc: auroc_left_out,
    official_auroc: auroc_left_out,
    average_precision: average_precision_left_out,
    **{metric: _of_terms(terms) for metric, terms in RATIOS.items()},
}
