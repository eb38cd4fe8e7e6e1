"""How well scores put positives above negatives; what cannot be known is NaN."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

LabelMetric = Callable[[NDArray[np.generic], NDArray[np.generic]], float]


def auroc(labels: NDArray[np.generic], scores: NDArray[np.generic]) -> float:
    """Computes the area under the ROC curve: how often a positive scores above a negative, ties counting half.

    Written with sorted negatives, because a bootstrap asks for it thousands of times.

    Args:
        labels: (n,) in {0, 1}.
        scores: (n,).

    Returns:
        A value in [0, 1]; NaN where only one class is there or a score is NaN.

    Raises:
        ValueError: the arrays are not two vectors of one length, or a label is neither 0 nor 1.

    Example:
        >>> auroc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
        0.75
    """
    positive, values = _checked(labels, scores)
    positives, negatives = values[positive], np.sort(values[~positive])
    if len(positives) == 0 or len(negatives) == 0 or np.isnan(values).any():
        return float("nan")
    below = np.searchsorted(negatives, positives, side="left")
    not_above = np.searchsorted(negatives, positives, side="right")
    return float((below.sum() + not_above.sum()) / (2 * len(positives) * len(negatives)))


def average_precision(labels: NDArray[np.generic], scores: NDArray[np.generic]) -> float:
    """Computes the average precision: the precision at each threshold, weighted by the recall gained there.

    Args:
        labels: (n,) in {0, 1}.
        scores: (n,).

    Returns:
        A value in [0, 1]; NaN where there is no positive or a score is NaN.

    Raises:
        ValueError: the arrays are not two vectors of one length, or a label is neither 0 nor 1.
    """
    positive, values = _checked(labels, scores)
    if not positive.any() or np.isnan(values).any():
        return float("nan")
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    thresholds = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # equal scores are called together
    found = np.cumsum(positive[order])[thresholds]
    precision = found / (thresholds + 1)
    return float(np.sum(np.diff(found, prepend=0) * precision) / found[-1])


def per_label(metric: LabelMetric, labels: NDArray[np.generic], values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Computes a metric for each label by itself.

    Args:
        metric: a function of (n,) labels and (n,) scores or calls.
        labels: (n, K) in {0, 1}.
        values: (n, K) scores or calls.

    Returns:
        (K,); NaN where a label's metric is not defined.

    Raises:
        ValueError: the arrays are not two matrices of one shape.
    """
    if labels.ndim != 2 or labels.shape != values.shape:
        raise ValueError(f"Labels {labels.shape} and values {values.shape} must be matrices (n, K) of one shape.")
    return np.array([metric(labels[:, k], values[:, k]) for k in range(labels.shape[1])], dtype=np.float64)


def macro(values: NDArray[np.float64]) -> float:
    """Averages the values that are known; NaN where none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _checked(labels: NDArray[np.generic], scores: NDArray[np.generic]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise ValueError(f"Labels {labels.shape} and scores {scores.shape} must be vectors of one length.")
    positive = labels == 1
    if not np.all(positive | (labels == 0)):
        raise ValueError("Labels must be 0 or 1.")
    return np.asarray(positive, dtype=np.bool_), scores.astype(np.float64)
